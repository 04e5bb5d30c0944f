"""What is read from a store."""

import dataclasses
import json

import numpy as np
import pytest
from fabricated_study import study, thinned
from study_oracle import PROTOCOL, SMALL

from modules.study.cells import Split, key
from pipeline.reports.study import series
from pipeline.reports.study.results import Results
from pipeline.reports.study.tables.systems import table_2
from schemas.errors import UserError
from schemas.labels import PAPER, LabelSet


def test_predictions_are_of_the_targets_classes_only(whole):
    found = series.on_target(whole, PROTOCOL, "emodb")
    assert found.confusion()[:, PAPER.index("surprise")].sum() == 0


def test_a_store_of_other_clips_is_refused(tmp_path):
    store, own, plan = study(tmp_path, *SMALL, tables=(2,))
    few = thinned(own, np.arange(len(own.labels)) % 7 > 0)
    with pytest.raises(UserError, match="not among the study's clips"):
        table_2(Results(store, few, plan), PROTOCOL)


def test_cells_of_a_larger_label_set_serve_and_of_a_smaller_one_are_refused(tmp_path):
    larger = LabelSet.parse("paper+neutral")
    store, own, plan = study(tmp_path / "store", *SMALL, tables=(2,), label_set=larger)
    few = thinned(own, own.labels < len(PAPER))
    results = Results(store, few, plan)
    cell = plan.cnn(PROTOCOL, Split.outer(0), 0)
    with pytest.raises(UserError, match="not among the study's clips"):
        results.measure(cell, "urdu")
    other = dataclasses.replace(own, label_set=LabelSet((*larger.labels[:-1], "calm")))
    with pytest.raises(UserError, match=r"knows no calm.*another label set"):
        Results(store, other, plan).measure(cell, "urdu")
    # The order of a cell's outputs is its own.
    file = tmp_path / "store" / "cells" / f"{key(cell)}.json"
    record = json.loads(file.read_text())
    expected = Results(store, own, plan).measure(cell, "urdu")
    record["emotions"] = record["emotions"][::-1]
    record["scores"] = [scores[::-1] for scores in record["scores"]]
    file.write_text(json.dumps(record))
    measured = Results(store, own, plan).measure(cell, "urdu")
    assert (measured.confusion == expected.confusion).all()
    assert measured.confusion.shape == (7, 7)
