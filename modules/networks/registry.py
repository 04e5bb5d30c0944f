"""The front ends that configurations can name. Adding one: its file, and a line here."""

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from modules.networks import log_mel_cnn, waveform
from modules.networks.encoders.spec import EncoderSpec
from modules.networks.front_end import FrontEnd
from modules.networks.whisper import front_end as whisper
from schemas.sound import SAMPLE_RATE_HZ

if TYPE_CHECKING:
    import keras

    from modules.networks.encoders.encoder import Encoder

# The first is the default.
FRONT_ENDS: dict[str, FrontEnd] = {
    front_end.name: front_end
    for front_end in (
        waveform.WAVEFORM,
        whisper.WHISPER,
        log_mel_cnn.LOG_MEL_CNN,
    )
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class NetworkSpec:
    """All that fixes a network but its weights.

    Attributes:
      front_end: Name in `FRONT_ENDS`.
      preset: Name of one of its presets.
      precision: One of its precisions.
      encoder: The encoder, for a front end that takes one.
      members: Number of heads whose mean the output is.
      outputs: Number of labels.

    Raises:
      ValueError: A name is unknown, and the message lists those that there are; an encoder is
        missing or not wanted; or the preset cannot have several heads.
    """

    front_end: str
    preset: str
    precision: str = "float32"
    encoder: EncoderSpec | None = None
    members: int = 1
    outputs: int

    def __post_init__(self) -> None:
        _known("front_end", self.front_end, tuple(FRONT_ENDS))
        own = self._own
        _known("preset", self.preset, tuple(own.presets))
        _known("precision", self.precision, own.precisions)
        if own.takes_encoder != (self.encoder is not None):
            raise ValueError(
                f"front end {self.front_end} takes {'an' if own.takes_encoder else 'no'} encoder"
            )
        if self.members < 1 or (self.members > 1 and self.preset not in own.takes_members):
            raise ValueError(
                f"{self.members} members: a network of front end {self.front_end}, preset"
                f" {self.preset}, has one"
            )

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "NetworkSpec":
        """Returns the spec that `dataclasses.asdict` and JSON made dictionaries of."""
        encoder = values["encoder"]
        return cls(**{**values, "encoder": _encoder_spec(encoder) if encoder else None})

    @property
    def _own(self) -> FrontEnd:
        return FRONT_ENDS[self.front_end]

    @property
    def input_samples(self) -> int:
        """Length of the input in samples at 16 kHz."""
        return input_samples(self.front_end)

    @property
    def groups(self) -> dict[str, tuple[str, ...]]:
        """Layer groups, from the input upwards."""
        return dict(self._own.groups(self))

    @property
    def held(self) -> tuple[str, ...]:
        """Layer groups that come trained and stay as they are unless an approach unfreezes them."""
        return self._own.held(self)

    def build(self, *, seed: int, encoder: "Encoder | None" = None) -> "keras.Sequential":
        """Builds the untrained network.

        Args:
          seed: Seed of its initial weights.
          encoder: Weights of its encoder; also random by default.
        """
        network = self._own.build(self, seed=seed)
        if encoder is not None:
            for group in self.held:
                for layer in self.groups[group]:
                    network.get_layer(layer).set_weights(encoder.layer(layer))
        return network


def _encoder_spec(values: Mapping[str, Any]) -> EncoderSpec:
    return EncoderSpec(**{**values, "pooled": tuple(values["pooled"])})


def input_samples(front_end: str) -> int:
    """Returns the length of a front end's input in samples at 16 kHz."""
    return round(FRONT_ENDS[front_end].input_s * SAMPLE_RATE_HZ)


def load_network(path: str) -> "keras.Sequential":
    """Loads a network that `network.save(path)` wrote; `path` ends in `.keras`.

    The file names the modules of layers that are not Keras' own, which Keras imports.
    """
    import keras

    return keras.saving.load_model(path, compile=False)


def _known(field: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ValueError(f"unknown {field} {value!r}; there are {', '.join(allowed)}")
