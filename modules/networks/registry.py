"""The architectures that configurations can name. Adding one: its file, and a line here."""

import dataclasses
from typing import TYPE_CHECKING

from modules.networks import waveform
from modules.networks.architecture import Architecture

if TYPE_CHECKING:
    import keras

# The first is the default.
ARCHITECTURES: dict[str, Architecture] = {
    architecture.name: architecture
    for architecture in (
        waveform.CNN_LSTM,
        waveform.CNN,
    )
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class NetworkSpec:
    """All that fixes a network but its weights.

    Attributes:
      architecture: Name in `ARCHITECTURES`.
      preset: Name of one of its presets.
      precision: One of its precisions.
      outputs: Number of labels.

    Raises:
      ValueError: A name is unknown; the message lists those that there are.
    """

    architecture: str
    preset: str
    precision: str = "float32"
    outputs: int

    def __post_init__(self) -> None:
        known = self._known("architecture", tuple(ARCHITECTURES))
        own = ARCHITECTURES[known]
        self._known("preset", tuple(own.presets))
        self._known("precision", own.precisions)

    def _known(self, field: str, allowed: tuple[str, ...]) -> str:
        value: str = getattr(self, field)
        if value not in allowed:
            raise ValueError(f"unknown {field} {value!r}; there are {', '.join(allowed)}")
        return value

    @property
    def groups(self) -> dict[str, tuple[str, ...]]:
        """Layer groups, from the input upwards."""
        return dict(ARCHITECTURES[self.architecture].groups)

    def build(self, *, seed: int) -> "keras.Sequential":
        """Builds the untrained network; `seed` fixes its initial weights."""
        return ARCHITECTURES[self.architecture].build(
            preset=self.preset, precision=self.precision, outputs=self.outputs, seed=seed
        )


def load_network(path: str) -> "keras.Sequential":
    """Loads a network that `network.save(path)` wrote; `path` ends in `.keras`.

    The file names the modules of layers that are not Keras' own, which Keras imports.
    """
    import keras

    return keras.saving.load_model(path, compile=False)
