"""What an adaptation is to do, typed."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from modules.training.job import TrainerJob
from modules.training.settings import Settings


@dataclasses.dataclass(frozen=True, kw_only=True)
class Plan:
    """An adaptation to the clips of one domain.

    Attributes:
      job: The final fine-tuning, on all clips; the others differ in clips, seed and approach.
      scratch: Settings of trainings on the own clips alone.
      by_speaker: Whether whole speakers are tested: else the clips of one speaker may be trained on
        and tested.
      own_folds: Whether each speaker is a fold, in place of the manifest's folds.
      inner_parts: Parts of the inner cross-validation by which an approach is chosen.
      repeats: Cross-validations, each with a seed of its own.
      sizes: Clips a class of the learning curve; empty for none.
      draws: Draws of each size from each training part.
      least_steps: Steps that a training has at least.
      min_uar: Cross-validated UAR below which nothing is pushed.
    """

    job: TrainerJob
    scratch: Settings
    by_speaker: bool
    own_folds: bool = False
    inner_parts: int = 3
    repeats: int = 1
    sizes: tuple[int, ...] = ()
    draws: int = 1
    least_steps: int = 1
    min_uar: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """Returns the plan as dictionaries of what JSON has."""
        return {**dataclasses.asdict(self), "job": self.job.to_json()}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Plan":
        """Returns the plan that `to_json` wrote."""
        own = {
            "job": TrainerJob.from_json(values["job"]),
            "scratch": Settings(**values["scratch"]),
            "sizes": tuple(values["sizes"]),
        }
        return cls(**{**values, **own})


def for_few(settings: Settings, clips: int, *, least_steps: int) -> Settings:
    """Returns settings with which a training on few clips has enough steps.

    Batches are a quarter of the clips where that is less than asked for, but not below eight; and
    epochs as many as the steps need.

    Args:
      settings: Settings for any number of clips.
      clips: Number of clips to train on.
      least_steps: Steps that there are to be at least.

    >>> few = for_few(Settings(epochs=10, batch_size=64), 30, least_steps=150)
    >>> few.batch_size, few.epochs
    (8, 38)
    """
    batch_size = min(settings.batch_size, max(8, clips // 4))
    per_epoch = -(-clips // batch_size)
    epochs = max(settings.epochs, -(-least_steps // per_epoch))
    return dataclasses.replace(settings, batch_size=batch_size, epochs=epochs)
