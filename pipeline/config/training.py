"""How networks learn, and what they may take of the machine."""

import dataclasses
from typing import TYPE_CHECKING, Any, Literal

import pydantic

from pipeline.config.section import Section

if TYPE_CHECKING:
    from modules.training.settings import Settings

Optimizer = Literal["adadelta", "adamw"]
Schedule = Literal["constant", "cosine", "one_cycle"]
Sampling = Literal["shuffled", "balanced"]
# More than any front end hears.
_LARGEST_SHIFT_S = 3.0


class StudyFineTuning(Section):
    """A training of the study; what is absent is as in the front end's recipe.

    It sees all training folds, so that there is no early stopping, and clips stay in place, so that
    frozen layers' outputs are computed once.
    """

    epochs: int | None = pydantic.Field(None, ge=1)
    batch_size: int | None = pydantic.Field(None, ge=1)
    optimizer: Optimizer | None = None
    learning_rate: float | None = pydantic.Field(None, gt=0)
    weight_decay: float | None = pydantic.Field(None, ge=0)
    schedule: Schedule | None = None
    sampling: Sampling | None = None
    label_smoothing: float | None = pydantic.Field(None, ge=0, lt=1)

    def over(self, recipe: "Settings") -> "Settings":
        """Returns a recipe's settings, with the values that are given here in their place."""
        given: dict[str, Any] = {
            key: value for key, value in self.model_dump().items() if value is not None
        }
        return dataclasses.replace(recipe, **given)


class StudyTraining(StudyFineTuning):
    """A training from scratch, which has no frozen layers: clips may move."""

    shift_s: float | None = pydantic.Field(None, ge=0, le=_LARGEST_SHIFT_S)


class Training(StudyTraining):
    """One training of a release; what is absent is as in the front end's recipe."""

    patience: int | None = pydantic.Field(None, ge=0)


class Resources(Section):
    """What a training may take of the machine."""

    memory_gib: float | None = pydantic.Field(None, gt=0)
    """Memory for clips, in GiB; above it they are streamed. A quarter of the machine's if absent.
    TFX counts the limit as part of the trainings, so another one executes them again."""
