"""Rhythm: voiced, unvoiced and silent segments, syllable-like peaks, and modulation of energy."""

import itertools

import numpy as np
import scipy.fft
import scipy.signal

from modules.baselines.functionals.frames import HOP_S, Frames
from modules.baselines.functionals.pitch import Pitch, semitones

_SEGMENTS = ("rate", "share", "mean_s", "std_s", "longest_s")
SEGMENTS = tuple(f"{kind}_{name}" for kind in ("voiced", "unvoiced", "pause") for name in _SEGMENTS)
PEAKS = ("peaks_rate", "peaks_interval_mean_s", "peaks_interval_std_s", "peaks_prominence_mean_db")
MELODY = ("melody_slope_mean", "melody_slope_std", "melody_slope_mad", "melody_rising_share")
# Edges of the bands of modulation, in Hz.
MODULATIONS_HZ = (0.5, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0, 24.0, 32.0)
MEL_GROUPS = 6
MODULATION = tuple(
    f"modulation_{group}_{low:g}_{high:g}hz"
    for group in ("all", *(f"mel{number}" for number in range(MEL_GROUPS)))
    for low, high in itertools.pairwise(MODULATIONS_HZ)
)
NAMES = ("duration_s", *SEGMENTS, *PEAKS, *MELODY, *MODULATION)

_PROMINENCE_DB = 3.0
_CLOSEST_S = 0.08
_LEAST_MELODY_FRAMES = 5
_MODULATION_FFT = 512
# Of a band's share, under the logarithm.
_FLOOR = 1e-4


def describe(frames: Frames, pitch: Pitch, mel_db: np.ndarray) -> np.ndarray:
    """Returns what `NAMES` say, float64 `[len(NAMES)]`."""
    duration_s = len(frames.level_db) * HOP_S
    voiced = pitch.voiced
    pause = ~frames.sounding & ~voiced
    return np.concatenate(
        [
            [duration_s],
            *(_segments(kind) for kind in (voiced, ~voiced & ~pause, pause)),
            _peaks(frames.level_db),
            _melody(semitones(pitch), voiced),
            _modulation(frames.level_db, mel_db),
        ]
    )


def runs(where: np.ndarray) -> np.ndarray:
    """Returns the runs that are true, int64 `[runs, 2]`: where each begins, and where it is over.

    >>> runs(np.array([True, True, False, True])).tolist()
    [[0, 2], [3, 4]]
    """
    edges = np.diff(np.concatenate([[False], where, [False]]).astype(np.int8))
    return np.column_stack([np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)])


def _segments(where: np.ndarray) -> list[float]:
    lengths_s = np.diff(runs(where), axis=1)[:, 0] * HOP_S
    if not len(lengths_s):
        return [0.0] * len(_SEGMENTS)
    duration_s = len(where) * HOP_S
    return [
        len(lengths_s) / duration_s,
        where.mean(),
        lengths_s.mean(),
        lengths_s.std(),
        lengths_s.max(),
    ]


def _peaks(level_db: np.ndarray) -> list[float]:
    smooth = np.convolve(level_db, np.full(5, 0.2), "same") if len(level_db) > 5 else level_db
    places, found = scipy.signal.find_peaks(
        smooth, prominence=_PROMINENCE_DB, distance=round(_CLOSEST_S / HOP_S)
    )
    if not len(places):
        return [0.0] * len(PEAKS)
    intervals_s = np.diff(places) * HOP_S
    spread = (intervals_s.mean(), intervals_s.std()) if len(intervals_s) else (0.0, 0.0)
    return [len(places) / (len(level_db) * HOP_S), *spread, found["prominences"].mean()]


def _melody(f0: np.ndarray, voiced: np.ndarray) -> list[float]:
    """Describes the slopes of F0 within voiced segments, in semitones per second."""
    slopes = [
        (f0[stop - 1] - f0[start]) / ((stop - start - 1) * HOP_S)
        for start, stop in runs(voiced)
        if stop - start >= _LEAST_MELODY_FRAMES
    ]
    if not slopes:
        return [0.0] * len(MELODY)
    return [
        float(np.mean(slopes)),
        float(np.std(slopes)),
        float(np.mean(np.abs(slopes))),
        float(np.mean(np.array(slopes) > 0)),
    ]


def _modulation(level_db: np.ndarray, mel_db: np.ndarray) -> np.ndarray:
    """Returns the share of each band of modulation in all of them, as a natural logarithm.

    Of the level, and of the mean level of six groups of neighbouring mel bands.
    """
    groups = np.array_split(mel_db, MEL_GROUPS, axis=1)
    envelopes = np.column_stack([level_db, *(group.mean(axis=1) for group in groups)])
    centred = envelopes - envelopes.mean(axis=0)
    window = scipy.signal.get_window("hann", len(centred), fftbins=False)[:, None]
    length = max(_MODULATION_FFT, len(centred))
    power = np.abs(scipy.fft.rfft(centred * window, length, axis=0)) ** 2
    hz = np.arange(len(power)) / (length * HOP_S)
    bands = np.array(
        [
            power[(hz >= low) & (hz < high)].sum(axis=0)
            for low, high in itertools.pairwise(MODULATIONS_HZ)
        ]
    )
    total = np.maximum(bands.sum(axis=0), 1e-9)
    return np.log(bands / total + _FLOOR).T.reshape(-1)
