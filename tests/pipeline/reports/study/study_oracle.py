"""UARs by scikit-learn and pandas, from the files of cells."""

import io
import json
import statistics

import numpy as np
import pandas as pd
from sklearn.metrics import balanced_accuracy_score

from modules.study import cells
from modules.study.cells import Split
from pipeline.reports.study import csv_files
from pipeline.reports.study.layout import Row, Table
from pipeline.reports.study.results import Results

PROTOCOL = "speaker_independent"
SMALL = ("emodb", "urdu")
DOMAINS = ("emodb", "emovo", "urdu")


def oracle(results: Results, cell, target: str) -> float:
    """UAR by scikit-learn, from the cell's file."""
    record = json.loads((results.store.folder / "cells" / f"{cells.key(cell)}.json").read_text())
    names = np.array(results.label_set.labels)[results.clips.labels]
    labels = pd.Series(names, index=results.clips.utterance_ids)
    domains = pd.Series(results.clips.domains, index=results.clips.utterance_ids)
    scores = pd.DataFrame(record["scores"], index=record["tested"], columns=record["emotions"])
    scores = scores[domains[scores.index] == target]
    allowed = set(labels[domains == target])
    if isinstance(cell, cells.Training):
        # What the network never heard it cannot answer.
        allowed &= set(labels[domains.isin(cell.domains)])
    return balanced_accuracy_score(labels[scores.index], scores[sorted(allowed)].idxmax(axis=1))


def mean_uar(results: Results, cell_of, target: str) -> float:
    """Returns the UAR of a system over folds and seeds."""
    plan = results.design
    return statistics.fmean(
        [
            oracle(results, cell_of(Split.outer(fold), seed), target)
            for fold in plan.folds
            for seed in plan.seeds
        ]
    )


def row_of(table: Table, name: str) -> Row:
    """Returns the row of that name."""
    return next(row for row in table.rows if row.name == name)


def values_of(results: Results, *found: Table) -> pd.DataFrame:
    """Returns what `values.csv` holds of tables."""
    return pd.read_csv(io.StringIO(csv_files.values_csv(results, found)), keep_default_na=False)
