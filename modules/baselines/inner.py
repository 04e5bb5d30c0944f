"""The inner cross-validation on which the baselines choose their parameters."""

import warnings

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from schemas.errors import UserError

INNER_FOLDS = 3


def splits(
    labels: np.ndarray, groups: np.ndarray | None, *, seed: int
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Divides training clips into `INNER_FOLDS` folds, stratified by label.

    Fewer folds are made of fewer speakers; clips of fewer than two speakers, or whose speakers
    cannot be divided, are divided without regard to them.

    Args:
      labels: int64 `[n]`.
      groups: str `[n]`, speakers whose clips stay together, distinct across domains; `None` under
        the protocol `random`.
      seed: Seed of the choice.

    Returns:
      Pairs of indices int64: to train on, and to validate on; both never empty.

    Raises:
      UserError: There are fewer than two labels, or no two clips of any.
    """
    counts = np.bincount(labels)
    if np.count_nonzero(counts) < 2 or counts.max() < 2:
        raise UserError(
            f"an SVM cannot be trained on {len(labels)} clips of {np.count_nonzero(counts)}"
            " emotions: it needs at least two emotions, and two clips of one; add recordings to"
            " the domain, or leave it out"
        )
    with warnings.catch_warnings():
        # A class of fewer clips than folds is left out of the UAR of the folds that lack it.
        warnings.filterwarnings("ignore", message="The least populated class")
        return _by_group(labels, groups, seed=seed) or _by_clip(labels, seed=seed)


def _by_group(
    labels: np.ndarray, groups: np.ndarray | None, *, seed: int
) -> list[tuple[np.ndarray, np.ndarray]]:
    group_count = 0 if groups is None else len(np.unique(groups))
    if group_count < 2:
        return []
    folds = min(INNER_FOLDS, group_count, int(np.bincount(labels).max()))
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    return [
        (train, held_out)
        for train, held_out in splitter.split(labels, labels, groups)
        if len(held_out) and len(np.unique(labels[train])) > 1
    ]


def _by_clip(labels: np.ndarray, *, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    folds = min(INNER_FOLDS, int(np.bincount(labels).max()))
    splitter = StratifiedKFold(folds, shuffle=True, random_state=seed)
    return list(splitter.split(labels, labels))
