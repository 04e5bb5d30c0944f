"""Samples as numbers: their scale, their channels, and 16-bit PCM."""

import dataclasses
import io
import wave
from typing import TypeVar

import numpy as np

Samples = TypeVar("Samples")


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Sound:
    """What a recording, or a part of one, holds.

    Attributes:
      samples: Of any integer or float type, as stored, [frames, channels].
      rate_hz: Frames a second.
      centre: Position of the centre channel; -1 where there is none.
      header_s: Duration of the whole recording as its header tells; 0 where it does not.
      notes: What is odd about it and did no harm, in words.
    """

    samples: np.ndarray
    rate_hz: int
    centre: int = -1
    header_s: float = 0.0
    notes: tuple[str, ...] = ()

    @property
    def duration_s(self) -> float:
        """Duration of the samples in s."""
        return len(self.samples) / self.rate_hz


def to_float(samples: np.ndarray) -> np.ndarray:
    """Scales integers of any width to float32 in [-1, 1); floats keep their values."""
    if samples.dtype == np.uint8:
        return (samples.astype(np.float32) - 128.0) / 128.0
    if samples.dtype.kind == "i":
        return samples.astype(np.float32) / np.float32(2 ** (8 * samples.dtype.itemsize - 1))
    return samples.astype(np.float32)


def first_channel(samples: Samples) -> Samples:
    """Returns the first channel, [frames], of an array or a tensor, [frames, channels].

    Channels are not averaged: where they are delayed against each other (EMOVO), that would be a
    comb filter.
    """
    return samples[:, 0]  # type: ignore[index]


def encode_pcm16(waveform: np.ndarray) -> bytes:
    """Encodes float [samples] as little-endian 16-bit PCM, rounded and clipped to [-1, 1)."""
    scaled = np.rint(np.asarray(waveform, np.float32) * np.float32(32768.0))
    return np.clip(scaled, -32768, 32767).astype("<i2").tobytes()


def pcm16_wav(pcm: bytes, rate_hz: int) -> bytes:
    """Returns 16-bit PCM of one channel as a wav file."""
    contents = io.BytesIO()
    with wave.open(contents, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(pcm)
    return contents.getvalue()
