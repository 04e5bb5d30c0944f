"""Support vector machine with an RBF kernel: the SVM of the paper's Table 2."""

import dataclasses

import numpy as np
from sklearn.metrics.pairwise import euclidean_distances
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from modules.baselines import inner
from modules.metrics.uar import unweighted_average_recall

C_GRID = (0.1, 1.0, 10.0, 100.0)
# In units of 1 / features: z-scored clips lie at a squared distance of about 2 * features.
GAMMA_GRID = (0.1, 0.3, 1.0, 3.0)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Svm:
    """A trained machine: one decision function per label, that label against all others.

    Attributes:
      scaler: Scaler that z-scores by the training clips.
      clips: float64 `[m, d]`, the training clips, z-scored.
      weights: float64 `[m, labels]`, `y_i α_i`; zero where a clip is no support vector.
      biases: float64 `[labels]`; -inf for labels without a training clip.
      c, gamma: Choices of inner cross-validation, gamma per unit of squared z-scored distance.
      inner_uar: UAR of that choice, the mean of the inner folds.
    """

    scaler: StandardScaler
    clips: np.ndarray
    weights: np.ndarray
    biases: np.ndarray
    c: float
    gamma: float
    inner_uar: float

    def kernel(self, features: np.ndarray, others: np.ndarray) -> np.ndarray:
        """Returns `exp(-γ |x - x'|²)`, float64 `[n, m]`, of z-scored clips `[n, d]`, `[m, d]`."""
        return np.exp(-self.gamma * euclidean_distances(features, others, squared=True))

    def scores(self, features: np.ndarray) -> np.ndarray:
        """Returns the decision values of clips, float64 `[n, labels]`; the largest is predicted.

        Labels without a training clip have -inf.

        Args:
          features: float `[n, d]`, not z-scored.
        """
        clips = self.scaler.transform(np.asarray(features, np.float64))
        return self.kernel(clips, self.clips) @ self.weights + self.biases


def fit(
    features: np.ndarray,
    labels: np.ndarray,
    *,
    label_count: int,
    train: np.ndarray,
    groups: np.ndarray | None,
    seed: int,
) -> Svm:
    """Trains an SVM: z-scoring, then an RBF SVM whose C and γ inner cross-validation chooses.

    The measure is UAR, the mean of the inner folds; of equal choices the smallest C, then the
    smallest γ is taken. Nothing is learnt from other clips than those of `train`, z-scoring
    included, which inner cross-validation repeats for each inner fold. A label weighs as much as
    all others together, however few clips it has.

    Args:
      features: float `[n, d]`, finite.
      labels: int64 `[n]`, positions in a label set.
      label_count: Number of labels in the set.
      train: int64 `[m]`, the rows to train on.
      groups: str `[n]`, speakers, which inner cross-validation keeps together; `None` for clips by
        chance (protocol `random`).
      seed: Seed of the inner folds.

    Raises:
      UserError: Too few clips or labels, see `inner.splits`.
    """
    clips, labels = np.asarray(features, np.float64)[train], np.asarray(labels)[train]
    grid = [(c, factor / clips.shape[1]) for c in C_GRID for factor in GAMMA_GRID]
    pairs = inner.splits(labels, None if groups is None else np.asarray(groups)[train], seed=seed)
    uars = np.empty((len(pairs), len(grid)))
    for fold, (learnt, held_out) in enumerate(pairs):
        scaler = StandardScaler().fit(clips[learnt])
        known, asked = scaler.transform(clips[learnt]), scaler.transform(clips[held_out])
        between = euclidean_distances(known, squared=True)
        across = euclidean_distances(asked, known, squared=True)
        for index, (c, gamma) in enumerate(grid):
            kernel = np.exp(-gamma * between)
            weights, biases = _one_against_rest(kernel, labels[learnt], c, label_count)
            predicted = (np.exp(-gamma * across) @ weights + biases).argmax(axis=1)
            uars[fold, index] = unweighted_average_recall(labels[held_out], predicted)
    means = uars.mean(axis=0)
    c, gamma = grid[means.argmax()]
    scaler = StandardScaler().fit(clips)
    clips = scaler.transform(clips)
    kernel = np.exp(-gamma * euclidean_distances(clips, squared=True))
    weights, biases = _one_against_rest(kernel, labels, c, label_count)
    return Svm(
        scaler=scaler,
        clips=clips,
        weights=weights,
        biases=biases,
        c=c,
        gamma=gamma,
        inner_uar=float(means.max()),
    )


def _one_against_rest(
    kernel: np.ndarray, labels: np.ndarray, c: float, label_count: int
) -> tuple[np.ndarray, np.ndarray]:
    """Returns weights `[m, labels]` and biases `[labels]`.

    On a kernel computed once: scikit-learn's own RBF kernel has no BLAS, and all features would
    be gone through for each label anew.
    """
    weights = np.zeros((len(labels), label_count))
    biases = np.full(label_count, -np.inf)
    for label in np.unique(labels):
        machine = SVC(C=c, kernel="precomputed", class_weight="balanced")
        machine.fit(kernel, np.where(labels == label, 1, -1))
        weights[machine.support_, label] = machine.dual_coef_[0]
        biases[label] = machine.intercept_[0]
    return weights, biases
