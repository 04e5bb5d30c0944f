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
    centred = exact - exact.mean() if len(exact) else exact
    centred = np.pad(centred, (0, max(0, _FRAME - len(centred))))
    loudest = float(np.sqrt(np.mean(_windows(centred, _FRAME) ** 2, axis=1).max()))
    if loudest < _SILENCE:
        loudest, centred = _SILENCE, np.zeros_like(centred)
    scaled = (centred / loudest).astype(np.float32)
    short = _windows(scaled, _FRAME)
    long = _windows(np.pad(scaled, (_LONG_FRAME - _FRAME) // 2), _LONG_FRAME)
    level_db = decibels(np.mean(short**2, axis=1, dtype=np.float64), 1.0)
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


def _windows(samples: np.ndarray, length: int) -> np.ndarray:
    """Returns all windows of a length that begin a hop apart, `[windows, length]`."""
    return np.lib.stride_tricks.sliding_window_view(samples, length)[::_HOP]


def decibels(power: np.ndarray, reference: float | None = None) -> np.ndarray:
    """Returns power in dB, cut off at `FLOOR_DB` below a reference: the largest by default."""
    if reference is None:
        reference = float(power.max())
    # Frames are scaled to a power of about 1, so that only silence has none.
    floor = max(reference, 1e-12) * 10 ** (FLOOR_DB / 10)
    return 10 * np.log10(np.maximum(power, floor))
