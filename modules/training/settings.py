"""How long and how fast a network learns."""

import dataclasses
from typing import Literal

Optimizer = Literal["adadelta", "adamw"]
Schedule = Literal["constant", "cosine", "one_cycle"]
Sampling = Literal["shuffled", "balanced"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings:
    """Settings of one training.

    Attributes:
      epochs: Largest number of passes over the training clips.
      batch_size: Number of clips in a step.
      optimizer: `adadelta` (the paper's), or `adamw`.
      learning_rate: Largest rate of the optimizer; of AdaDelta, Keras 1 and 2, and so the paper,
        have 1.0 by default.
      weight_decay: Share of each weight, times the rate, that AdamW takes away in a step
        (Loshchilov & Hutter 2019).
      schedule: `constant`, as in the paper; `cosine`: the rate falls to 0 over all epochs along
        half a cosine (Loshchilov & Hutter 2017), so that the last weights can be kept without an
        inner split; `one_cycle`: it rises over the first tenth of the steps, and falls then
        (Smith & Topin 2019).
      sampling: `shuffled`: each clip once an epoch; `balanced`: drawn with replacement, each label
        of a domain as often as another, each domain by the square root of its clips.
      label_smoothing: Share of the target probability that all labels of the clip's domain have in
        common; with any, labels that its domain lacks are left out of a clip's loss.
      patience: Epochs without a lower inner loss after which training stops and the best weights
        come back; 0 trains all epochs and keeps the last weights.
      shift_s: Largest random offset, in seconds, by which a clip moves each time it is seen; 0
        leaves clips in place, as the paper does.
      seed: Seed of the order of the clips, the shifts, the dropout and of weights that start anew.
    """

    epochs: int
    batch_size: int = 32
    optimizer: Optimizer = "adadelta"
    learning_rate: float = 1.0
    weight_decay: float = 0.0
    schedule: Schedule = "constant"
    sampling: Sampling = "shuffled"
    label_smoothing: float = 0.0
    patience: int = 0
    shift_s: float = 0.0
    seed: int = 0


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe:
    """The settings of a front end's trainings, where nothing else is said.

    Attributes:
      pretrain: Settings of a training on several domains.
      scratch: Settings of a training on one domain alone, to compare with.
      fine_tune: Settings of a training that starts from pre-trained weights.
    """

    pretrain: Settings
    scratch: Settings
    fine_tune: Settings


# The paper's optimizer (section 2). All epochs on all training folds, the rate falling to zero: no
# clip is spent on early stopping.
_PAPER = Settings(epochs=28, schedule="cosine", shift_s=0.1)
PAPER = Recipe(
    pretrain=_PAPER,
    scratch=_PAPER,
    fine_tune=dataclasses.replace(_PAPER, epochs=16),
)
_BALANCED = Settings(
    epochs=20,
    batch_size=64,
    optimizer="adamw",
    learning_rate=1e-3,
    weight_decay=0.05,
    schedule="one_cycle",
    sampling="balanced",
    label_smoothing=0.1,
)
# For a small head on outputs that are computed once. The values: docs/front-ends.md.
BALANCED = Recipe(
    pretrain=_BALANCED,
    # An epoch of one domain has few steps.
    scratch=dataclasses.replace(_BALANCED, epochs=60),
    fine_tune=dataclasses.replace(_BALANCED, epochs=30, learning_rate=5e-4),
)
# The same for networks of which every layer learns.
BALANCED_FROM_SCRATCH = Recipe(
    pretrain=dataclasses.replace(_BALANCED, epochs=40),
    scratch=dataclasses.replace(_BALANCED, epochs=40),
    fine_tune=dataclasses.replace(_BALANCED, epochs=15, learning_rate=5e-4),
)
