"""Rows of tables: computed ones, the paper's, and averages."""

import dataclasses
import math
from collections.abc import Mapping, Sequence

import numpy as np

from pipeline.reports.study.inference import with_holm
from pipeline.reports.study.layout import Column, Entry, Row, display


def own_row(
    target: str,
    entries: Mapping[str, Entry],
    *,
    rank: Sequence[str] | None = None,
    name: str = "",
    group: str = "",
) -> Row:
    """Returns a row with its best number marked and Holm's correction over its comparisons.

    Args:
      target: Domain it is about.
      entries: Its numbers by column.
      rank: Columns among which the best is marked; all by default.
      name: Its head; the target's by default.
      group: Rows with which it stands together.
    """
    # What comes to the same is one comparison of the family, shown under several names.
    first: dict[tuple[object, object], str] = {}
    same = {key: first.setdefault(_compared(key, entry), key) for key, entry in entries.items()}
    corrected = with_holm({key: entries[key].comparison for key in first.values()})
    entries = {
        key: dataclasses.replace(entry, comparison=corrected[same[key]])
        for key, entry in entries.items()
    }
    return Row(
        name=name or display(target),
        kind="own",
        target=target,
        group=group,
        entries=with_best(entries, list(entries) if rank is None else rank),
    )


def _compared(key: str, entry: Entry) -> tuple[object, object]:
    """Returns what tells a comparison from others: its cells, or its column where it has none."""
    if entry.series is None or entry.reference is None:
        return key, None
    return entry.series.needed, entry.reference.needed


def paper_row(
    target: str, values: Mapping[str, float | None], *, rank: Sequence[str] | None = None
) -> Row:
    """Returns the paper's row; arguments as of `own_row`."""
    entries = {
        key: Entry(value=math.nan if value is None else value) for key, value in values.items()
    }
    ranked = with_best(entries, list(entries) if rank is None else rank)
    return Row(name="paper", kind="paper", target=target, entries=ranked)


def with_best(entries: Mapping[str, Entry], rank: Sequence[str]) -> dict[str, Entry]:
    """Returns the entries with the best one marked, of those in the columns `rank`."""
    values = {key: entries[key].value for key in rank if math.isfinite(entries[key].value)}
    # As printed: equal figures are equally good.
    best = round(max(values.values()), 3) if len(values) > 1 else None
    return {
        key: dataclasses.replace(entry, best=key in values and round(values[key], 3) == best)
        for key, entry in entries.items()
    }


def averages(
    own: Sequence[Row], columns: Sequence[Column], *, rank: Sequence[str] | None = None
) -> list[Row]:
    """Returns mean and standard deviation (ddof 1) over rows; NaN where one of them is.

    Args:
      own: Rows over which they are taken.
      columns: Columns of the table.
      rank: Columns among which the best mean is marked; by default all gains, or all UARs.
    """
    if len(own) < 2:
        return []
    values = {column.key: [row.entries[column.key].value for row in own] for column in columns}
    means = {key: Entry(value=float(np.mean(each))) for key, each in values.items()}
    spreads = {key: Entry(value=float(np.std(each, ddof=1))) for key, each in values.items()}
    gains = [column.key for column in columns if column.measure == "gain"]
    if rank is None:
        rank = gains if len(gains) > 1 else [c.key for c in columns if c.measure == "uar"]
    return [
        Row(name="average", kind="average", entries=with_best(means, rank)),
        Row(name="standard deviation", kind="sd", entries=spreads, signed=False),
    ]
