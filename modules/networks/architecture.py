"""What a network architecture has to tell of itself."""

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import keras

# Layer groups, from the input upwards, and the names of their layers. A group is frozen, tuned or
# re-initialised as a whole; every layer with weights is in one; the last one holds the outputs.
LayerGroups = Mapping[str, tuple[str, ...]]


class Build(Protocol):
    """A function that builds an untrained network."""

    def __call__(
        self, *, preset: str, precision: str, outputs: int, seed: int
    ) -> "keras.Sequential":
        """Returns the network.

        It maps float32 `[batch, input_samples, 1]` to probabilities, float32 `[batch, outputs]`.

        Args:
          preset: Name of one of the architecture's presets.
          precision: One of the architecture's precisions.
          outputs: Number of labels.
          seed: Seed of the initial weights.
        """
        ...


@dataclasses.dataclass(frozen=True, kw_only=True)
class Architecture:
    """A network architecture.

    Attributes:
      name: Name in `modules.networks.registry.ARCHITECTURES` and in configurations.
      summary: One line for tables and the command line's help.
      presets: One line on each preset, by name. The first preset is the default.
      precisions: Precisions of the convolutions' products. The first is the default.
      input_samples: Length of the input at `schemas.sound.SAMPLE_RATE_HZ`.
      groups: Layer groups.
      build: Function that builds the network. What it needs of Keras is imported when it is
        called, so that names and groups can be asked without loading Keras.
    """

    name: str
    summary: str
    presets: Mapping[str, str]
    precisions: tuple[str, ...]
    input_samples: int
    groups: LayerGroups
    build: Build
