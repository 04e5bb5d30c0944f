"""What was measured of a model: slices of the test fold by their features, and confusions."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from pipeline.reports.release.results import ModelResult, SliceResult
from schemas.features import DOMAIN, EMOTION, GENDER, LANGUAGE
from schemas.labels import LabelSet
from schemas.words import listed

# In the order of the page.
_TITLES: dict[tuple[str, ...], str] = {
    (): "all clips",
    (DOMAIN,): "by domain",
    (EMOTION,): "by emotion",
    (GENDER,): "by gender",
    (LANGUAGE,): "by language",
    (DOMAIN, EMOTION): "by domain and emotion",
    (DOMAIN, GENDER): "by domain and gender",
}
_FEATURES = (DOMAIN, EMOTION, GENDER, LANGUAGE)


@dataclasses.dataclass(frozen=True, kw_only=True)
class SliceRow:
    """One slice.

    Attributes:
      label: What it holds, in words.
      result: What was measured.
      change: UAR minus the last blessed model's; `None` if there was none.
    """

    label: str
    result: SliceResult
    change: float | None


@dataclasses.dataclass(frozen=True, kw_only=True)
class SliceGroup:
    """Slices that the same features define.

    Attributes:
      features: Which ones.
      own: Whether all lie in the domain of an adapted model.
      title: In words.
      rows: The slices.
    """

    features: tuple[str, ...]
    own: bool
    title: str
    rows: tuple[SliceRow, ...]

    @property
    def recall(self) -> bool:
        """Whether each slice holds clips of one label, so that its UAR is a recall."""
        return EMOTION in self.features


def slice_groups(model: ModelResult, labels: LabelSet) -> list[SliceGroup]:
    """Returns the slices of a model by features, those of an adapted model's own domain first."""
    found: dict[tuple[tuple[str, ...], bool], list[tuple[list[tuple[int, str]], SliceRow]]] = {}
    for key, result in model.slices.items():
        values = dict(key)
        features = tuple(sorted(values, key=_feature_rank))
        own = values.get(DOMAIN) == model.name
        named = [name for name in features if not (own and name == DOMAIN)]
        label = " · ".join(values[name] or "not given" for name in named)
        baseline = model.baseline_uar.get(key)
        row = SliceRow(
            label=label or (model.name if own else "all clips"),
            result=result,
            change=None if baseline is None else result.uar - baseline,
        )
        order = [_value_rank(values[name], labels) for name in features]
        found.setdefault((features, own), []).append((order, row))
    ranks = {features: rank for rank, features in enumerate(_TITLES)}
    groups = []
    for features, own in sorted(
        found, key=lambda group: (not group[1], ranks.get(group[0], len(ranks)), group[0])
    ):
        rest = tuple(name for name in features if name != DOMAIN) if own else features
        rows = sorted(found[features, own], key=lambda pair: pair[0])
        groups.append(
            SliceGroup(
                features=features,
                own=own,
                title=_TITLES.get(rest, "by " + listed(rest)),
                rows=tuple(row for _, row in rows),
            )
        )
    return groups


def _feature_rank(name: str) -> tuple[int, str]:
    return (_FEATURES.index(name) if name in _FEATURES else len(_FEATURES), name)


def _value_rank(value: str, labels: LabelSet) -> tuple[int, str]:
    return (labels.index(value) if value in labels else len(labels), value)


# Colour of a share of 1, from white at 0. Above the dark share white text stands out by 4.5:1 or
# more, up to it black text does.
_HEAT_RGB = (11, 95, 143)
_DARK_SHARE = 0.82
# A page holds this many labels in wide columns.
_WIDE = 8


@dataclasses.dataclass(frozen=True, kw_only=True)
class Cell:
    """One count of a confusion matrix.

    Attributes:
      count: Number of clips.
      share: Share of the true label's clips; `None` if there are none.
      background: Colour.
      dark: Whether the text on it has to be white.
      hit: Whether it is on the diagonal.
    """

    count: int
    share: float | None
    background: str
    dark: bool
    hit: bool


@dataclasses.dataclass(frozen=True, kw_only=True)
class MatrixRow:
    """The clips of a true label."""

    label: str
    clips: int
    cells: tuple[Cell, ...]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Matrix:
    """A confusion matrix with the colours of its cells.

    Attributes:
      labels: Labels that have clips or were recognised.
      rows: One row for each of them.
      absent: The other labels of the set.
    """

    labels: tuple[str, ...]
    rows: tuple[MatrixRow, ...]
    absent: tuple[str, ...]

    @property
    def many(self) -> bool:
        """Whether its columns have to be narrow."""
        return len(self.labels) >= _WIDE


def matrix(result: SliceResult, labels: LabelSet) -> Matrix:
    """Returns the confusion matrix of a slice."""
    confusion = np.asarray(result.confusion)
    totals = confusion.sum(axis=1)
    shown = np.flatnonzero(totals + confusion.sum(axis=0)).tolist()
    rows = tuple(
        MatrixRow(
            label=labels.labels[i],
            clips=int(totals[i]),
            cells=_cells(confusion[i], int(totals[i]), hit=i, shown=shown),
        )
        for i in shown
    )
    return Matrix(
        labels=tuple(labels.labels[i] for i in shown),
        rows=rows,
        absent=tuple(label for i, label in enumerate(labels) if i not in shown),
    )


def _cells(counts: np.ndarray, total: int, *, hit: int, shown: Sequence[int]) -> tuple[Cell, ...]:
    shares = counts / total if total else np.zeros(len(counts))
    return tuple(
        Cell(
            count=int(counts[j]),
            share=float(shares[j]) if total else None,
            background=heat(float(shares[j])),
            dark=bool(shares[j] > _DARK_SHARE),
            hit=j == hit,
        )
        for j in shown
    )


def heat(share: float) -> str:
    """Returns the colour of a cell, from white (0) to full (1).

    >>> heat(0.0), heat(1.0)
    ('#ffffff', '#0b5f8f')
    """
    return "#" + "".join(f"{round(255 + (full - 255) * share):02x}" for full in _HEAT_RGB)
