"""Acoustic functionals of our own: numbers by which an SVM tells emotions apart, without a licence.

Descriptors are taken of frames (25 ms, pitch 50 ms, every 10 ms) and described by 13 functionals:
mean, standard deviation, skewness, seven percentiles, range, slope and mean absolute difference.
"""

from collections.abc import Iterable

import numpy as np

from modules.baselines.functionals import frames as framing
from modules.baselines.functionals import pitch as pitches
from modules.baselines.functionals import rhythm, spectrum
from modules.baselines.functionals.statistics import FUNCTIONALS, delta, functionals

_MEL = tuple(f"mel{band}" for band in range(spectrum.MEL_BANDS))
_MFCC = tuple(f"mfcc{number}" for number in range(spectrum.CEPSTRA))
_SHAPE = tuple(f"spectral_{name}" for name in spectrum.SHAPE)


def _deltas(names: Iterable[str], word: str = "delta") -> tuple[str, ...]:
    return tuple(f"{name}_{word}" for name in names)


# Over all frames that sound, and over voiced frames.
_SOUNDING = (
    *("level", *_deltas(["level"]), "periodicity"),
    *(*_MEL, *_deltas(_MEL)),
    *(*_MFCC, *_deltas(_MFCC), *_deltas(_MFCC, "delta2")),
    *(*_SHAPE, *_deltas(_SHAPE)),
)
_VOICED = pitches.CONTOURS
NAMES: tuple[str, ...] = (
    *(f"{contour}_{name}" for contour in (*_SOUNDING, *_VOICED) for name in FUNCTIONALS),
    *rhythm.NAMES,
)


def extract(waveforms: Iterable[np.ndarray]) -> np.ndarray:
    """Computes the functionals of clips, float32 `[n, len(NAMES)]`, in their order; all finite.

    Args:
      waveforms: float32 `[samples]` each, mono at 16 kHz, in [-1, 1]; not standardised, as level is
        among the features. Clips shorter than a frame get zeros appended.

    Raises:
      ValueError: A waveform has another shape, or samples that are not finite numbers.
    """
    rows = []
    for index, waveform in enumerate(waveforms):
        samples = np.asarray(waveform, np.float32)
        if samples.ndim != 1 or not np.isfinite(samples).all():
            raise ValueError(
                f"clip {index} must be one-dimensional and finite; its shape is"
                f" {list(samples.shape)}"
            )
        rows.append(_describe(samples))
    return np.array(rows, np.float32).reshape(-1, len(NAMES))


def _describe(samples: np.ndarray) -> np.ndarray:
    frames = framing.framed(samples)
    pitch = pitches.track(frames)
    relative_db = spectrum.mel_db(frames)
    level_db = frames.level_db[:, None] + frames.gain_db
    mel = relative_db + frames.gain_db
    mfcc = spectrum.mfcc(mel)
    shape = spectrum.shape(frames)
    sounding = np.column_stack(
        [
            *(level_db, delta(level_db), pitch.periodicity),
            *(mel, delta(mel)),
            *(mfcc, delta(mfcc), delta(delta(mfcc))),
            *(shape, delta(shape)),
        ]
    )
    voiced = pitches.contours(pitch, frames.level_db)
    return np.concatenate(
        [
            functionals(sounding, frames.sounding).reshape(-1),
            functionals(voiced, pitch.voiced).reshape(-1),
            rhythm.describe(frames, pitch, relative_db),
        ]
    )
