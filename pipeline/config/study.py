"""The configuration of a transfer study."""

from pathlib import Path
from typing import Annotated, Literal

import pydantic
import pydantic_core

from components.actions import REPORT
from pipeline.config import allowed
from pipeline.config.data import DataConfig
from pipeline.config.kubeflow import Kubeflow
from pipeline.config.section import Fold, Name, Place, Protocol, Scenario, one_of
from pipeline.config.training import StudyFineTuning, StudyTraining
from pipeline.config.validation import Drift, Validation
from schemas.splits import NUM_FOLDS, RANDOM, SCENARIOS, SPEAKER_INDEPENDENT

Table = Annotated[int, one_of(allowed.tables)]
Beyond = Annotated[str, one_of(allowed.beyond)]
Clips = Annotated[int, pydantic.Field(ge=1)]
Approach = Annotated[str, one_of(allowed.approaches_or_choice)]
Features = Annotated[str, one_of(allowed.svm_features)]


class StudyConfig(DataConfig):
    """The transfer study: which of the paper's tables, for which targets, on which folds."""

    name: Name = "study"
    output: Place = Path("out/study")
    # A study reports what it is measured on; the gates are a release's.
    validation: Validation = Validation(audit=REPORT, drift=Drift(action=REPORT))
    store: Place | None = None
    """The results, a file per cell; `<output>/store` if absent."""
    tables: tuple[Table, ...] = pydantic.Field(default_factory=allowed.tables)
    beyond: tuple[Beyond, ...] = ()
    """What is measured beside the paper's tables."""
    clips_per_class: tuple[Clips, ...] = pydantic.Field((5, 10, 25, 50), min_length=1)
    """Clips a class of the target on `learning_curves`; a number is left out for a target of which
    no class has more."""
    targets: tuple[str, ...] = ()
    """Domains to adapt to; all if empty."""
    protocols: tuple[Protocol, ...] = pydantic.Field((RANDOM, SPEAKER_INDEPENDENT), min_length=1)
    folds: tuple[Fold, ...] = pydantic.Field(tuple(range(NUM_FOLDS)), min_length=1)
    seeds: int = pydantic.Field(1, ge=1)
    """Repetitions, with the seeds 0, 1, …"""
    scenarios: tuple[Scenario, ...] = pydantic.Field(SCENARIOS, min_length=1)
    approaches: tuple[Approach, ...] = pydantic.Field(
        default_factory=allowed.paper_approaches, min_length=1
    )
    baselines: tuple[Features, ...] = pydantic.Field(("functionals",), min_length=1)
    """Features of Table 2's SVMs; the first are those of Table 5's, too. `is10` needs openSMILE."""
    missing_class: Literal["error", "present"] = "error"
    """Where a test fold lacks a class of its domain: stop, or take the UAR over those present."""
    pretrain: StudyTraining = StudyTraining()
    scratch: StudyTraining = StudyTraining()
    """Training on the target alone (TT)."""
    fine_tune: StudyFineTuning = StudyFineTuning()
    kubeflow: Kubeflow = Kubeflow()

    @pydantic.model_validator(mode="after")
    def _check_asked(self) -> "StudyConfig":
        if not self.tables and not self.beyond:
            raise pydantic_core.PydanticCustomError(
                "tables",
                "tables and beyond are both empty; name a table ({tables}) or one of {beyond}",
                {
                    "tables": ", ".join(map(str, allowed.tables())),
                    "beyond": ", ".join(allowed.beyond()),
                },
            )
        return self

    @property
    def store_root(self) -> Path:
        """The folder of the results."""
        return self.store or self.output / "store"
