"""Acoustic functionals of our own, for SVMs: nothing but numpy and scipy, under this licence.

Contours of descriptors over frames (25 ms, pitch 50 ms, every 10 ms), each told by 13 functionals:
mean, standard deviation, skewness, seven percentiles, range, slope, mean absolute difference.

| family | features |
| --- | ---: |
| level and periodicity, with deltas, over frames that sound | 52 |
| 26 mel bands relative to the whole frame, over frames that sound | 338 |
| MFCC 0 to 12 with deltas and their deltas, over frames that sound | 507 |
| deltas of 17 descriptors of the spectrum's shape, over frames that sound | 221 |
| level with delta, MFCC and the spectrum's shape, over voiced frames | 416 |
| F0, HNR, harmonics, jitter and shimmer, over voiced frames | 247 |
| rhythm: segments, syllable-like peaks, melody, modulation of energy | 94 |

Level is heard by its own descriptors and by MFCC 0; all others are the same however loud a clip is.
"""

from collections.abc import Iterable

import numpy as np

from modules.baselines.functionals import frames as framing
from modules.baselines.functionals import pitch as pitches
from modules.baselines.functionals import rhythm, spectrum
from modules.baselines.functionals.statistics import FUNCTIONALS, delta, functionals

_LEVEL = ("level", "periodicity")
_MEL = tuple(f"mel{band}" for band in range(spectrum.MEL_BANDS))
_MFCC = tuple(f"mfcc{number}" for number in range(spectrum.CEPSTRA))
_SHAPE = tuple(f"spectral_{name}" for name in spectrum.SHAPE)


def _named(names: Iterable[str], *, before: str = "", after: str = "") -> tuple[str, ...]:
    return tuple(f"{before}{name}{after}" for name in names)


# Contours over the frames that sound, and over voiced ones, in the order of `_describe`.
_SOUNDING = (
    *(*_LEVEL, *_named(_LEVEL, after="_delta")),
    *_MEL,
    *(*_MFCC, *_named(_MFCC, after="_delta"), *_named(_MFCC, after="_delta2")),
    *_named(_SHAPE, after="_delta"),
)
_VOICED = (
    *_named(("level", "level_delta", *_MFCC, *_SHAPE), before="voiced_"),
    *pitches.CONTOURS,
)
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
    """Returns the functionals of one clip, float64 `[len(NAMES)]`."""
    frames = framing.framed(samples)
    pitch = pitches.track(frames)
    mel = spectrum.mel_db(frames)
    # With the gain, that loud speech differs from soft speech.
    mfcc = spectrum.mfcc(mel + frames.gain_db)
    level_db = frames.level_db[:, None] + frames.gain_db
    level = np.column_stack([level_db, pitch.periodicity])
    shape = spectrum.shape(frames)
    sounding = np.column_stack(
        [
            *(level, delta(level)),
            spectrum.balance_db(mel),
            *(mfcc, delta(mfcc), delta(delta(mfcc))),
            delta(shape),
        ]
    )
    voiced = np.column_stack(
        [
            *(level_db, delta(level_db), mfcc, shape),
            pitches.contours(pitch, frames.level_db),
        ]
    )
    # A clip without voice is described by what else sounds.
    speaking = pitch.voiced if pitch.voiced.any() else frames.sounding
    return np.concatenate(
        [
            functionals(sounding, frames.sounding).reshape(-1),
            functionals(voiced, speaking).reshape(-1),
            rhythm.describe(frames, pitch, mel),
        ]
    )
