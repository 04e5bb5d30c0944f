"""All numbers as long CSV, in which each names the cells behind it, and the cells as CSV."""

import csv
import io
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from modules.baselines.features import IS10
from modules.study import cells
from modules.study.cells import FineTuning
from pipeline.reports.study import approaches, proof
from pipeline.reports.study.inference import difference_interval, gain_interval, uar_interval
from pipeline.reports.study.layout import Column, Entry, Table
from pipeline.reports.study.results import Results, Series

VALUES_HEAD = (
    "table",
    "protocol",
    "row",
    "target",
    "column",
    "measure",
    "fold",
    "seed",
    "value",
    "cells",
)


def values_csv(results: Results, tables: Sequence[Table]) -> str:
    """Returns all numbers in long form, under `VALUES_HEAD`.

    A `uar` with a fold and a seed is one cell's; without, it is the mean over them. Every other
    number names all cells that it is computed from. `cells` are keys, the files' names in the
    store, parted by blanks. Missing numbers have no row.
    """
    return _csv(VALUES_HEAD, (row for table in tables for row in _value_rows(results, table)))


def _value_rows(results: Results, table: Table) -> Iterator[tuple[Any, ...]]:
    for row in table.rows:
        for column in table.columns:
            entry = row.entries[column.key]
            start = (table.slug, table.protocol, row.full_name, row.target, column.key)
            if row.kind != "own":
                if math.isfinite(entry.value):
                    yield (*start, f"{row.kind} {column.measure}", "", "", f"{entry.value:.6f}", "")
                continue
            for measure, fold, seed, value, keys in _entry_rows(results, entry, column):
                if math.isfinite(value):
                    yield (*start, measure, fold, seed, f"{value:.6f}", " ".join(keys))


def _entry_rows(results: Results, entry: Entry, column: Column) -> Iterator[tuple[Any, ...]]:
    if entry.series is None:
        return
    own = _keys(entry.series)
    # Differences are between protocols, whose own values stand in their own tables.
    if column.measure != "difference":
        for (fold, seed), measured in sorted(entry.series.values.items()):
            yield "uar", fold, seed, measured.uar, measured.keys
        yield "uar", "", "", entry.series.mean, own
        interval = uar_interval(results.clips, entry.series)
        yield "uar, pooled", "", "", interval.estimate, own
        yield "uar, pooled, 95% lower", "", "", interval.lower, own
        yield "uar, pooled, 95% upper", "", "", interval.upper, own
    if entry.reference is None:
        return
    both = [*own, *(name for name in _keys(entry.reference) if name not in own)]
    if column.measure != "uar":
        yield column.measure, "", "", entry.value, both
    if column.measure in ("gain", "ratio", "difference"):
        of_pair = difference_interval if column.measure == "difference" else gain_interval
        interval = of_pair(results.clips, [(entry.series, entry.reference)])
        # A gain of 20% is a ratio of 1.2.
        above = 1.0 if column.measure == "ratio" else 0.0
        yield f"{column.measure}, pooled", "", "", above + interval.estimate, both
        yield f"{column.measure}, pooled, 95% lower", "", "", above + interval.lower, both
        yield f"{column.measure}, pooled, 95% upper", "", "", above + interval.upper, both
    if entry.comparison is not None:
        yield "difference", "", "", entry.comparison.difference, both
        yield "p, paired t-test", "", "", entry.comparison.p_paired, both
        yield "p, corrected t-test", "", "", entry.comparison.p_corrected, both
        yield "p, corrected t-test, Holm", "", "", entry.comparison.p_holm, both
        yield "effect size d_z (Hedges)", "", "", entry.comparison.effect_size, both


def _keys(series: Series) -> list[str]:
    return list(
        dict.fromkeys(name for _, found in sorted(series.values.items()) for name in found.keys)
    )


CELLS_HEAD = (
    "cell",
    "kind",
    "protocol",
    "train_folds",
    "test_fold",
    "seed",
    "domains",
    "target",
    "approach",
    "features",
    "clips_per_class",
    "parent",
    "train_clips",
    "test_clips",
    "train_s",
    "backend",
    "frozen",
    "unchanged",
    "weights_before",
    "weights_after",
)


def cells_csv(results: Results) -> str:
    """Returns a row for each cell of the design that has a result, under `CELLS_HEAD`.

    `frozen` is what the approach demands, `unchanged` what the hashes of the weights tell.
    """
    return _csv(CELLS_HEAD, (_cell_row(record) for record in proof.records(results)))


def _cell_row(record: dict[str, Any]) -> tuple[Any, ...]:
    cell = record["cell"]
    parent = cell.get("parent", {})
    whole = {**parent, **{name: value for name, value in cell.items() if value is not None}}
    return (
        record["key"],
        cell["kind"],
        whole["protocol"],
        " ".join(map(str, whole["split"]["train"])),
        whole["split"]["test"],
        whole.get("seed", whole.get("settings", {}).get("seed", "")),
        " ".join(whole.get("domains", whole.get("sources", ()))),
        cell.get("target", ""),
        cell.get("approach", ""),
        cell.get("features", IS10 if cell["kind"] in ("svm", "adaptive_svm") else ""),
        cell.get("clips_per_class", ""),
        cells.key(cells.from_json({"kind": "training", **parent})) if parent else "",
        _pairs(record.get("train_clips", {})),
        record["clips"],
        record.get("train_s", ""),
        record.get("backend", ""),
        " ".join(_frozen(record)),
        " ".join(proof.unchanged(record)),
        _pairs(record.get("weight_hashes_before", {})),
        _pairs(record.get("weight_hashes", {})),
    )


def _frozen(record: dict[str, Any]) -> tuple[str, ...]:
    cell = cells.from_json(record["cell"])
    return approaches.frozen(cell) if isinstance(cell, FineTuning) else ()


def _pairs(values: dict[str, Any]) -> str:
    return " ".join(f"{name}={value}" for name, value in values.items())


def _csv(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(rows)
    return buffer.getvalue()
