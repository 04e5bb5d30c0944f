"""Adaptive SVM (Yang, Yan & Hauptmann 2007; Abdelwahab & Busso 2015): the paper's Table 5."""

import dataclasses
import logging

import numpy as np

from modules.baselines import inner
from modules.baselines.svm import Svm
from modules.metrics.uar import unweighted_average_recall

C_GRID = (0.01, 0.1, 1.0, 10.0, 100.0)
# The duality gap at which to stop, as a share of the primal objective (or of 1, if that is less).
TOLERANCE = 1e-3
MAX_SWEEPS = 2_000

_log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Solution:
    """What `solve` found for each of k problems.

    Attributes:
      alphas: float64 `[n, k]`, the dual variables, in [0, C].
      primal, dual: float64 `[k]`, the objectives; their difference, the duality gap, is at least 0
        and bounds how far either is from the optimum.
      sweeps: Number of sweeps over all clips.
    """

    alphas: np.ndarray
    primal: np.ndarray
    dual: np.ndarray
    sweeps: int

    @property
    def gap(self) -> np.ndarray:
        """Primal objective minus dual objective, float64 `[k]`."""
        return self.primal - self.dual


def solve(
    kernel: np.ndarray,
    signs: np.ndarray,
    source: np.ndarray,
    c: np.ndarray | float,
    *,
    tolerance: float = TOLERANCE,
    max_sweeps: int = MAX_SWEEPS,
    seed: int = 0,
) -> Solution:
    """Trains Adaptive SVMs that share their clips, by dual coordinate ascent (Hsieh et al. 2008).

    Each maximises `Σ (1 - y_i f_s(x_i)) α_i - ½ ΣΣ α_i α_j y_i y_j K(x_i, x_j)` with
    `0 ≤ α_i ≤ C`; the primal is `½ |Δw|² + C Σ max(0, 1 - y_i f(x_i))` with
    `f(x) = f_s(x) + Σ α_i y_i K(x_i, x)`. There is no bias, hence no equality constraint, and the
    best value of one α with all others fixed has a closed form.

    Args:
      kernel: float64 `[n, n]`, positive semidefinite, with a positive diagonal.
      signs: `[n, k]`, y: 1 or -1.
      source: float64 `[n, k]`, f_s: the source's decision values.
      c: Upper bounds of α, one or `[k]`.
      tolerance: Duality gap at which to stop, relative to the primal objective or 1.
      max_sweeps: Largest number of sweeps; a warning tells how large the gap is then.
      seed: Seed of the order of the clips, drawn anew for each sweep.
    """
    signs = np.asarray(signs, np.float64)
    clips, problems = signs.shape
    bounds = np.broadcast_to(np.asarray(c, np.float64), (problems,))
    random = np.random.default_rng(seed)
    alphas = np.zeros((clips, problems))
    shift = np.zeros((clips, problems))  # Σ_j α_j y_j K(x_j, x_i): what is added to f_s
    diagonal = np.diag(kernel)
    sweeps = 0
    while sweeps < max_sweeps:
        sweeps += 1
        for i in random.permutation(clips):
            slope = 1.0 - signs[i] * (source[i] + shift[i])
            best = np.minimum(np.maximum(alphas[i] + slope / diagonal[i], 0.0), bounds)
            step = best - alphas[i]
            if step.any():
                alphas[i] = best
                shift += np.multiply.outer(kernel[i], signs[i] * step)
        half_norm = 0.5 * np.sum(alphas * signs * shift, axis=0)
        hinge = np.maximum(0.0, 1.0 - signs * (source + shift))
        primal = half_norm + bounds * hinge.sum(axis=0)
        dual = np.sum((1.0 - signs * source) * alphas, axis=0) - half_norm
        if (primal - dual <= tolerance * np.maximum(primal, 1.0)).all():
            break
    else:
        _log.warning(
            "Adaptive SVM: duality gap %.2g after %d sweeps", (primal - dual).max(), max_sweeps
        )
    return Solution(alphas=alphas, primal=primal, dual=dual, sweeps=sweeps)


@dataclasses.dataclass(frozen=True, kw_only=True)
class AdaptiveSvm:
    """A source's machine adapted to a target.

    Attributes:
      source: Machine whose z-scoring, γ and decision functions are those of the adapted one.
      clips: float64 `[m, d]`, the target's training clips, z-scored as the source's.
      weights: float64 `[m, labels]`, `α_i y_i`.
      known: bool `[labels]`, the labels of which the source or the target has a training clip.
      c: Choice of inner cross-validation.
      inner_uar: UAR of that choice, the mean of the inner folds.
      solution: Solution of the dual problems, one for each `known` label, in their order.
    """

    source: Svm
    clips: np.ndarray
    weights: np.ndarray
    known: np.ndarray
    c: float
    inner_uar: float
    solution: Solution

    def scores(self, features: np.ndarray) -> np.ndarray:
        """Returns the decision values of clips, float64 `[n, labels]`.

        The largest among the target's labels is predicted; labels that are not `known` have -inf.

        Args:
          features: float `[n, d]`, not z-scored.
        """
        clips = self.source.scaler.transform(np.asarray(features, np.float64))
        adapted = _prior(self.source, features) + (
            self.source.kernel(clips, self.clips) @ self.weights
        )
        return np.where(self.known, adapted, -np.inf)


def adapt(
    source: Svm,
    features: np.ndarray,
    labels: np.ndarray,
    *,
    train: np.ndarray,
    groups: np.ndarray | None,
    seed: int,
) -> AdaptiveSvm:
    """Adapts an SVM trained on other domains to a target; one label against all others.

    C is the one of `C_GRID` with the best UAR in inner cross-validation, the smallest of equals.
    A source that never met a label says nothing of it: its f_s is 0 there.

    Args:
      source: Machine trained on the source domains, never on clips of a test fold.
      features: float `[n, d]`, finite, not z-scored.
      labels: int64 `[n]`, positions in the source's label set.
      train: int64 `[m]`, the target's rows to adapt to.
      groups: str `[n]`, speakers, which inner cross-validation keeps together; `None` for clips by
        chance (protocol `random`).
      seed: Seed of the inner folds and of the order in which clips are visited.

    Raises:
      UserError: Too few clips or labels, see `inner.splits`.
    """
    own, labels = np.asarray(features)[train], np.asarray(labels)[train]
    clips = source.scaler.transform(np.asarray(own, np.float64))
    present = np.unique(labels)
    known = np.isfinite(source.biases)
    known[present] = True
    known_labels = np.flatnonzero(known)
    kernel = source.kernel(clips, clips)
    signs = np.where(labels[:, None] == known_labels, 1.0, -1.0)
    prior = _prior(source, own)[:, known_labels]
    candidates = np.isin(known_labels, present)

    pairs = inner.splits(labels, None if groups is None else np.asarray(groups)[train], seed=seed)
    uars = np.empty((len(pairs), len(C_GRID)))
    for fold, (learnt, held_out) in enumerate(pairs):
        within, across = kernel[np.ix_(learnt, learnt)], kernel[np.ix_(held_out, learnt)]
        for index, c in enumerate(C_GRID):
            alphas = solve(within, signs[learnt], prior[learnt], c, seed=seed).alphas
            scores = prior[held_out] + across @ (alphas * signs[learnt])
            predicted = present[scores[:, candidates].argmax(axis=1)]
            uars[fold, index] = unweighted_average_recall(labels[held_out], predicted)
    means = uars.mean(axis=0)
    c = C_GRID[means.argmax()]
    solution = solve(kernel, signs, prior, c, seed=seed)
    weights = np.zeros((len(labels), len(source.biases)))
    weights[:, known_labels] = solution.alphas * signs
    return AdaptiveSvm(
        source=source,
        clips=clips,
        weights=weights,
        known=known,
        c=c,
        inner_uar=float(means.max()),
        solution=solution,
    )


def _prior(source: Svm, features: np.ndarray) -> np.ndarray:
    """Returns f_s, float64 `[n, labels]`; 0 for labels that the source never met."""
    scores = source.scores(features)
    return np.where(np.isfinite(scores), scores, 0.0)
