"""How far the embeddings of clips have moved from those of other clips."""

import dataclasses

import numpy as np

# A channel that never changes has no deviation to measure by.
_LEAST_VARIANCE = 1e-12


@dataclasses.dataclass(frozen=True, kw_only=True)
class Moments:
    """What is kept of the embeddings of some clips.

    Attributes:
      count: Number of clips.
      mean: float64 `[channels]`.
      variance: float64 `[channels]`, over the clips.
    """

    count: int
    mean: np.ndarray
    variance: np.ndarray


def moments(embeddings: np.ndarray) -> Moments:
    """Returns the moments of embeddings, float `[n, channels]`, of at least one clip."""
    values = np.asarray(embeddings, np.float64)
    return Moments(count=len(values), mean=values.mean(axis=0), variance=values.var(axis=0))


def together(first: Moments, second: Moments) -> Moments:
    """Returns the moments of all clips of two sets (Chan, Golub & LeVeque 1983, equation 2.1)."""
    count = first.count + second.count
    share, apart = second.count / count, second.mean - first.mean
    return Moments(
        count=count,
        mean=first.mean + share * apart,
        variance=(1 - share) * first.variance
        + share * second.variance
        + share * (1 - share) * apart**2,
    )


def shift(before: Moments, now: Moments) -> float:
    """Returns how far the mean embedding moved, in standard deviations of the clips.

    The root mean square, over channels, of the difference of the two means divided by the
    deviation that both have on average.
    """
    spread = np.maximum((before.variance + now.variance) / 2, _LEAST_VARIANCE)
    return float(np.sqrt(((now.mean - before.mean) ** 2 / spread).mean()))
