"""How long and how fast a network learns."""

import dataclasses
from typing import Literal


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings:
    """Settings of one training.

    Attributes:
      epochs: Largest number of passes over the training clips.
      batch_size: Number of clips in a step.
      learning_rate: Rate of AdaDelta; Keras 1 and 2, and so the paper, have 1.0 by default.
      schedule: `constant`, as in the paper, or `cosine`: the rate falls to 0 over all epochs along
        half a cosine (Loshchilov & Hutter 2017), so that the last weights can be kept without an
        inner split.
      patience: Epochs without a lower inner loss after which training stops and the best weights
        come back; 0 trains all epochs and keeps the last weights.
      shift_s: Largest random offset, in seconds, by which a clip moves each time it is seen; 0
        leaves clips in place, as the paper does.
      seed: Seed of the order of the clips, the shifts, the dropout and of weights that start anew.
    """

    epochs: int
    batch_size: int = 32
    learning_rate: float = 1.0
    schedule: Literal["constant", "cosine"] = "constant"
    patience: int = 0
    shift_s: float = 0.0
    seed: int = 0
