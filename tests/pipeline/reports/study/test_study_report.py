"""The study's tables and pages, against scikit-learn, scipy and pandas on the same records."""

import csv
import io
import json
import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from fabricated_study import clips, design, fill, study, thinned
from scipy import stats
from sklearn.metrics import balanced_accuracy_score

from corpora.manifest import Manifest
from corpora.summary import summarise
from modules.study import cells
from modules.study.cells import Split
from modules.study.store import Store
from pipeline.reports.study import figures, formats, layout, paper, report, series, tables, verdicts
from pipeline.reports.study.results import Results
from schemas.errors import UserError
from schemas.labels import EMOTIONS
from schemas.utterance import Utterance

PROTOCOL = "speaker_independent"
SMALL = ("emodb", "urdu")
DOMAINS = ("emodb", "emovo", "urdu")


def _tuned_well(cell) -> float:
    """Fine-tuning helps, A2 most; everything else is weak."""
    if isinstance(cell, cells.FineTuning):
        return 3.0 if cell.approach == "A2" else 1.5
    return 0.5


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Three domains, all tables, two seeds, three approaches and `auto`; nothing is missing."""
    store, own, plan = study(
        tmp_path_factory.mktemp("store"),
        *DOMAINS,
        skill=_tuned_well,
        approaches=("A1", "A2", "A6", "auto"),
        seeds=(0, 1),
    )
    return Results(store, own, plan)


def _oracle(results: Results, cell, target: str) -> float:
    """UAR by scikit-learn, from the cell's file."""
    record = json.loads((results.store.folder / "cells" / f"{cells.key(cell)}.json").read_text())
    labels = pd.Series(results.clips.labels, index=results.clips.utterance_ids)
    domains = pd.Series(results.clips.domains, index=results.clips.utterance_ids)
    scores = pd.DataFrame(record["scores"], index=record["tested"], columns=range(len(EMOTIONS)))
    scores = scores[domains[scores.index] == target]
    allowed = sorted(labels[domains == target].unique())
    return balanced_accuracy_score(labels[scores.index], scores[allowed].idxmax(axis=1))


def _mean(results: Results, cell_of, target: str) -> float:
    plan = results.design
    return np.mean(
        [
            _oracle(results, cell_of(Split.outer(fold), seed), target)
            for fold in plan.folds
            for seed in plan.seeds
        ]
    )


def _row(table: layout.Table, name: str) -> layout.Row:
    return next(row for row in table.rows if row.name == name)


def _values(results: Results, *found: layout.Table) -> pd.DataFrame:
    return pd.read_csv(io.StringIO(formats.values_csv(results, found)), keep_default_na=False)


def test_table_3_is_training_on_target_and_relative_gains(whole):
    plan = whole.design
    table = tables.table_3(whole, PROTOCOL)
    expected = {"TT": [], "S1-A1": [], "S1-A2": [], "S2-A6": []}
    for target in plan.targets:
        baseline = _mean(
            whole,
            lambda split, seed, t=target: plan.on_target(PROTOCOL, split, seed, target=t),
            target,
        )
        expected["TT"].append(baseline)
        for scenario, approach in (("S1", "A1"), ("S1", "A2"), ("S2", "A6")):

            def cell_of(split, seed, t=target, s=scenario, a=approach):
                parent = plan.source(PROTOCOL, split, seed, scenario=s, target=t)
                return plan.adapted(parent, target=t, approach=a)

            uar = _mean(whole, cell_of, target)
            expected[f"{scenario}-{approach}"].append((uar - baseline) / baseline)
    own = [row for row in table.rows if row.kind == "own"]
    assert [row.target for row in own] == list(plan.targets)
    for column, values in expected.items():
        assert [row.entries[column].value for row in own] == pytest.approx(values)
        frame = pd.Series(values)
        assert _row(table, "average").entries[column].value == pytest.approx(frame.mean())
        spread = _row(table, "standard deviation").entries[column].value
        assert spread == pytest.approx(frame.std())


def test_the_papers_rows_stand_where_the_domain_is_the_papers(whole):
    table = tables.table_3(whole, PROTOCOL)
    printed = [row.target for row in table.rows if row.kind == "paper" and row.target]
    assert printed == ["emodb", "emovo"]
    row = next(row for row in table.rows if row.kind == "paper" and row.target == "emovo")
    assert [row.entries[key].value for key in ("TT", "S1-A1", "S2-A2")] == [0.518, -0.095, 0.093]
    # The abstract's 7.3%.
    average = _row(table, "paper, average of its six")
    assert layout.shown(average, table.columns[2]) == "+.073"


def test_table_2_4_and_5_take_the_cells_of_the_design(whole):
    plan = whole.design
    second, fourth, fifth = (
        build(whole, PROTOCOL) for build in (tables.table_2, tables.table_4, tables.table_5)
    )
    urdu = _row(second, "URDU").entries
    for name, cell_of in (
        ("SVM-IS", lambda split, seed: plan.svm(PROTOCOL, split, seed)),
        ("CNN", lambda split, seed: plan.cnn(PROTOCOL, split, seed)),
        ("CNN+LSTM", lambda split, seed: plan.pretraining(PROTOCOL, split, seed)),
    ):
        assert urdu[name].value == pytest.approx(_mean(whole, cell_of, "urdu"))

    def left_out(split, seed):
        parent = plan.pretraining(PROTOCOL, split, seed, without="emovo")
        return plan.adapted(parent, target="urdu", approach="A6")

    row = next(row for row in fourth.rows if row.target == "urdu" and row.name == "without EMOVO")
    assert row.entries["A6"].value == pytest.approx(_mean(whole, left_out, "urdu"))
    # Three targets: all in, and two others left out.
    assert len(fourth.rows) == 9
    assert "auto" not in {column.key for column in fourth.columns}

    svm = _mean(
        whole,
        lambda split, seed: plan.adaptive_svm(PROTOCOL, split, seed, target="urdu"),
        "urdu",
    )
    entries = _row(fifth, "URDU").entries
    assert entries["Adaptive SVM"].value == pytest.approx(svm)
    assert entries["gain"].value == pytest.approx((entries["S1-A2"].value - svm) / svm)


def test_every_number_of_a_fold_traces_to_one_file(whole):
    built = [tables.table_2(whole, PROTOCOL), tables.table_3(whole, PROTOCOL)]
    frame = _values(whole, *built)
    single = frame[(frame.measure == "uar") & (frame.fold != "")]
    # Six systems over three targets, five folds and two seeds.
    assert len(single) == (3 + 1 + 2 * 4) * 3 * 10
    for row in single.sample(40, random_state=0).itertuples():
        key = row.cells.split()[0]
        record = json.loads((whole.store.folder / "cells" / f"{key}.json").read_text())
        cell = cells.from_json(record["cell"])
        assert cell.split == Split.outer(int(row.fold))
        assert row.value == pytest.approx(_oracle(whole, cell, row.target), abs=1e-6)
    listed = {row["cell"] for row in csv.DictReader(io.StringIO(formats.cells_csv(whole)))}
    assert set(" ".join(frame.cells).split()) <= listed


def test_significance_is_that_of_scipy_over_folds(whole):
    table = tables.table_3(whole, PROTOCOL)
    frame = _values(whole, table)

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


def test_bold_is_the_best_gain_over_both_scenarios(whole):
    table = tables.table_3(whole, PROTOCOL)
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
    table = tables.table_3(results, PROTOCOL)
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
    table = tables.table_3(results, PROTOCOL)
    # TT 10, S1: A1 5 and A2 10, S2: A2 10; its A1 is, of two domains, the other one's TT.
    assert (table.missing, table.planned) == (1, 35)
    assert table.notes[0].startswith("1 of 35 cells are missing")
    column = next(column for column in table.columns if column.key == "S1-A2")
    texts = {row.name: layout.shown(row, column) for row in table.rows if row.kind != "paper"}
    assert texts["URDU"] == texts["average"] == texts["standard deviation"] == "–"
    assert re.fullmatch(r"[+−]\.\d{3}", texts["Emo-DB"])
    frame = _values(results, table)
    own_rows = frame[(frame.target == "urdu") & (frame.column == "S1-A2")]
    assert sorted(own_rows.fold.astype(int)) == [0, 1, 2, 4]
    first, *_ = verdicts.verdicts(results, PROTOCOL)
    assert first.answer == "open"


def test_an_empty_store_gives_a_page_that_says_so(tmp_path):
    store = Store(tmp_path / "store", identity={})
    written = report.write(
        store,
        clips(*SMALL),
        design(*SMALL),
        tmp_path / "out",
        title="Nothing yet",
        synthetic=False,
        command="ser study",
    )
    page = Page((tmp_path / "out" / "study.html").read_text(encoding="utf-8"))
    assert "Not finished" in page.text
    assert "No fine-tuning has a result yet" in page.text
    assert not [path for path in written if path.suffix == ".svg"]
    assert (tmp_path / "out" / "values.csv").read_text().count("\n") < 200


def test_a_class_without_test_clips_is_left_out_and_told(tmp_path):
    own = clips("emodb", "urdu")
    fear = EMOTIONS.index("fear")
    gone = (own.domains == "urdu") & (own.labels == fear) & (own.folds["random"] == 2)
    assert gone.any()
    own = thinned(own, ~gone)
    plan = design("emodb", "urdu", protocols=("random",), tables=(2,))
    store = Store(tmp_path, identity={})
    fill(store, own, plan.plan())
    results = Results(store, own, plan)
    table = tables.table_2(results, "random")
    assert "URDU, fold 2: no test clip of fear; UAR over the other 5." in table.notes
    assert any(note.startswith("Emo-DB has no clip of surprise") for note in table.notes)
    measured = _row(table, "URDU").entries["CNN"].series.values[2, 0]
    expected = _oracle(results, plan.cnn("random", Split.outer(2), 0), "urdu")
    assert measured.uar == pytest.approx(expected)


def test_predictions_are_of_the_targets_classes_only(whole):
    found = series.on_target(whole, PROTOCOL, "emodb")
    assert found.confusion()[:, EMOTIONS.index("surprise")].sum() == 0


def test_leakage_is_random_minus_speaker_independent(whole):
    plan = whole.design
    table = tables.leakage(whole)
    leaky, honest = (
        _mean(
            whole,
            lambda split, seed, p=protocol: plan.on_target(p, split, seed, target="urdu"),
            "urdu",
        )
        for protocol in ("random", PROTOCOL)
    )
    assert _row(table, "URDU").entries["TT"].value == pytest.approx(leaky - honest)
    assert any(note.startswith("TT, over all targets and folds: ") for note in table.notes)
    assert len(set(table.notes)) == len(table.notes)


def test_a_leak_is_found_with_its_interval(tmp_path):
    store, own, plan = study(
        tmp_path, *SMALL, skill=lambda cell: 3.0 if cell.protocol == "random" else 0.5, tables=(2,)
    )
    results = Results(store, own, plan)
    frame = _values(results, tables.leakage(results)).set_index(["target", "column", "measure"])
    lower, upper = (
        frame.value["urdu", "CNN+LSTM, all domains", f"difference, pooled, 95% {limit}"]
        for limit in ("lower", "upper")
    )
    assert 0.0 < lower < frame.value["urdu", "CNN+LSTM, all domains", "difference"] < upper


@pytest.mark.parametrize(
    ("tuned", "alone", "answer"), [(4.0, 0.0, "yes"), (0.0, 4.0, "no"), (1.0, 1.0, None)]
)
def test_verdicts_follow_the_numbers(tmp_path, tuned, alone, answer):
    def skill(cell):
        return tuned if isinstance(cell, cells.FineTuning) else alone

    store, own, plan = study(
        tmp_path,
        *SMALL,
        skill=skill,
        protocols=(PROTOCOL,),
        approaches=("A2", "A6"),
        scenarios=("S1",),
        tables=(3, 5),
    )
    found = verdicts.verdicts(Results(store, own, plan), PROTOCOL)
    assert len(found) == 3
    for verdict in found[:2]:
        # Equal skill: whatever the sign of the average, chance is not taken for proof.
        assert verdict.answer in ([answer] if answer else ["no", "not shown"])
    assert "+7.3%" in found[0].words
    assert "of 2 targets" in found[2].words


def test_a_clear_difference_of_best_approaches_is_seen(tmp_path):
    def skill(cell):
        best = {"emodb": "A2", "urdu": "A6"}
        if isinstance(cell, cells.FineTuning):
            return 9.0 if cell.approach == best[cell.target] else 1.0
        return 1.0

    store, own, plan = study(
        tmp_path,
        *SMALL,
        skill=skill,
        protocols=(PROTOCOL,),
        approaches=("A2", "A6"),
        scenarios=("S1",),
        tables=(3,),
    )
    _, differs = verdicts.verdicts(Results(store, own, plan), PROTOCOL)
    assert differs.answer == "yes"
    assert "Emo-DB S1-A2" in differs.words
    assert "URDU S1-A6" in differs.words


class Page(HTMLParser):
    """A parsed page: its text, the tables as rows of cell texts, and what it would fetch."""

    def __init__(self, text: str):
        super().__init__()
        self.open: list[str] = []
        self.pieces: list[str] = []
        self.rows: list[list[str]] = []
        self.sources: list[str] = []
        self.ids: set[str] = set()
        self.links: set[str] = set()
        self.feed(text)
        self.close()
        assert not self.open, f"unclosed: {self.open}"
        self.text = " ".join(" ".join(self.pieces).split())

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        if "src" in values:
            self.sources.append(values["src"])
        if "href" in values:
            self.links.add(values["href"])
        if "id" in values:
            assert values["id"] not in self.ids, f"twice: {values['id']}"
            self.ids.add(values["id"])
        if tag not in ("meta", "img", "br"):
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.pieces.append(data)
            if "td" in self.open or "th" in self.open:
                self.rows[-1][-1] += data.strip()


def _utterance(domain: str, number: int) -> Utterance:
    return Utterance(
        utterance_id=f"{domain}/{number}",
        path=f"/corpora/{domain}/{number}.wav",
        domain=domain,
        speaker=f"{domain}-{number % 3}",
        emotion=EMOTIONS[number % 5],
        language="de",
        gender="",
        elicitation="acted",
        start_s=0.0,
        end_s=2.0,
        sample_rate_hz=16_000,
        duration_s=2.0,
        sha256=f"{number:064x}",
        fold_random=0,
        fold_speaker_independent=0,
    )


@pytest.fixture(scope="module")
def written(whole, tmp_path_factory):
    out = tmp_path_factory.mktemp("out")
    paths = report.write(
        whole.store,
        whole.clips,
        whole.design,
        out,
        title="A study & more",
        synthetic=True,
        command="ser study --config a.yaml",
        corpora_summary=summarise(
            Manifest.of(_utterance("emodb", number) for number in range(25)), over_length="drop"
        ),
    )
    return out, paths


def test_the_page_is_whole_and_fetches_nothing(written, whole):
    out, paths = written
    assert all(path.stat().st_size for path in paths)
    page = Page((out / "study.html").read_text(encoding="utf-8"))
    assert page.sources
    assert all(source.startswith("data:image/svg+xml") for source in page.sources)
    assert {link.lstrip("#") for link in page.links} <= page.ids
    assert "The recordings are synthetic speech." in page.text
    assert "A study & more" in page.text
    # What Table 3 holds stands on the page, marks behind the numbers.
    table = tables.table_3(whole, PROTOCOL)
    row = _row(table, "URDU")
    for panel in table.panels:
        texts = [
            layout.shown(row, column) + layout.marks(row.entries[column.key])
            for column in table.panel(panel)
        ]
        assert ["URDU", *texts] in page.rows
    # Table 1, by hand: 25 clips, five of each of five emotions, and the paper's row.
    assert [
        *("Emo-DB", "German", "acted", "16 kHz", "3", "25"),
        *("5", "5", "5", "5", "5", "0"),
    ] in page.rows
    assert any(row[:2] == ["paper", "German"] and row[5] == "287" for row in page.rows)


def test_every_fine_tuning_is_proven(written):
    out, _ = written
    page = Page((out / "study.html").read_text(encoding="utf-8"))
    rows = {row[0]: row for row in page.rows if row and row[0] in ("A2", "A6")}
    assert set(rows) == {"A2", "A6"}
    assert rows["A6"][1] == "conv1"
    assert all(re.fullmatch(r"(\d+) of \1", row[-1].replace(",", "")) for row in rows.values())


def test_a_frozen_layer_that_moved_shows(tmp_path):
    store, own, plan = study(
        tmp_path, *SMALL, protocols=(PROTOCOL,), approaches=("A6",), tables=(3,), scenarios=("S1",)
    )
    parent = plan.pretraining(PROTOCOL, Split.outer(0), 0)
    cell = plan.adapted(parent, target="urdu", approach="A6")
    file = tmp_path / "cells" / f"{cells.key(cell)}.json"
    record = json.loads(file.read_text())
    record["weight_hashes"]["conv1"] = "moved"
    file.write_text(json.dumps(record))
    out = tmp_path / "out"
    report.write(store, own, plan, out, title="t", synthetic=False, command="c")
    page = Page((out / "study.html").read_text(encoding="utf-8"))
    assert next(row for row in page.rows if row[0] == "A6")[-1] == "9 of 10"
    assert "synthetic" not in page.text


def test_markdown_holds_the_tables_and_links_its_figures(written, whole):
    out, _ = written
    text = (out / "study.md").read_text(encoding="utf-8")
    assert text.startswith("# A study & more\n\n> **The recordings are synthetic speech.**")
    for link in re.findall(r"\]\((.+?)\)", text):
        assert (out / link).stat().st_size
    for block in re.findall(r"(?:^\|.*\n)+", text, flags=re.MULTILINE):
        assert len({line.count("|") for line in block.splitlines()}) == 1
    row = _row(tables.table_5(whole, PROTOCOL), "URDU")
    assert f"| **{layout.number(row.entries['S1-A2'].value, 'uar')}** |" in text
    assert "protocol" not in text.lower() or "speaker-independent folds" in text


def test_latex_is_balanced_and_every_row_has_all_columns(written):
    text = (written[0] / "study.tex").read_text(encoding="utf-8")
    assert text.startswith("% The recordings are synthetic speech.")
    text.encode("latin-1")
    bare = text.replace(r"\{", "").replace(r"\}", "")
    assert bare.count("{") == bare.count("}")
    assert text.count(r"\begin{tabular}") == text.count(r"\end{tabular}") > 5
    for head, body in re.findall(r"\\begin\{tabular\}\{(\w+)\}(.*?)\\end\{tabular\}", text, re.S):
        rows = [line for line in body.splitlines() if line.endswith(r"\\")]
        assert rows
        assert {len(re.findall(r"(?<!\\)&", line)) + 1 for line in rows} == {len(head)}


def test_the_same_store_gives_the_same_files(written, whole, tmp_path):
    again = report.write(
        whole.store,
        whole.clips,
        whole.design,
        tmp_path,
        title="A study & more",
        synthetic=True,
        command="ser study --config a.yaml",
    )
    for path in again:
        # The page carries its date; Table 1 was not asked for here.
        if path.suffix in (".svg", ".csv"):
            earlier = (written[0] / path.relative_to(tmp_path)).read_bytes()
            if path.name == "values.csv":
                assert earlier.decode() == path.read_bytes().decode()
            else:
                assert earlier == path.read_bytes()


def test_a_subset_of_tables_and_folds_is_enough(tmp_path):
    store, own, plan = study(
        tmp_path / "store",
        *DOMAINS,
        tables=(4,),
        targets=("urdu",),
        folds=(1,),
        protocols=(PROTOCOL,),
        approaches=("A1", "A5"),
    )
    report.write(store, own, plan, tmp_path / "out", title="t", synthetic=False, command="c")
    page = Page((tmp_path / "out" / "study.html").read_text(encoding="utf-8"))
    assert "do not speak to the paper's claims" in page.text
    assert "Only 1 of five folds" in page.text
    assert "none left out" not in page.text
    assert not tables.table_4(Results(store, own, plan), PROTOCOL).missing


def _features(folder, names, features) -> None:
    np.savez(folder / figures.FEATURES, utterance_ids=names, features=features)


def test_the_map_of_features_is_drawn_if_they_are_there(tmp_path):
    store = Store(tmp_path, identity={})
    results = Results(store, clips("urdu", clips_per_class=4), design("urdu"))
    assert not figures.embedding(results).svg
    assert "Not drawn" in figures.embedding(results).caption
    names = results.clips.utterance_ids
    _features(tmp_path, names, np.random.default_rng(0).normal(size=(24, 30)).astype("f4"))
    first, second = figures.embedding(results), figures.embedding(results)
    assert first.svg.startswith(b"<?xml")
    assert first.svg == second.svg
    _features(tmp_path, names[:3], np.zeros((3, 30), "f4"))
    assert "too few" in figures.embedding(results).caption


def test_clusters_of_features_stay_clusters():
    random = np.random.default_rng(0)
    groups = np.repeat([0, 1], 30)
    features = random.normal(size=(60, 100)) + 8.0 * groups[:, None]
    places = figures.project(features, seed=0)
    centres = np.array([places[groups == group].mean(axis=0) for group in (0, 1)])
    nearest = np.linalg.norm(places[:, None] - centres, axis=2).argmin(axis=1)
    assert (nearest == groups).all()


def test_features_of_other_clips_or_shapes_are_refused(tmp_path):
    results = Results(
        Store(tmp_path, identity={}), clips("urdu", clips_per_class=4), design("urdu")
    )
    _features(tmp_path, ["other/1"] * 5, np.zeros((5, 3), "f4"))
    with pytest.raises(UserError, match="other/1"):
        figures.embedding(results)
    _features(tmp_path, results.clips.utterance_ids, np.zeros((5, 3), "f4"))
    with pytest.raises(UserError, match="one row is needed"):
        figures.embedding(results)
    (tmp_path / figures.FEATURES).write_bytes(b"broken")
    with pytest.raises(UserError, match=figures.FEATURES):
        figures.embedding(results)


def test_a_store_of_other_clips_is_refused(tmp_path):
    store, own, plan = study(tmp_path, *SMALL, tables=(2,))
    few = thinned(own, np.arange(len(own.labels)) % 7 > 0)
    with pytest.raises(UserError, match="not among the study's clips"):
        tables.table_2(Results(store, few, plan), PROTOCOL)


def test_the_papers_numbers_are_complete():
    assert set(paper.TABLE_2) == set(paper.TT)
    # Table 3's best columns as the paper names them: A2 under S1 on average.
    averages = {
        (scenario, approach): paper.average_gain(scenario, approach)[0]
        for scenario in ("S1", "S2")
        for approach in ("A1", "A2", "A3", "A4", "A5", "A6", "A7", "A8")
    }
    assert max(averages, key=averages.__getitem__) == ("S1", "A2")
