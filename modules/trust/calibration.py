"""Calibration of probabilities by one temperature, and measures of how well calibrated they are.

Guo et al. 2017, "On Calibration of Modern Neural Networks". Imports numpy and scipy only.
"""

import dataclasses

import numpy as np

# A temperature below or above this tells of too few clips, not of the network.
LEAST_TEMPERATURE, LARGEST_TEMPERATURE = 0.25, 8.0
LEAST_PROBABILITY = 1e-12
BINS = 15


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Reliability:
    """How often answers are right by how probable they are said to be; sums, so that parts add up.

    The likeliest label is the answer, its probability the confidence. Bins are intervals of equal
    width between 0 and 1, their lower ends excluded.

    Attributes:
      clips: int64 `[bins]`, number of answers.
      confidence: float64 `[bins]`, sum of their confidences.
      right: int64 `[bins]`, number of those that are right.
      squared: Sum over all answers of the squared distance of probabilities and label.
    """

    clips: np.ndarray
    confidence: np.ndarray
    right: np.ndarray
    squared: float

    @classmethod
    def of(
        cls, probabilities: np.ndarray, labels: np.ndarray, *, bins: int = BINS
    ) -> "Reliability":
        """Returns that of answers.

        Args:
          probabilities: float `[n, labels]`; `n` may be 0.
          labels: int64 `[n]`.
          bins: Number of intervals.
        """
        confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
        inside = np.searchsorted(_edges(bins), confidence, side="left") - 1
        places = np.clip(inside, 0, bins - 1)
        truth = np.eye(probabilities.shape[1])[labels]
        return cls(
            clips=np.bincount(places, minlength=bins),
            confidence=np.bincount(places, confidence, minlength=bins),
            right=np.bincount(places[right], minlength=bins),
            squared=float(np.square(probabilities - truth).sum()),
        )

    @classmethod
    def from_sums(cls, sums: np.ndarray, brier_score: float) -> "Reliability":
        """Returns that whose `sums` and Brier score these are."""
        clips, confidence, right = sums
        return cls(
            clips=clips.astype(int),
            confidence=confidence,
            right=right.astype(int),
            squared=brier_score * float(clips.sum()) if clips.any() else 0.0,
        )

    @property
    def edges(self) -> np.ndarray:
        """Limits of the bins, float64 `[bins + 1]`."""
        return _edges(len(self.clips))

    def sums(self) -> np.ndarray:
        """Returns clips, confidence and right answers by bin, float64 `[3, bins]`."""
        return np.stack([self.clips, self.confidence, self.right]).astype(np.float64)

    def __add__(self, other: "Reliability") -> "Reliability":
        return Reliability(
            clips=self.clips + other.clips,
            confidence=self.confidence + other.confidence,
            right=self.right + other.right,
            squared=self.squared + other.squared,
        )

    @property
    def expected_calibration_error(self) -> float:
        """Mean distance of confidence and accuracy of a bin over answers; NaN without any."""
        return _ratio(float(np.abs(self.confidence - self.right).sum()), self.clips.sum())

    @property
    def brier_score(self) -> float:
        """Mean squared distance of probabilities and labels, 0 to 2 (Brier 1950); NaN of none."""
        return _ratio(self.squared, self.clips.sum())


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


def _edges(bins: int) -> np.ndarray:
    return np.linspace(0.0, 1.0, bins + 1)


def _ratio(total: float, count: int) -> float:
    return total / float(count) if count else float("nan")


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
