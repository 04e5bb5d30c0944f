"""What a front end, with the layers on top of it, has to tell of itself."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol

from modules.training.settings import Recipe

if TYPE_CHECKING:
    import keras

    from modules.networks.registry import NetworkSpec

# Layer groups, from the input upwards, and the names of their layers. A group is frozen, tuned or
# re-initialised as a whole; every layer with weights is in one; the last one holds the outputs.
LayerGroups = Mapping[str, tuple[str, ...]]


class Build(Protocol):
    """A function that builds an untrained network."""

    def __call__(self, spec: "NetworkSpec", *, seed: int) -> "keras.Sequential":
        """Returns the network.

        It maps float32 `[batch, input_samples, 1]`, zero-padded behind a clip's end, to
        probabilities, float32 `[batch, outputs]`.

        Args:
          spec: All that fixes the network but its weights.
          seed: Seed of the initial weights.
        """
        ...


def _nothing_held(spec: "NetworkSpec") -> tuple[str, ...]:
    del spec
    return ()


@dataclasses.dataclass(frozen=True, kw_only=True)
class FrontEnd:
    """A front end: what networks make of samples first, and what they are built of above it.

    Attributes:
      name: Name in `modules.networks.registry.FRONT_ENDS` and in configurations.
      summary: One line for tables and the command line's help.
      presets: One line on each preset, by name. The first preset is the default.
      precisions: Precisions of the convolutions' products. The first is the default.
      input_s: Length of the input in seconds.
      recipe: How its networks learn, where nothing else is said.
      groups: Function that gives the layer groups of a network.
      held: Function that gives those of them, the lowest ones, that come trained and stay as they
        are in every training, unless an approach unfreezes them.
      without_lstm: Preset that is the same without LSTM, of presets that have one (Table 2).
      takes_encoder: Whether a network has an encoder whose weights come trained.
      takes_members: Presets whose networks can be the mean of several heads.
      takes_speakers: Presets whose held layers make one vector of a clip, with a standardisation
        behind them: what their speakers have in common can be taken out
        (`modules.training.known_speakers`).
      build: Function that builds the network. What it needs of Keras is imported when it is
        called, so that names and groups can be asked without loading Keras.
    """

    name: str
    summary: str
    presets: Mapping[str, str]
    precisions: tuple[str, ...] = ("float32",)
    input_s: float
    recipe: Recipe
    groups: "Callable[[NetworkSpec], LayerGroups]"
    held: "Callable[[NetworkSpec], tuple[str, ...]]" = _nothing_held
    without_lstm: Mapping[str, str] = dataclasses.field(default_factory=dict)
    takes_encoder: bool = False
    takes_members: tuple[str, ...] = ()
    takes_speakers: tuple[str, ...] = ()
    build: Build
