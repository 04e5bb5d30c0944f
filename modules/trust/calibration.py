"""Calibration of probabilities by one temperature, and measures of how well calibrated they are.

Guo et al. 2017, "On Calibration of Modern Neural Networks". Imports numpy and scipy only.
"""

import dataclasses

import numpy as np

# A temperature below or above this tells of too few clips, not of the network.
LEAST_TEMPERATURE, LARGEST_TEMPERATURE = 0.25, 8.0
LEAST_PROBABILITY = 1e-12
BINS = 15


@dataclasses.dataclass(frozen=True, kw_only=True)
class Bin:
    """The answers whose probability is in one of the intervals of equal width.

    Attributes:
      low, high: The interval, `low` excluded.
      clips: Number of answers in it.
      confidence: Mean of their probabilities; NaN without any.
      accuracy: Share of them that are right; NaN without any.
    """

    low: float
    high: float
    clips: int
    confidence: float
    accuracy: float


def tempered(
    probabilities: np.ndarray, temperature: float, own: np.ndarray | None = None
) -> np.ndarray:
    """Returns probabilities at another temperature, which does not change their order.

    Args:
      probabilities: float `[n, labels]`.
      temperature: Above 1 makes them more alike, below 1 less.
      own: bool `[n, labels]` or `[labels]`, labels that can be an answer; all by default. Others
        get 0.

    Returns:
      float64 `[n, labels]`; rows add up to 1.

    >>> tempered(np.array([[0.8, 0.2]]), 2.0).round(3).tolist()
    [[0.667, 0.333]]
    """
    return np.exp(_logarithms(probabilities, own, 1.0 / temperature))


def fit_temperature(
    probabilities: np.ndarray, labels: np.ndarray, own: np.ndarray | None = None
) -> float:
    """Returns the temperature at which labels are likeliest, within the limits of this module.

    Args:
      probabilities: float `[n, labels]`, of clips that the network was not trained on.
      labels: int64 `[n]`.
      own: See `tempered`.

    Raises:
      ValueError: There are no clips.
    """
    from scipy.optimize import minimize_scalar

    if not len(labels):
        raise ValueError("no clips to fit a temperature on")
    everyone = np.arange(len(labels))

    # Convex in the inverse of the temperature.
    def loss(inverse: float) -> float:
        return float(-_logarithms(probabilities, own, inverse)[everyone, labels].mean())

    limits = (1.0 / LARGEST_TEMPERATURE, 1.0 / LEAST_TEMPERATURE)
    found = minimize_scalar(loss, bounds=limits, method="bounded", options={"xatol": 1e-6})
    return float(1.0 / found.x)


def reliability(
    probabilities: np.ndarray, labels: np.ndarray, *, bins: int = BINS
) -> tuple[Bin, ...]:
    """Returns how often answers are right by how probable the network says they are.

    Args:
      probabilities: float `[n, labels]`; the likeliest label is the answer.
      labels: int64 `[n]`.
      bins: Number of intervals between 0 and 1.
    """
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    edges = np.linspace(0.0, 1.0, bins + 1)
    places = np.clip(np.searchsorted(edges, confidence, side="left") - 1, 0, bins - 1)
    found = []
    for place in range(bins):
        own = places == place
        found.append(
            Bin(
                low=float(edges[place]),
                high=float(edges[place + 1]),
                clips=int(own.sum()),
                confidence=float(confidence[own].mean()) if own.any() else float("nan"),
                accuracy=float(right[own].mean()) if own.any() else float("nan"),
            )
        )
    return tuple(found)


def expected_calibration_error(
    probabilities: np.ndarray, labels: np.ndarray, *, bins: int = BINS
) -> float:
    """Returns the mean distance of confidence and accuracy over answers, by bins of equal width.

    Args:
      probabilities, labels, bins: As of `reliability`.
    """
    found = [each for each in reliability(probabilities, labels, bins=bins) if each.clips]
    distances = sum(each.clips * abs(each.confidence - each.accuracy) for each in found)
    return float(distances / len(labels))


def brier_score(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Returns the mean squared distance of probabilities and labels, from 0 to 2 (Brier 1950).

    Args:
      probabilities: float `[n, labels]`.
      labels: int64 `[n]`.
    """
    truth = np.eye(probabilities.shape[1])[labels]
    return float(np.square(probabilities - truth).sum(axis=1).mean())


def _logarithms(
    probabilities: np.ndarray, own: np.ndarray | None, inverse_temperature: float
) -> np.ndarray:
    """Returns logarithms of probabilities at another temperature, -inf for labels left out."""
    scaled = np.log(np.maximum(probabilities.astype(np.float64), LEAST_PROBABILITY))
    scaled *= inverse_temperature
    if own is not None:
        scaled = np.where(own, scaled, -np.inf)
    scaled -= scaled.max(axis=1, keepdims=True)
    return scaled - np.log(np.exp(scaled).sum(axis=1, keepdims=True))
