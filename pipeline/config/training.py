"""How networks learn, and what they may take of the machine."""

from typing import Literal

import pydantic

from pipeline.config.section import Section
from schemas.sound import INPUT_DURATION_S

Schedule = Literal["constant", "cosine"]


class Training(Section):
    """One training; the fields of `modules.training.engine.Settings`, its seed excepted."""

    epochs: int = pydantic.Field(ge=1)
    batch_size: int = pydantic.Field(32, ge=1)
    learning_rate: float = pydantic.Field(1.0, gt=0)
    schedule: Schedule = "constant"
    patience: int = pydantic.Field(0, ge=0)
    shift_s: float = pydantic.Field(0.0, ge=0, lt=INPUT_DURATION_S)


class StudyFineTuning(Section):
    """A training of the study: on all training folds, so that there is no early stopping.

    Clips stay in place, so that frozen layers' outputs are computed once.
    """

    epochs: int = pydantic.Field(ge=1)
    batch_size: int = pydantic.Field(32, ge=1)
    learning_rate: float = pydantic.Field(1.0, gt=0)
    schedule: Schedule = "cosine"


class StudyTraining(StudyFineTuning):
    """A training from scratch, which has no frozen layers: clips may move."""

    shift_s: float = pydantic.Field(0.0, ge=0, lt=INPUT_DURATION_S)


class Resources(Section):
    """What a training may take of the machine."""

    memory_gib: float | None = pydantic.Field(None, gt=0)
    """Memory for clips, in GiB; above it they are streamed. A quarter of the machine's if absent.
    TFX counts the limit as part of the trainings, so another one executes them again."""
