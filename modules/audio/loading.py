"""What training hears of a recording: its first channel at 16 kHz."""

import functools
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from modules.audio import decoding, resampling
from schemas.sound import SAMPLE_RATE_HZ


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
    if rate_hz != SAMPLE_RATE_HZ:
        waveform = _resampler(rate_hz)(waveform).numpy()
    return waveform, rate_hz


@functools.lru_cache(maxsize=32)
def _resampler(rate_hz: int) -> Callable[[np.ndarray], tf.Tensor]:
    """Returns `resampling.resample` for one rate as a graph: a third of the time of its ops."""
    return tf.function(
        lambda waveform: resampling.resample(waveform, rate_hz),
        input_signature=[tf.TensorSpec([None], tf.float32)],
        autograph=False,
    )
