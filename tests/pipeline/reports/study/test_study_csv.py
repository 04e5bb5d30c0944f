"""Every number names its cells, and its tests are those of scipy."""

import csv
import io
import json

import numpy as np
import pytest
from scipy import stats
from study_oracle import PROTOCOL, oracle, values_of

from modules.study import cells
from modules.study.cells import Split
from pipeline.reports.study import csv_files, layout
from pipeline.reports.study.tables.adaptation import table_3
from pipeline.reports.study.tables.systems import table_2


def test_every_number_of_a_fold_traces_to_one_file(whole):
    built = [table_2(whole, PROTOCOL), table_3(whole, PROTOCOL)]
    frame = values_of(whole, *built)
    single = frame[(frame.measure == "uar") & (frame.fold != "")]
    # Six systems over three targets, five folds and two seeds.
    assert len(single) == (3 + 1 + 2 * 4) * 3 * 10
    for row in single.sample(40, random_state=0).itertuples():
        key = row.cells.split()[0]
        record = json.loads((whole.store.folder / "cells" / f"{key}.json").read_text())
        cell = cells.from_json(record["cell"])
        assert cell.split == Split.outer(int(row.fold))
        assert row.value == pytest.approx(oracle(whole, cell, row.target), abs=1e-6)
    listed = {row["cell"] for row in csv.DictReader(io.StringIO(csv_files.cells_csv(whole)))}
    assert set(" ".join(frame.cells).split()) <= listed


def test_significance_is_that_of_scipy_over_folds(whole):
    table = table_3(whole, PROTOCOL)
    frame = values_of(whole, table)

    def folds(target, column):
        own = frame[(frame.target == target) & (frame.column == column)]
        own = own[(own.measure == "uar") & (own.fold != "")]
        return own.groupby("fold").value.mean().to_numpy()

    for target in whole.design.targets:
        reference = folds(target, "TT")
        corrected = {}
        for column in (column.key for column in table.columns[1:]):
            own = frame[(frame.target == target) & (frame.column == column)].set_index("measure")
            values = folds(target, column)
            p = stats.ttest_rel(values, reference).pvalue
            assert own.value["p, paired t-test"] == pytest.approx(p, abs=1e-5)
            # Nadeau & Bengio: the variance of five folds counts 1/5 + 1/4 instead of 1/5.
            t = stats.ttest_rel(values, reference).statistic * np.sqrt(0.2 / 0.45)
            corrected[column] = 2 * stats.t.sf(abs(t), 4)
            assert own.value["p, corrected t-test"] == pytest.approx(corrected[column], abs=1e-5)
            entry = next(
                row for row in table.rows if row.kind == "own" and row.target == target
            ).entries[column]
            assert ("*" in layout.marks(entry)) == (p <= 0.05)
        reached = 0.0
        for rank, column in enumerate(sorted(corrected, key=corrected.__getitem__)):
            reached = max(reached, min(1.0, corrected[column] * (len(corrected) - rank)))
            own = frame[(frame.target == target) & (frame.column == column)].set_index("measure")
            assert own.value["p, corrected t-test, Holm"] == pytest.approx(reached, abs=1e-5)
