"""Few clips of a domain, drawn from its training folds."""

import hashlib
from collections.abc import Iterable

import numpy as np

from modules.study import cells
from modules.study.clips import Clips


def training_rows(
    clips: Clips, cell: cells.Training | cells.FineTuning, domains: tuple[str, ...]
) -> np.ndarray:
    """Returns the indices of the clips of `domains` that a cell learns from, int64, ascending."""
    rows = clips.rows(cell.protocol, domains=domains, folds=cell.split.train)
    if cell.clips_per_class is None:
        return rows
    kept = few(
        clips.utterance_ids[rows],
        np.char.add(np.char.add(clips.domains[rows], "/"), clips.labels[rows].astype(str)),
        per_class=cell.clips_per_class,
        draw=f"{cell.settings.seed}/{cell.split.test}",
    )
    return rows[kept]


def few(names: Iterable[str], classes: np.ndarray, *, per_class: int, draw: str) -> np.ndarray:
    """Returns the places of so many clips of each class, int64, ascending.

    More clips of the same draw are these and further ones, and a draw does not depend on the order
    of the clips. A class of fewer clips gives all that it has.

    Args:
      names: Names of the clips, which are distinct.
      classes: Class of each.
      per_class: Number of clips of each class.
      draw: Name of the draw; another one draws other clips.
    """
    digests = np.array([hashlib.sha256(f"{draw}/{name}".encode()).hexdigest() for name in names])
    order = np.argsort(digests, kind="stable")
    chosen = [order[classes[order] == label][:per_class] for label in np.unique(classes)]
    return np.sort(np.concatenate(chosen)) if chosen else np.zeros(0, np.int64)
