"""What every pipeline has to know to make clips of recordings, and networks for them."""

from pathlib import Path
from typing import Annotated

import yaml

from pipeline.config import allowed
from pipeline.config.audio import Audio
from pipeline.config.beam import Beam
from pipeline.config.section import Fold, Name, Protocol, Section, one_of
from pipeline.config.training import Resources
from pipeline.config.validation import Validation
from schemas.sound import INPUT_SAMPLES
from schemas.splits import NUM_FOLDS, SPEAKER_INDEPENDENT


class DataConfig(Section):
    """What releases and studies have in common."""

    name: Name
    manifest: Path
    output: Path
    """Everything the run writes: pipeline root, metadata, logs, report."""
    protocol: Protocol = SPEAKER_INDEPENDENT
    test_fold: Fold = 0
    audio: Audio = Audio()
    preset: Annotated[str, one_of(allowed.presets)] = "fast"
    precision: Annotated[str, one_of(allowed.precisions)] = "float32"
    """Precision of the convolutions' products: bfloat16 is faster where the processor has it."""
    training: Resources = Resources()
    validation: Validation = Validation()
    beam: Beam = Beam()
    synthetic: bool = False
    """Whether the recordings are synthetic; the report says so in words."""

    @property
    def train_folds(self) -> list[int]:
        """All folds but the test fold."""
        return [fold for fold in range(NUM_FOLDS) if fold != self.test_fold]

    @property
    def input_samples(self) -> int:
        """Length of the networks' input at 16 kHz; the paper's, where nothing else is said."""
        return INPUT_SAMPLES

    def to_yaml(self) -> str:
        """Returns the resolved configuration, which is stored with every run."""
        return yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False)
