"""UAR per cell and target, and per system over folds and seeds, from scores in the store."""

import collections
import dataclasses
from collections.abc import Callable, Iterable, Mapping

import numpy as np

from modules.metrics.uar import best_of, confusion_matrix, uar_of
from modules.study import cells
from modules.study.cells import Cell, Split
from modules.study.clips import Clips
from modules.study.design import Design
from modules.study.store import Store
from schemas.errors import UserError
from schemas.words import listed

# Of folds and seeds.
Place = tuple[int, int]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Measured:
    """What a cell recognised of a target's test clips.

    Attributes:
      keys: Keys of the cells behind it, the tested one first.
      rows: Indices of the clips, int64 `[n]`.
      predictions: The best among the target's classes, int64 `[n]`.
      confusion: Counts, int64 `[labels, labels]`, true classes in rows.
    """

    keys: tuple[str, ...]
    rows: np.ndarray
    predictions: np.ndarray
    confusion: np.ndarray

    @property
    def uar(self) -> float:
        """Mean recall of the classes that the test fold has."""
        return uar_of(self.confusion)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Series:
    """One system on one target: a value for each fold and seed.

    Attributes:
      protocol: Protocol of the folds.
      target: Domain whose test clips count.
      labels: Number of labels of the set.
      needed: Cells it takes.
      values: What was measured by fold and seed; what is missing is not there.
      places: All folds and seeds of the design.
      choices: How often `auto` chose each approach.
    """

    protocol: str
    target: str
    labels: int
    needed: frozenset[Cell]
    values: Mapping[Place, Measured]
    places: tuple[Place, ...]
    choices: Mapping[str, int] = dataclasses.field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Whether every fold and seed is there."""
        return bool(self.places) and all(place in self.values for place in self.places)

    @property
    def mean(self) -> float:
        """UAR averaged over folds and seeds; NaN if one is missing."""
        return float(np.mean(self.by_fold())) if self.complete else float("nan")

    def by_fold(self) -> np.ndarray:
        """Returns the UAR of each fold, averaged over seeds: float64 `[folds]`, by fold."""
        folds = collections.defaultdict(list)
        for (fold, _), measured in sorted(self.values.items()):
            folds[fold].append(measured.uar)
        return np.array([np.mean(values) for values in folds.values()])

    def confusion(self) -> np.ndarray:
        """Returns the sum over folds and seeds, int64 `[labels, labels]`."""
        return sum(
            (measured.confusion for measured in self.values.values()),
            np.zeros((self.labels, self.labels), np.int64),
        )


class Results:
    """Reads a store: what every table and figure is computed from.

    Args:
      store: Store of the study.
      clips: Clips that the store's cells were run on; inputs are not needed.
      design: Which cells make which table.
    """

    def __init__(self, store: Store, clips: Clips, design: Design) -> None:
        self.store, self.clips, self.design = store, clips, design
        self.label_set = clips.label_set
        self._rows = {name: row for row, name in enumerate(clips.utterance_ids.tolist())}
        self._scores: dict[str, tuple[np.ndarray, np.ndarray] | None] = {}
        self._classes = {name: clips.classes(name) for name in clips.domain_names()}

    def series(self, protocol: str, target: str, cell_of: Callable[[Split, int], Cell]) -> Series:
        """Measures a system on a target.

        Args:
          protocol: Protocol of the folds and of what `cell_of` returns.
          target: Domain whose test clips count.
          cell_of: Function that names the cell for an outer split and a seed.
        """
        needed, values = set(), {}
        for fold, seed in self._places():
            cell = cell_of(Split.outer(fold), seed)
            assert cell.protocol == protocol
            needed.add(cell)
            measured = self.measure(cell, target)
            if measured is not None:
                values[fold, seed] = measured
        return self._series(protocol, target, needed, values)

    def auto(self, protocol: str, target: str, scenario: str) -> Series:
        """Measures, for each fold, the approach that was best on the fold's inner split.

        The inner split tests on one of the training folds; the outer test fold has no part in the
        choice. Of equals, the first in the design's order is taken.
        """
        needed, values = set(), {}
        choices: collections.Counter[str] = collections.Counter()
        for fold, seed in self._places():
            inner, outer = (
                self.design.candidates(protocol, split, seed, scenario=scenario, target=target)
                for split in (Split.inner(fold), Split.outer(fold))
            )
            needed |= {*inner.values(), *outer.values()}
            judged = {name: self.measure(cell, target) for name, cell in inner.items()}
            known = {name: found for name, found in judged.items() if found is not None}
            if not known or len(known) < len(judged):
                continue
            chosen = max(known, key=lambda name: known[name].uar)
            measured = self.measure(outer[chosen], target)
            if measured is not None:
                keys = [*measured.keys, *(key for found in known.values() for key in found.keys)]
                values[fold, seed] = dataclasses.replace(measured, keys=tuple(keys))
                choices[chosen] += 1
        return self._series(protocol, target, needed, values, choices)

    def _series(
        self,
        protocol: str,
        target: str,
        needed: Iterable[Cell],
        values: Mapping[Place, Measured],
        choices: Mapping[str, int] | None = None,
    ) -> Series:
        return Series(
            protocol=protocol,
            target=target,
            labels=len(self.label_set),
            needed=frozenset(needed),
            values=values,
            places=self._places(),
            choices=dict(choices or {}),
        )

    def measure(self, cell: Cell, target: str) -> Measured | None:
        """Returns what a cell recognised of a target's clips; `None` if it has not run."""
        key = cells.key(cell)
        if key not in self._scores:
            self._scores[key] = self._read(cell, key)
        stored = self._scores[key]
        if stored is None:
            return None
        own = self.clips.domains[stored[0]] == target
        rows, scores = stored[0][own], stored[1][own]
        predictions = best_of(scores, self._answers(cell, target))
        confusion = confusion_matrix(
            self.clips.labels[rows], predictions, classes=len(self.label_set)
        )
        return Measured(keys=(key,), rows=rows, predictions=predictions, confusion=confusion)

    def _answers(self, cell: Cell, target: str) -> np.ndarray:
        """Returns the target's labels, without those that a network trained elsewhere never saw.

        What answers such labels get is left over from the initial weights where the loss is taken
        over the labels of the clip's domain.
        """
        own = self._classes[target]
        if not isinstance(cell, cells.Training):
            return own
        seen = np.unique(np.concatenate([self._classes[name] for name in cell.domains]))
        return common if len(common := np.intersect1d(own, seen)) else own

    def _read(self, cell: Cell, key: str) -> tuple[np.ndarray, np.ndarray] | None:
        try:
            record = self.store.get(cell)
        except KeyError:
            return None
        unknown = [name for name in record["tested"] if name not in self._rows]
        if unknown:
            raise UserError(
                f"{self.store.folder}: cell {key} tested {unknown[0]}, which is not among the"
                " study's clips; the store belongs to another manifest: give the one it was made"
                " from, or start a new store"
            )
        rows = np.array([self._rows[name] for name in record["tested"]], np.int64)
        scores = np.asarray(record["scores"], np.float64).reshape(len(rows), -1)
        answers = record["emotions"]
        if lacking := [label for label in self.label_set if label not in answers]:
            raise UserError(
                f"{self.store.folder}: cell {key} knows no {listed(lacking)}, which the study's"
                " clips have; the store belongs to another label set: give the one it was made"
                " from, or start a new store"
            )
        return rows, scores[:, [answers.index(label) for label in self.label_set]]

    def _places(self) -> tuple[Place, ...]:
        return tuple((fold, seed) for fold in self.design.folds for seed in self.design.seeds)
