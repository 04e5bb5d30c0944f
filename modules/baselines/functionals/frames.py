"""Frames of a clip: 25 ms for spectra and 50 ms for pitch, every 10 ms."""

import dataclasses

import numpy as np
import scipy.fft
import scipy.signal

from schemas.sound import SAMPLE_RATE_HZ

FRAME_S, LONG_FRAME_S, HOP_S = 0.025, 0.050, 0.010
FFT_SAMPLES = 512
# Below this level, relative to the loudest frame, a frame is a pause.
PAUSE_DB = -40.0
# Spectra are cut off so far below the clip's strongest value: what digital silence shows.
FLOOR_DB = -80.0

# Quieter than half a step of 24 bits: rounding, no sound.
_SILENCE = 2.0**-25
_FRAME, _LONG_FRAME, _HOP = (round(s * SAMPLE_RATE_HZ) for s in (FRAME_S, LONG_FRAME_S, HOP_S))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Frames:
    """A clip as frames, without its mean and divided by the RMS of its loudest frame.

    Attributes:
      gain_db: RMS of the loudest frame relative to full scale, which was divided by, in dB.
      short: float32 `[frames, 400]`.
      long: float32 `[frames, 800]`, about the same centres; zeros beyond the clip's ends.
      power: float32 `[frames, 257]`, power spectrum of `short` under a Hann window.
      level_db: float64 `[frames]`, RMS of `short` relative to the loudest, at least `FLOOR_DB`.
      sounding: bool `[frames]`, where the level is above `PAUSE_DB`; at least one is true.
    """

    gain_db: float
    short: np.ndarray
    long: np.ndarray
    power: np.ndarray
    level_db: np.ndarray
    sounding: np.ndarray


def framed(samples: np.ndarray) -> Frames:
    """Returns the frames of a clip; one that is shorter than a frame gets zeros appended.

    Args:
      samples: float `[samples]` at 16 kHz, finite.
    """
    exact = np.asarray(samples, np.float64)
    exact = exact - exact.mean() if len(exact) else exact
    exact = np.pad(exact, (0, max(0, _FRAME - len(exact))))
    short = np.lib.stride_tricks.sliding_window_view(exact, _FRAME)[::_HOP]
    rms = np.sqrt(np.mean(short**2, axis=1))
    loudest = max(float(rms.max()), _SILENCE)
    if rms.max() < _SILENCE:
        exact = np.zeros_like(exact)
        rms = np.zeros_like(rms)
    scaled = (exact / loudest).astype(np.float32)
    short = np.lib.stride_tricks.sliding_window_view(scaled, _FRAME)[::_HOP]
    beyond = (_LONG_FRAME - _FRAME) // 2
    around = np.pad(scaled, beyond)
    long = np.lib.stride_tricks.sliding_window_view(around, _LONG_FRAME)[::_HOP]
    level_db = decibels(rms**2, 1.0) if not rms.any() else decibels((rms / loudest) ** 2, 1.0)
    window = scipy.signal.get_window("hann", _FRAME).astype(np.float32)
    spectrum = scipy.fft.rfft(short * window, FFT_SAMPLES, axis=1)
    return Frames(
        gain_db=float(20 * np.log10(loudest)),
        short=short,
        long=long,
        power=spectrum.real**2 + spectrum.imag**2,
        level_db=level_db,
        sounding=level_db >= min(PAUSE_DB, level_db.max()),
    )


def decibels(power: np.ndarray, reference: float | None = None) -> np.ndarray:
    """Returns power in dB, cut off at `FLOOR_DB` below a reference: the largest by default."""
    if reference is None:
        reference = float(power.max())
    # Frames are scaled to a power of about 1, so that only silence has none.
    floor = max(reference, 1e-12) * 10 ** (FLOOR_DB / 10)
    return 10 * np.log10(np.maximum(power, floor))
