"""The tables of a study, against scikit-learn on the same records."""

import dataclasses
import re

import pandas as pd
import pytest
from fabricated_study import clips, design, fill, study, thinned
from study_oracle import PROTOCOL, SMALL, mean_uar, oracle, row_of, values_of

from modules.study.cells import Split
from modules.study.store import Store
from pipeline.reports.study import layout, verdicts
from pipeline.reports.study.results import Results
from pipeline.reports.study.tables.adaptation import table_3
from pipeline.reports.study.tables.adaptive_svm import table_5
from pipeline.reports.study.tables.leakage import leakage
from pipeline.reports.study.tables.sources import table_4
from pipeline.reports.study.tables.systems import table_2
from schemas.labels import PAPER


def test_table_3_is_training_on_target_and_relative_gains(whole):
    plan = whole.design
    table = table_3(whole, PROTOCOL)
    expected: dict[str, list[float]] = {"TT": [], "S1-A1": [], "S1-A2": [], "S2-A6": []}
    for target in plan.targets:
        baseline = mean_uar(
            whole,
            lambda split, seed, t=target: plan.on_target(PROTOCOL, split, seed, target=t),
            target,
        )
        expected["TT"].append(baseline)
        for scenario, approach in (("S1", "A1"), ("S1", "A2"), ("S2", "A6")):

            def cell_of(split, seed, t=target, s=scenario, a=approach):
                parent = plan.source(PROTOCOL, split, seed, scenario=s, target=t)
                return plan.adapted(parent, target=t, approach=a)

            uar = mean_uar(whole, cell_of, target)
            expected[f"{scenario}-{approach}"].append((uar - baseline) / baseline)
    own = [row for row in table.rows if row.kind == "own"]
    assert [row.target for row in own] == list(plan.targets)
    for column, values in expected.items():
        assert [row.entries[column].value for row in own] == pytest.approx(values)
        frame = pd.Series(values)
        assert row_of(table, "average").entries[column].value == pytest.approx(frame.mean())
        spread = row_of(table, "standard deviation").entries[column].value
        assert spread == pytest.approx(frame.std())


def test_the_papers_rows_stand_where_the_domain_is_the_papers(whole):
    table = table_3(whole, PROTOCOL)
    printed = [row.target for row in table.rows if row.kind == "paper" and row.target]
    assert printed == ["emodb", "emovo"]
    row = next(row for row in table.rows if row.kind == "paper" and row.target == "emovo")
    assert [row.entries[key].value for key in ("TT", "S1-A1", "S2-A2")] == [0.518, -0.095, 0.093]
    # The abstract's 7.3%.
    average = row_of(table, "paper, average of its six")
    assert layout.shown(average, table.columns[2]) == "+.073"


def test_table_2_4_and_5_take_the_cells_of_the_design(whole):
    plan = whole.design
    second, fourth, fifth = (build(whole, PROTOCOL) for build in (table_2, table_4, table_5))
    urdu = row_of(second, "URDU").entries
    for name, cell_of in (
        ("SVM", lambda split, seed: plan.svm(PROTOCOL, split, seed, features="functionals")),
        ("CNN", lambda split, seed: plan.cnn(PROTOCOL, split, seed)),
        ("CNN+LSTM", lambda split, seed: plan.pretraining(PROTOCOL, split, seed)),
    ):
        assert urdu[name].value == pytest.approx(mean_uar(whole, cell_of, "urdu"))

    def left_out(split, seed):
        parent = plan.pretraining(PROTOCOL, split, seed, without="emovo")
        return plan.adapted(parent, target="urdu", approach="A6")

    row = next(row for row in fourth.rows if row.target == "urdu" and row.name == "without EMOVO")
    assert row.entries["A6"].value == pytest.approx(mean_uar(whole, left_out, "urdu"))
    # Three targets: all in, and two others left out.
    assert len(fourth.rows) == 9
    assert "auto" not in {column.key for column in fourth.columns}

    svm = mean_uar(
        whole,
        lambda split, seed: plan.adaptive_svm(PROTOCOL, split, seed, target="urdu"),
        "urdu",
    )
    entries = row_of(fifth, "URDU").entries
    assert entries["Adaptive SVM"].value == pytest.approx(svm)
    assert entries["gain"].value == pytest.approx((entries["S1-A2"].value - svm) / svm)


def test_machines_on_both_features_stand_side_by_side(tmp_path):
    store, own, plan = study(
        tmp_path, *SMALL, tables=(2, 5), baselines=("is10", "functionals"), protocols=(PROTOCOL,)
    )
    results = Results(store, own, plan)
    table = table_2(results, PROTOCOL)
    assert [column.key for column in table.columns] == ["SVM-IS", "SVM", "CNN", "CNN+LSTM"]
    for name, features in (("SVM-IS", "is10"), ("SVM", "functionals")):

        def cell_of(split, seed, features=features):
            return plan.svm(PROTOCOL, split, seed, features=features)

        expected = mean_uar(results, cell_of, "urdu")
        assert row_of(table, "URDU").entries[name].value == pytest.approx(expected)
    # The paper has one SVM.
    paper = row_of(table, "paper").entries
    assert (paper["SVM-IS"].value, layout.shown(row_of(table, "paper"), table.columns[1])) == (
        0.645,
        "–",
    )
    # Table 5 tells its features where they are not the paper's.
    assert not any("features" in note for note in table_5(results, PROTOCOL).notes)
    changed = dataclasses.replace(plan, baselines=("functionals",))
    notes = table_5(Results(store, own, changed), PROTOCOL).notes
    assert any(note.startswith("Adaptive SVM's features: 1,") for note in notes)


def test_bold_is_the_best_gain_over_both_scenarios(whole):
    table = table_3(whole, PROTOCOL)
    for row in (row for row in table.rows if row.kind in ("own", "average")):
        gains = {c.key: round(row.entries[c.key].value, 3) for c in table.columns[1:]}
        best = {key for key, value in gains.items() if value == max(gains.values())}
        assert {key for key, entry in row.entries.items() if entry.best} == best
        assert not row.entries["TT"].best


def test_auto_is_chosen_on_the_inner_split_and_judged_on_the_outer_fold(tmp_path):
    def skill(cell):
        # On inner splits A6 is perfect; on outer ones it is useless.
        if getattr(cell, "approach", "") == "A6":
            return 50.0 if len(cell.split.train) == 3 else -50.0
        return 1.0

    store, own, plan = study(
        tmp_path, *SMALL, skill=skill, approaches=("A2", "A6", "auto"), protocols=(PROTOCOL,)
    )
    results = Results(store, own, plan)
    series = results.auto(PROTOCOL, "urdu", "S1")
    assert series.choices == {"A6": 5}
    # With the true class always last, none is right.
    assert series.mean == 0.0
    table = table_3(results, PROTOCOL)
    assert any("Emo-DB A6 5×; URDU A6 5×" in note for note in table.notes)


def test_missing_cells_show_as_missing_and_spoil_nothing_else(tmp_path):
    plan = design(*SMALL, protocols=(PROTOCOL,), approaches=("A1", "A2"))
    parent = plan.pretraining(PROTOCOL, Split.outer(3), 0)
    absent = plan.adapted(parent, target="urdu", approach="A2")
    store, own, plan = study(
        tmp_path,
        *SMALL,
        without=[absent],
        protocols=(PROTOCOL,),
        approaches=("A1", "A2"),
    )
    results = Results(store, own, plan)
    table = table_3(results, PROTOCOL)
    # TT 10, S1: A1 5 and A2 10, S2: A2 10; its A1 is, of two domains, the other one's TT.
    assert (table.missing, table.planned) == (1, 35)
    assert table.notes[0].startswith("1 of 35 cells are missing")
    column = next(column for column in table.columns if column.key == "S1-A2")
    texts = {row.name: layout.shown(row, column) for row in table.rows if row.kind != "paper"}
    assert texts["URDU"] == texts["average"] == texts["standard deviation"] == "–"
    assert re.fullmatch(r"[+−]\.\d{3}", texts["Emo-DB"])
    frame = values_of(results, table)
    own_rows = frame[(frame.target == "urdu") & (frame.column == "S1-A2")]
    assert sorted(own_rows.fold.astype(int)) == [0, 1, 2, 4]
    first, *_ = verdicts.verdicts(results, PROTOCOL)
    assert first.answer == "open"


def test_a_class_without_test_clips_is_left_out_and_told(tmp_path):
    own = clips("emodb", "urdu")
    fear = PAPER.index("fear")
    gone = (own.domains == "urdu") & (own.labels == fear) & (own.folds["random"] == 2)
    assert gone.any()
    own = thinned(own, ~gone)
    plan = design("emodb", "urdu", protocols=("random",), tables=(2,))
    store = Store(tmp_path, identity={})
    fill(store, own, plan.plan())
    results = Results(store, own, plan)
    table = table_2(results, "random")
    assert "URDU, fold 2: no test clip of fear; UAR over the other 5." in table.notes
    assert any(note.startswith("Emo-DB has no clip of surprise") for note in table.notes)
    measured = row_of(table, "URDU").entries["CNN"].series.values[2, 0]
    expected = oracle(results, plan.cnn("random", Split.outer(2), 0), "urdu")
    assert measured.uar == pytest.approx(expected)


def test_leakage_is_random_minus_speaker_independent(whole):
    plan = whole.design
    table = leakage(whole)
    leaky, honest = (
        mean_uar(
            whole,
            lambda split, seed, p=protocol: plan.on_target(p, split, seed, target="urdu"),
            "urdu",
        )
        for protocol in ("random", PROTOCOL)
    )
    assert row_of(table, "URDU").entries["TT"].value == pytest.approx(leaky - honest)
    assert any(note.startswith("TT, over all targets and folds: ") for note in table.notes)
    assert len(set(table.notes)) == len(table.notes)


def test_a_leak_is_found_with_its_interval(tmp_path):
    store, own, plan = study(
        tmp_path, *SMALL, skill=lambda cell: 3.0 if cell.protocol == "random" else 0.5, tables=(2,)
    )
    results = Results(store, own, plan)
    frame = values_of(results, leakage(results)).set_index(["target", "column", "measure"])
    lower, upper = (
        frame.value["urdu", "CNN+LSTM, all domains", f"difference, pooled, 95% {limit}"]
        for limit in ("lower", "upper")
    )
    assert 0.0 < lower < frame.value["urdu", "CNN+LSTM, all domains", "difference"] < upper
