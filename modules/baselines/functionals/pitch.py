"""Fundamental frequency and voicing by autocorrelation (Boersma 1993), and what follows from them.

The autocorrelation of a windowed frame is divided by that of the window. Its peaks are candidates
of the period; the path through candidates and frames that is cheapest as a whole (Viterbi) decides
against jumps by octaves and for voicing.
"""

import dataclasses

import numpy as np
import scipy.fft
import scipy.signal

from modules.baselines.functionals.frames import LONG_FRAME_S, Frames, decibels
from modules.baselines.functionals.statistics import delta
from schemas.sound import SAMPLE_RATE_HZ

LOWEST_HZ, HIGHEST_HZ = 60.0, 600.0
# F0 is in semitones above this.
REFERENCE_HZ = 55.0
CONTOURS = (
    *("f0", "hnr", "h1_h2", "h1_a3"),
    *("f0_delta", "hnr_delta", "h1_h2_delta", "h1_a3_delta"),
    *("jitter", "shimmer", "voiced_periodicity"),
    *("h1", "h2", "h3", "h4"),
    *("a1", "a2", "a3", "a4"),
)

_CANDIDATES = 6
# Boersma's costs, per frame of 10 ms; those of octaves are per octave.
_VOICING_THRESHOLD, _SILENCE_THRESHOLD = 0.45, 0.03
_OCTAVE_COST, _JUMP_COST, _VOICING_COST = 0.01, 0.35, 0.14

_WINDOW = scipy.signal.get_window("hann", round(LONG_FRAME_S * SAMPLE_RATE_HZ), fftbins=False)
_SHORTEST = int(SAMPLE_RATE_HZ / HIGHEST_HZ)
_LONGEST = int(np.ceil(SAMPLE_RATE_HZ / LOWEST_HZ))
_FFT_SAMPLES = scipy.fft.next_fast_len(len(_WINDOW) + _LONGEST + 2, real=True)
# Where the first, the second and the third formant mostly lie, and above.
_BANDS_HZ = ((300, 900), (900, 2300), (2200, 3600), (3500, 6000))
_HZ = np.arange(_FFT_SAMPLES // 2 + 1) * SAMPLE_RATE_HZ / _FFT_SAMPLES


@dataclasses.dataclass(frozen=True, kw_only=True)
class Pitch:
    """What autocorrelation tells of each frame.

    Attributes:
      f0_hz: float64 `[frames]`; 0 where a frame is not voiced.
      voiced: bool `[frames]`.
      periodicity: float64 `[frames]`, the largest autocorrelation in the range of pitch, in [0, 1].
      power: float32 `[frames, bins]`, power spectrum of the long frames.
    """

    f0_hz: np.ndarray
    voiced: np.ndarray
    periodicity: np.ndarray
    power: np.ndarray


def track(frames: Frames) -> Pitch:
    """Returns pitch and voicing of a clip's frames."""
    windowed = (frames.long - frames.long.mean(axis=1, keepdims=True)) * _WINDOW.astype(np.float32)
    spectrum = scipy.fft.rfft(windowed, _FFT_SAMPLES, axis=1)
    power = spectrum.real**2 + spectrum.imag**2
    correlation = scipy.fft.irfft(power, _FFT_SAMPLES, axis=1)[:, _SHORTEST - 1 : _LONGEST + 2]
    own = scipy.fft.irfft(np.abs(scipy.fft.rfft(_WINDOW, _FFT_SAMPLES)) ** 2, _FFT_SAMPLES)
    own = own[_SHORTEST - 1 : _LONGEST + 2] / own[0]
    at_zero = np.einsum("ij,ij->i", windowed, windowed)[:, None]
    normalised = correlation / np.maximum(at_zero, 1e-9) / own
    lags, strengths = _peaks(normalised.astype(np.float64))
    f0_hz = np.where(strengths > 0, SAMPLE_RATE_HZ / lags, 0.0)
    peaks = np.abs(frames.long).max(axis=1)
    chosen = _path(f0_hz, strengths, peaks / max(float(peaks.max()), 1e-9))
    places = np.arange(len(chosen))
    voiced = chosen < _CANDIDATES
    return Pitch(
        f0_hz=np.where(voiced, f0_hz[places, np.minimum(chosen, _CANDIDATES - 1)], 0.0),
        voiced=voiced,
        periodicity=strengths.max(axis=1),
        power=power,
    )


def _peaks(correlation: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns lags in samples and strengths of the best candidates, float64 `[frames, 6]` each.

    Strengths are in [0, 1]; 0 stands for no candidate.
    """
    left, middle, right = correlation[:, :-2], correlation[:, 1:-1], correlation[:, 2:]
    is_peak = (middle > left) & (middle >= right) & (middle > 0)
    lags = np.arange(_SHORTEST, _SHORTEST + middle.shape[1])
    ranked = np.where(is_peak, middle - _OCTAVE_COST * np.log2(lags), -np.inf)
    best = np.argpartition(-ranked, _CANDIDATES - 1, axis=1)[:, :_CANDIDATES]
    best.sort(axis=1)
    low, top, high = (np.take_along_axis(part, best, axis=1) for part in (left, middle, right))
    found = np.take_along_axis(is_peak, best, axis=1)
    # The top of the parabola through the peak and its neighbours.
    bend = np.where(found, low - 2 * top + high, -1.0)
    shift = np.where(found, 0.5 * (low - high) / bend, 0.0)
    height = top - 0.25 * (low - high) * shift
    # Above 1 the division by the window's own autocorrelation has gone too far.
    height = np.where(height > 1, 1 / np.maximum(height, 1), height)
    return lags[best] + shift, np.where(found, np.clip(height, 0, 1), 0.0)


def _path(f0_hz: np.ndarray, strengths: np.ndarray, peaks: np.ndarray) -> np.ndarray:
    """Returns the candidate of each frame, int64 `[frames]`; 6 stands for unvoiced.

    Args:
      f0_hz, strengths: float64 `[frames, 6]`.
      peaks: Largest sample of each frame relative to the clip's, float64 `[frames]`.
    """
    there = strengths > 0
    octaves = np.log2(np.where(there, f0_hz, LOWEST_HZ) / LOWEST_HZ)
    quiet = 2 - peaks * (1 + _VOICING_THRESHOLD) / _SILENCE_THRESHOLD
    gains = np.column_stack(
        [
            np.where(there, strengths + _OCTAVE_COST * octaves, -1e3),
            _VOICING_THRESHOLD + np.maximum(0, quiet),
        ]
    )
    jumps = np.full((len(gains) - 1, _CANDIDATES + 1, _CANDIDATES + 1), _VOICING_COST)
    jumps[:, :-1, :-1] = _JUMP_COST * np.abs(octaves[:-1, :, None] - octaves[1:, None, :])
    jumps[:, -1, -1] = 0
    total = gains[0]
    steps = np.empty((len(jumps), _CANDIDATES + 1), np.int64)
    for place, jump in enumerate(jumps):
        reached = total[:, None] - jump
        steps[place] = reached.argmax(axis=0)
        total = reached.max(axis=0) + gains[place + 1]
    chosen = np.empty(len(gains), np.int64)
    chosen[-1] = total.argmax()
    for place in range(len(jumps) - 1, -1, -1):
        chosen[place] = steps[place, chosen[place + 1]]
    return chosen


def contours(pitch: Pitch, level_db: np.ndarray) -> np.ndarray:
    """Returns the contours `CONTOURS`, float64 `[frames, 19]`; they mean something where voiced.

    F0 is in semitones above 55 Hz; HNR is the ratio of harmonics to noise in dB. H1 to H4 are the
    first harmonics, A1 to A4 the strongest of four bands, all relative to the frame's power, in dB.
    Jitter and shimmer are the absolute changes of period (in %) and level (in dB) from one voiced
    frame to the next.

    Args:
      pitch: Pitch of the frames.
      level_db: float64 `[frames]`.
    """
    f0 = semitones(pitch)
    again = pitch.voiced & np.concatenate([[False], pitch.voiced[:-1]])
    change = np.diff(f0, prepend=f0[:1])
    strength = np.clip(pitch.periodicity, 1e-3, 1 - 1e-4)
    level = decibels(pitch.power)
    level -= decibels(pitch.power.sum(axis=1), float(pitch.power.max()))[:, None]
    harmonics = [_at(level, k * pitch.f0_hz) for k in (1, 2, 3, 4)]
    peaks = [level[:, (low <= _HZ) & (high > _HZ)].max(axis=1) for low, high in _BANDS_HZ]
    slow = np.column_stack(
        [
            f0,
            10 * np.log10(strength / (1 - strength)),
            harmonics[0] - harmonics[1],
            harmonics[0] - peaks[2],
        ]
    )
    return np.column_stack(
        [
            slow,
            delta(slow),
            np.where(again, 100 * np.abs(1 - 2 ** (-change / 12)), 0.0),
            np.where(again, np.abs(np.diff(level_db, prepend=level_db[:1])), 0.0),
            pitch.periodicity,
            *harmonics,
            *peaks,
        ]
    )


def semitones(pitch: Pitch) -> np.ndarray:
    """Returns F0 in semitones above 55 Hz, interpolated where unvoiced; zeros if nothing is."""
    places = np.flatnonzero(pitch.voiced)
    if not len(places):
        return np.zeros(len(pitch.voiced))
    own = 12 * np.log2(pitch.f0_hz[places] / REFERENCE_HZ)
    return np.interp(np.arange(len(pitch.voiced)), places, own)


def _at(level: np.ndarray, hz: np.ndarray) -> np.ndarray:
    """Returns the level of each frame's spectrum at a frequency, float `[frames]`."""
    bins = np.rint(hz * _FFT_SAMPLES / SAMPLE_RATE_HZ).astype(np.int64)
    return level[np.arange(len(level)), np.minimum(bins, level.shape[1] - 1)]
