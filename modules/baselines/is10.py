"""The 1,582 acoustic features of the INTERSPEECH 2010 Paralinguistic Challenge, by openSMILE."""

from collections.abc import Iterable
from types import ModuleType

import numpy as np

from schemas.errors import UserError
from schemas.sound import SAMPLE_RATE_HZ

NUM_FEATURES = 1582
# openSMILE returns NaN for less than 70 ms: too few frames for its deltas.
SHORTEST_S = 0.1

_FULL_SCALE = 32_768  # openSMILE's input is 16-bit
_MISSING = (
    "the features is10 need openSMILE, which is not installed: pip install 'ser-tfx[opensmile]'."
    " Its licence (audEERING research licence) allows research and personal use only, no commercial"
    " use; the project's own features, functionals, do without"
)


def require_opensmile() -> ModuleType:
    """Returns the module `opensmile`.

    Raises:
      UserError: It is not installed; the message says how to get it and what its licence forbids.
    """
    try:
        import opensmile
    except ImportError as error:
        raise UserError(f"{_MISSING} (import opensmile: {error})") from error
    return opensmile


def extract(recordings: Iterable[np.ndarray]) -> np.ndarray:
    """Computes the features of whole recordings (Schuller et al. 2010; paper, section 3.2).

    The set is openSMILE's `FeatureSet.IS10` (`IS10_paraling_compat`): 21 functionals of 34 + 4
    low-level descriptors and their deltas, the number of pitch onsets and the duration. It equals
    the challenge's own values but for jitter and shimmer, whose faults openSMILE has corrected.

    Recordings shorter than `SHORTEST_S` get zeros appended up to it, as openSMILE has no values
    for them. Samples beyond ±1 are clipped; openSMILE would let them wrap around.

    Args:
      recordings: float32 `[samples]` each, mono at 16 kHz, in [-1, 1]; not standardised, as level
        is among the features.

    Returns:
      float32 `[n, 1582]`, finite, in the order of the recordings.

    Raises:
      UserError: openSMILE is not installed.
      ValueError: A recording has another shape, or samples that are not finite numbers.
    """
    opensmile = require_opensmile()
    smile = opensmile.Smile(
        feature_set=opensmile.FeatureSet.IS10, feature_level=opensmile.FeatureLevel.Functionals
    )
    shortest = round(SHORTEST_S * SAMPLE_RATE_HZ)
    rows = []
    for index, recording in enumerate(recordings):
        samples = np.asarray(recording, np.float32)
        if samples.ndim != 1 or not np.isfinite(samples).all():
            raise ValueError(
                f"recording {index} must be one-dimensional and finite; its shape is"
                f" {list(samples.shape)}"
            )
        samples = np.pad(samples, (0, max(0, shortest - len(samples))))
        samples = samples.clip(-1.0, (_FULL_SCALE - 1) / _FULL_SCALE)
        rows.append(smile(samples, SAMPLE_RATE_HZ).reshape(-1))
    return np.array(rows, np.float32).reshape(-1, NUM_FEATURES)
