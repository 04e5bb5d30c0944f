"""What training hears of a recording: its first channel at 16 kHz."""

import dataclasses
import functools
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from modules.audio import channels, decoding, recordings, resampling
from modules.audio.errors import DecodingError, too_short
from schemas.sound import MIN_DURATION_S, SAMPLE_RATE_HZ
from schemas.utterance import Utterance


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Loaded:
    """A recording as training hears it.

    Attributes:
      waveform: float32 [samples] at 16 kHz.
      rate_hz: The rate that it had before it was resampled.
      notes: What is odd about it and did no harm, in words.
    """

    waveform: np.ndarray
    rate_hz: int
    notes: tuple[str, ...] = ()


def load(
    contents: bytes, *, start_s: float | None = None, end_s: float | None = None
) -> np.ndarray:
    """Returns a recording as float32 [samples] at 16 kHz.

    Args:
      contents: As for `decoding.decode`.
      start_s: Where the part to return begins; `None` for the recording's own start.
      end_s: Where it ends; `None` for the recording's own end.

    Raises:
      DecodingError: As for `decoding.decode_first_channel`.
    """
    return load_with_rate(contents, start_s=start_s, end_s=end_s)[0]


def load_with_rate(
    contents: bytes, *, start_s: float | None = None, end_s: float | None = None
) -> tuple[np.ndarray, int]:
    """As `load`, but also returns the rate in Hz that the recording had before resampling."""
    waveform, rate_hz = decoding.decode_first_channel(contents, start_s=start_s, end_s=end_s)
    return resampled(waveform, rate_hz), rate_hz


def load_utterance(utterance: Utterance, *, check_hash: bool = False) -> Loaded:
    """Returns an utterance as training hears it.

    Args:
      utterance: Which part of which channel of which recording.
      check_hash: Whether the recording must still be the one that was indexed.

    Raises:
      DecodingError: It cannot be read, has changed, or cannot be used.
    """
    sound = recordings.of_this_process().sound(
        utterance.path,
        start_s=utterance.start_s,
        end_s=utterance.end_s,
        expected_sha256=utterance.sha256 if check_hash else "",
    )
    with decoding.one_recordings_fault():
        heard = channels.waveform(sound, utterance.channel)
        waveform = resampled(heard.samples, sound.rate_hz)
    duration_s = len(waveform) / SAMPLE_RATE_HZ
    if duration_s < MIN_DURATION_S:
        raise DecodingError(too_short(duration_s))
    return Loaded(waveform=waveform, rate_hz=sound.rate_hz, notes=heard.notes)


def resampled(waveform: np.ndarray, rate_hz: int) -> np.ndarray:
    """Returns float32 [samples] of any rate at 16 kHz."""
    if rate_hz == SAMPLE_RATE_HZ:
        return waveform
    resampled: tf.Tensor = (
        _resampler(rate_hz)(waveform)
        if resampling.is_usual(rate_hz)
        else _unusual_resampler()(waveform, rate_hz)
    )
    result: np.ndarray = resampled.numpy()
    return result


@functools.lru_cache(maxsize=32)
def _resampler(rate_hz: int) -> Callable[[np.ndarray], tf.Tensor]:
    """Returns `resampling.resample` for one rate as a graph: a third of the time of its ops."""
    return tf.function(
        lambda waveform: resampling.resample(waveform, rate_hz),
        input_signature=[tf.TensorSpec([None], tf.float32)],
        autograph=False,
    )


@functools.cache
def _unusual_resampler() -> Callable[[np.ndarray, int], tf.Tensor]:
    """Returns `resampling.resample` for any rate: one graph for all that damaged headers tell."""
    return tf.function(
        resampling.resample,
        input_signature=[tf.TensorSpec([None], tf.float32), tf.TensorSpec([], tf.int32)],
        autograph=False,
    )
