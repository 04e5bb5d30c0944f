"""The configuration of an adaptation: a release's network, and a team's own recordings."""

from pathlib import Path
from typing import Annotated

import pydantic

from components.actions import OFF, REPORT
from pipeline.config import allowed
from pipeline.config.data import DataConfig
from pipeline.config.section import Name, Place, Section, one_of
from pipeline.config.training import StudyTraining
from pipeline.config.trust import TrustConfig
from pipeline.config.validation import Drift, Skew, Validation
from schemas.splits import PROTOCOLS

# In place of a protocol: speaker-independent folds if the speakers allow them.
AUTO_PROTOCOL = "auto"

Approach = Annotated[str, one_of(allowed.approaches_or_choice)]


class AdaptationGate(Section):
    """What the network has to reach before it is pushed."""

    min_uar: float = pydantic.Field(0.0, ge=0, le=1)
    """Cross-validated UAR."""


class LearningCurve(Section):
    """How the UAR grows with the number of clips."""

    sizes: tuple[Annotated[int, pydantic.Field(ge=1)], ...] = (5, 10, 25, 50, 100)
    """Clips a class; those that every training part has, and then all clips. Empty: no curve."""
    draws: int = pydantic.Field(1, ge=1)
    """Draws of each size from each training part."""


class AdaptationConfig(DataConfig):
    """One adaptation of a release's network; `front_end`, `audio` and so on are the release's."""

    name: Name = "adapt"
    base: Place
    """Output folder of the release, as `ser run` wrote it."""
    output: Place = Path("out/adapt")
    serving: Place | None = None
    """The folder TF Serving watches; `<output>/serving` if absent."""
    domain: str | None = None
    """The domain that is adapted to, where the manifest has several."""
    protocol: Annotated[str, one_of(lambda: (AUTO_PROTOCOL, *PROTOCOLS))] = AUTO_PROTOCOL
    """`auto`: whole speakers are tested if there are enough of them, else clips, and it is said."""
    # A corpus that grows is the use of this command.
    validation: Validation = Validation(drift=Drift(action=REPORT), skew=Skew(action=OFF))
    seed: int = pydantic.Field(0, ge=0)
    approach: Approach = "auto"
    candidates: tuple[Annotated[str, one_of(allowed.approaches)], ...] = pydantic.Field(
        ("A1", "A2", "A5", "A8"), min_length=1
    )
    """Approaches among which `auto` chooses; of equally good ones the first. Those that come to the
    same in a network are compared once."""
    inner_parts: int = pydantic.Field(3, ge=2)
    """Parts of the inner cross-validation by which `auto` chooses."""
    repeats: int = pydantic.Field(1, ge=1)
    """Cross-validations, with the seeds `seed`, `seed` + 1, …"""
    learning_curve: LearningCurve = LearningCurve()
    fine_tune: StudyTraining = StudyTraining()
    scratch: StudyTraining = StudyTraining()
    """Training on the own clips alone, for comparison."""
    least_steps: int = pydantic.Field(60, ge=1)
    """Steps that a training has at least: few clips are seen more often, in smaller batches."""
    trust: TrustConfig = TrustConfig()
    gate: AdaptationGate = AdaptationGate()

    @property
    def serving_root(self) -> Path:
        """The folder that the model is pushed to."""
        return self.serving or self.output / "serving"

    @property
    def audited_fold(self) -> int | None:
        """Every fold is tested."""
        return None

    @property
    def tolerated_findings(self) -> tuple[str, ...]:
        """Answers of all folds are judged together, so that none needs every class."""
        return ("class-missing-in-fold",)
