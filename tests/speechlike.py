"""Sounds to fingerprint."""

import functools

import numpy as np
import scipy.signal

RATE_HZ = 16_000


@functools.lru_cache(maxsize=256)
def sound(seed: int, *, duration_s: float = 2.5) -> np.ndarray:
    """Returns noise whose level and spectrum change a few times a second, as speech's do.

    float32 [samples] at `RATE_HZ`, with a peak of 0.3; each seed has its own.
    """
    generator = np.random.default_rng(seed)
    result = np.zeros(round(duration_s * RATE_HZ))
    for band_hz in ((200, 500), (500, 900), (900, 1_600), (1_600, 2_600), (2_600, 5_000)):
        filter_ = scipy.signal.butter(2, band_hz, "bandpass", fs=RATE_HZ, output="sos")
        level = scipy.signal.resample(generator.uniform(0, 1, round(duration_s * 8)), len(result))
        result += level.clip(0) * scipy.signal.sosfilt(filter_, generator.normal(size=len(result)))
    result = (0.3 * result / np.abs(result).max()).astype(np.float32)
    result.setflags(write=False)
    return result
