"""What every pipeline has to know to make clips of recordings, and networks for them."""

from typing import Any

import pydantic
import pydantic_core
import yaml

from pipeline.config.audio import Audio
from pipeline.config.beam import Beam
from pipeline.config.metadata import Metadata
from pipeline.config.network import NetworkKeys
from pipeline.config.section import Fold, Name, Place, ReleaseProtocol
from pipeline.config.training import Resources
from pipeline.config.validation import Validation
from schemas.places import is_remote
from schemas.splits import NUM_FOLDS, SPEAKER_INDEPENDENT


class DataConfig(NetworkKeys):
    """What releases and studies have in common."""

    name: Name
    manifest: Place
    output: Place
    """Everything the run writes: pipeline root, metadata, logs, report."""
    protocol: ReleaseProtocol = SPEAKER_INDEPENDENT
    test_fold: Fold = 0
    audio: Audio = Audio()
    training: Resources = Resources()
    validation: Validation = Validation()
    beam: Beam = Beam()
    metadata: Metadata = Metadata()
    synthetic: bool = False
    """Whether the recordings are synthetic; the report says so in words."""

    @pydantic.model_validator(mode="after")
    def _check_workers_see(self) -> Any:
        if self.beam.engine == "dataflow" and not is_remote(self.output):
            raise pydantic_core.PydanticCustomError(
                "beam",
                "output {output} is on this machine, where Dataflow's workers see nothing: set it"
                " to a folder on gs:// or s3://",
                {"output": str(self.output)},
            )
        return self

    @property
    def train_folds(self) -> list[int]:
        """All folds but the test fold."""
        return [fold for fold in range(NUM_FOLDS) if fold != self.test_fold]

    @property
    def audited_fold(self) -> int | None:
        """The fold that the audit takes to be tested on; `None` for each in turn."""
        return self.test_fold

    @property
    def tolerated_findings(self) -> tuple[str, ...]:
        """Errors of the audit that stop nothing."""
        return ()

    def to_yaml(self) -> str:
        """Returns the resolved configuration, which is stored with every run."""
        return yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False)
