"""Unweighted average recall (UAR), the field's measure, and its confidence interval, in numpy."""

import numpy as np

# UARs that are equal may come out a rounding error apart.
ROUNDING = 1e-9


def confusion_matrix(labels: np.ndarray, predictions: np.ndarray, *, classes: int) -> np.ndarray:
    """Counts pairs: int64 `[classes, classes]`, true classes in rows, predicted ones in columns.

    Args:
      labels, predictions: class indices, int `[n]`.
      classes: how many classes there are.
    """
    pairs = np.asarray(labels, np.int64) * classes + np.asarray(predictions, np.int64)
    return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)


def recalls(confusion: np.ndarray) -> np.ndarray:
    """Recall per class, float64 `[classes]`; NaN where a class has no clip."""
    totals = confusion.sum(axis=1)
    with np.errstate(invalid="ignore"):
        return np.where(totals > 0, np.diag(confusion) / totals, np.nan)


def uar_of(confusion: np.ndarray) -> float:
    """UAR of a confusion matrix: the mean recall of the classes that have clips.

    Equals scikit-learn's `balanced_accuracy_score`. NaN if the matrix is empty.
    """
    present = confusion.sum(axis=1) > 0
    return float(recalls(confusion)[present].mean()) if present.any() else float("nan")


def unweighted_average_recall(labels: np.ndarray, predictions: np.ndarray) -> float:
    """UAR of predicted class indices, int `[n]` each; NaN for no clips."""
    classes = int(max(np.max(labels, initial=0), np.max(predictions, initial=0))) + 1
    return uar_of(confusion_matrix(labels, predictions, classes=classes))


def best_of(scores: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Returns each row's class of the highest score among those that the domain has: int64 `[n]`.

    A model of six outputs may not answer with an emotion that the domain lacks.

    Args:
      scores: float `[n, 6]`.
      classes: indices of the domain's classes.
    """
    return classes[scores[:, classes].argmax(axis=1)]


def wilson_interval(
    successes: np.ndarray, trials: np.ndarray, *, z: float
) -> tuple[np.ndarray, np.ndarray]:
    """Wilson's score interval of binomial proportions, elementwise (Wilson 1927)."""
    share = successes / trials
    centre = (share + z**2 / (2 * trials)) / (1 + z**2 / trials)
    half = z / (1 + z**2 / trials) * np.sqrt(share * (1 - share) / trials + (z / (2 * trials)) ** 2)
    return centre - half, centre + half


def uar_interval(confusion: np.ndarray, *, z: float = 1.959963984540054) -> tuple[float, float]:
    """Confidence interval of the UAR, 95% by default.

    The UAR is a mean of independent proportions, one per class; its limits follow from Wilson's
    limits of each recall by the method of variance estimates recovery (MOVER; Zou & Donner 2008).
    Unlike a jackknife over buckets it needs no bucket to hold every class, and it stays honest at
    recalls of 0 and 1. Clips count as independent: speakers are not resampled.

    Args:
      confusion: int `[classes, classes]`, true classes in rows.
      z: quantile of the standard normal distribution.

    Returns:
      Lower and upper limit; NaN for an empty matrix.
    """
    trials = confusion.sum(axis=1)
    present = trials > 0
    if not present.any():
        return float("nan"), float("nan")
    hits, trials = np.diag(confusion)[present], trials[present]
    recall = hits / trials
    lower, upper = wilson_interval(hits, trials, z=z)
    below = np.sqrt(np.sum((recall - lower) ** 2)) / len(recall)
    above = np.sqrt(np.sum((upper - recall) ** 2)) / len(recall)
    centre = recall.mean()
    return float(max(centre - below, 0.0)), float(min(centre + above, 1.0))
