"""The cross-corpus matrix and the learning curves, against scikit-learn on the same records."""

import dataclasses
import re

import numpy as np
import pytest
from fabricated_study import clips, design, study
from html_page import Page
from scipy import stats
from study_oracle import DOMAINS, PROTOCOL, mean_uar, row_of, values_of

from cli.main import main
from modules.study import cells
from modules.study import clips as study_clips
from modules.training.settings import Settings
from pipeline.reports.study import layout, report, stored
from pipeline.reports.study.figures import catalogue
from pipeline.reports.study.results import Results
from pipeline.reports.study.tables.catalogue import all_tables
from pipeline.reports.study.tables.cross_corpus import ALL_OTHERS, cross_corpus
from pipeline.reports.study.tables.few_clips import few_clips
from schemas.words import bare

CURVES = {"emodb": (5, 10), "emovo": (5, 10, 50), "urdu": (5, 10, 50)}


def _skill(cell):
    """What was pre-trained does well with few clips; alone, the more the better."""
    if isinstance(cell, cells.FineTuning):
        return 3.0
    return 0.2 + 0.02 * (cell.clips_per_class or 30)


@pytest.fixture(scope="module")
def beyond(tmp_path_factory):
    """Two seeds of the matrix and the curves, without any of the paper's tables."""
    folder = tmp_path_factory.mktemp("beyond")
    store, own, plan = study(
        folder,
        *DOMAINS,
        skill=_skill,
        tables=(),
        cross_corpus=True,
        clips_per_class=CURVES,
        protocols=(PROTOCOL,),
        seeds=(0, 1),
        pretrain=Settings(epochs=7),
        scratch=Settings(epochs=5),
        fine_tune=Settings(epochs=3),
    )
    study_clips.save(own, folder)
    return Results(store, own, plan)


def test_the_matrix_holds_each_network_on_each_domain(beyond):
    plan, table = beyond.design, cross_corpus(beyond, PROTOCOL)
    assert not table.missing
    for target in plan.targets:
        entries = row_of(table, layout.display(target)).entries
        assert list(entries) == [*DOMAINS, ALL_OTHERS]
        for source in DOMAINS:

            def alone(split, seed, source=source):
                return plan.on_target(PROTOCOL, split, seed, target=source)

            assert entries[source].value == pytest.approx(mean_uar(beyond, alone, target))

        def others(split, seed, target=target):
            return plan.pretraining(PROTOCOL, split, seed, without=target)

        assert entries[ALL_OTHERS].value == pytest.approx(mean_uar(beyond, others, target))
        # The diagonal is TT, with which the others are compared.
        assert entries[target].comparison is None
        assert all(
            (entry.reference is None) == (key == target) and not (entry.best and key == target)
            for key, entry in entries.items()
        )


def test_a_network_never_answers_what_its_corpus_lacks(beyond):
    surprise = beyond.label_set.index("surprise")
    series = row_of(cross_corpus(beyond, PROTOCOL), "URDU").entries["emodb"].series
    assert not series.confusion()[:, surprise].any()
    # It is counted nonetheless.
    assert series.confusion()[surprise].sum() == 2 * 20


def test_the_averages_leave_the_diagonal_out(beyond):
    table = cross_corpus(beyond, PROTOCOL)
    values = np.array([[row.entries[name].value for name in DOMAINS] for row in table.rows])
    single = values[~np.eye(3, dtype=bool)].mean()
    expected = f"target {bare(np.trace(values) / 3)}, on one other corpus {bare(single)},"
    assert any(expected in note for note in table.notes)


def test_curves_are_uars_on_the_same_clips_and_their_ratio(beyond):
    plan, table = beyond.design, few_clips(beyond, PROTOCOL)
    assert not table.missing
    assert table.panels == ["5 clips a class", "10 clips a class", "50 clips a class"]
    ratios = []
    for target, counts in CURVES.items():
        entries = row_of(table, layout.display(target)).entries
        for count in counts:
            arguments = {"target": target, "clips_per_class": count}
            alone, adapted = (
                mean_uar(
                    beyond,
                    lambda split, seed, of=of, a=arguments: of(PROTOCOL, split, seed, **a),
                    target,
                )
                for of in (plan.few_alone, plan.few_adapted)
            )
            assert entries[f"{count}-alone"].value == pytest.approx(alone)
            assert entries[f"{count}-S2-A2"].value == pytest.approx(adapted)
            assert entries[f"{count}-ratio"].value == pytest.approx(adapted / alone)
            if count == 5:
                ratios.append(adapted / alone)
    average = row_of(table, "average").entries
    assert average["5-ratio"].value == pytest.approx(np.mean(ratios))
    panel = table.panel("5 clips a class")
    assert layout.shown(row_of(table, "average"), panel[-1]) == f"{np.mean(ratios):.2f}"
    # Emo-DB has no 50 of any class, and with it there is no average.
    assert np.isnan(average["50-ratio"].value)
    assert any("Emo-DB: no class has 50 clips" in note for note in table.notes)
    assert any(note.startswith("50 clips a class (2 targets), UAR") for note in table.notes)


def test_the_ratios_test_is_that_of_scipy_over_folds(beyond):
    frame = values_of(beyond, few_clips(beyond, PROTOCOL))
    frame = frame[frame.target == "urdu"]

    def folds(column):
        own = frame[(frame.column == column) & (frame.measure == "uar") & (frame.fold != "")]
        return own.groupby("fold").value.mean().to_numpy()

    own = frame[frame.column == "5-ratio"].drop_duplicates("measure").set_index("measure").value
    p = stats.ttest_rel(folds("5-S2-A2"), folds("5-alone")).pvalue
    assert own["p, paired t-test"] == pytest.approx(p, abs=1e-5)
    assert own["ratio"] == pytest.approx(
        folds("5-S2-A2").mean() / folds("5-alone").mean(), abs=1e-5
    )
    assert 1 < own["ratio, pooled, 95% lower"] < own["ratio, pooled"]
    assert own["ratio, pooled"] < own["ratio, pooled, 95% upper"]


def test_a_target_without_a_curve_has_no_row(beyond):
    design = dataclasses.replace(beyond.design, clips_per_class={"urdu": (5,)})
    table = few_clips(Results(beyond.store, beyond.clips, design), PROTOCOL)
    assert [row.name for row in table.rows] == ["URDU"]
    assert "Emo-DB: no class has 5 clips in its training folds; left out." in table.notes


def test_figures_are_small_and_have_a_panel_for_each_target(beyond):
    matrix, curves = catalogue.plots(beyond, PROTOCOL)
    assert (matrix.slug, curves.slug) == (f"cross-corpus-{PROTOCOL}", f"few-clips-{PROTOCOL}")
    words = [
        re.findall(r"<text[^>]*>(.*?)</text>", plot.svg.decode(), flags=re.DOTALL)
        for plot in (matrix, curves)
    ]
    for plot in (matrix, curves):
        assert len(plot.svg) < 300 * 1024
    row = row_of(cross_corpus(beyond, PROTOCOL), "URDU")
    assert {bare(entry.value) for entry in row.entries.values()} <= set(words[0])
    assert {"Emo-DB", "EMOVO", "URDU", "average", "clips a class"} <= set(words[1])


def test_missing_cells_leave_the_rest(tmp_path):
    plan = design(*DOMAINS, tables=(), clips_per_class=CURVES, protocols=(PROTOCOL,))
    absent = next(
        cell
        for cell in plan.plan()
        if isinstance(cell, cells.FineTuning)
        and cell.target == "urdu"
        and cell.clips_per_class == 5
    )
    store, own, plan = study(
        tmp_path,
        *DOMAINS,
        without=[absent],
        tables=(),
        clips_per_class=CURVES,
        protocols=(PROTOCOL,),
    )
    results = Results(store, own, plan)
    table = few_clips(results, PROTOCOL)
    assert table.missing == 1
    shown = {
        row.name: layout.shown(row, table.panel("5 clips a class")[-1])
        for row in table.rows
        if row.kind == "own"
    }
    assert shown["URDU"] == "–"
    assert re.fullmatch(r"\d\.\d\d", shown["EMOVO"])
    assert all(plot.svg for plot in catalogue.plots(results, PROTOCOL))


def test_a_study_without_tables_has_its_page(beyond, tmp_path):
    written = report.write(
        beyond.store,
        beyond.clips,
        beyond.design,
        tmp_path,
        title="t",
        synthetic=False,
        command="c",
    )
    assert {path.suffix for path in written} == {".html", ".md", ".tex", ".csv", ".svg"}
    page = Page((tmp_path / "study.html").read_text(encoding="utf-8"))
    assert "do not speak to the paper's claims" in page.text
    assert "TT: 5 epochs" in page.text
    assert "What leakage was worth" not in page.text
    text = (tmp_path / "study.md").read_text(encoding="utf-8")
    assert text.count("### ") == 2
    tex = (tmp_path / "study.tex").read_text(encoding="utf-8")
    tex.encode("latin-1")
    # The matrix, and a tabular for each number of clips.
    assert tex.count(r"\begin{tabular}") == tex.count(r"\end{tabular}") == 4
    # Its store alone gives the same.
    stored.write(beyond.store.folder, tmp_path / "again", synthetic=False, command="c")
    for name in ("study.tex", "values.csv", "cells.csv", f"figures/few-clips-{PROTOCOL}.svg"):
        assert (tmp_path / "again" / name).read_bytes() == (tmp_path / name).read_bytes()
    # Every number names its cells.
    tables = all_tables(beyond, None)
    assert set(values_of(beyond, *tables).table) == {
        f"table-cross-corpus-{PROTOCOL}",
        f"table-few-clips-{PROTOCOL}",
    }


@pytest.mark.parametrize(
    "changes",
    [
        {"tables": (), "cross_corpus": True},
        {"tables": (), "cross_corpus": True, "targets": ("urdu",)},
        {"tables": (), "clips_per_class": {"urdu": (5, 25)}, "targets": ("urdu",)},
        {"tables": (), "clips_per_class": CURVES, "cross_corpus": True, "seeds": (0, 1)},
        {"tables": (2, 3, 4, 5), "clips_per_class": CURVES},
        {
            "tables": (3,),
            "scenarios": ("S1",),
            "approaches": ("A1", "A4"),
            "clips_per_class": CURVES,
        },
        {"tables": (5,), "clips_per_class": CURVES},
    ],
    ids=str,
)
def test_the_design_is_read_from_the_cells(changes):
    plan = design(
        *DOMAINS,
        **{
            "protocols": (PROTOCOL,),
            "pretrain": Settings(epochs=7),
            "scratch": Settings(epochs=5),
            "fine_tune": Settings(epochs=3),
            **changes,
        },
    )
    found = stored.design_of(plan.plan(), clips(*DOMAINS), source="store")
    assert set(found.plan()) == set(plan.plan())
    for name in ("targets", "tables", "seeds", "cross_corpus", "clips_per_class", "scratch"):
        if name != "scratch" or set(plan.tables) != {5}:
            assert getattr(found, name) == getattr(plan, name), name
    if 3 in plan.tables:
        assert (found.scenarios, found.approaches) == (plan.scenarios, plan.approaches)


def test_the_matrix_of_a_store_of_other_tables_is_asked_for(tmp_path, capsys):
    store, own, _ = study(
        tmp_path / "store", *DOMAINS, tables=(3,), approaches=("A1", "A2"), protocols=(PROTOCOL,)
    )
    study_clips.save(own, store.folder)
    words = ["study", "--from-store", str(store.folder), "--output", str(tmp_path / "out")]
    text = tmp_path / "out" / "tables" / "study.md"
    assert main(words) == 0
    assert "tested on another" not in text.read_text(encoding="utf-8")
    assert main([*words, "--beyond", "cross_corpus"]) == 0
    shown = text.read_text(encoding="utf-8")
    assert "### Trained on one corpus, tested on another" in shown
    assert "cells are missing" not in shown
    assert f"ser study --from-store {store.folder} --beyond cross_corpus" in shown
    assert main([*words, "--beyond", "matrix"]) == 2
    assert "matrix is none of cross_corpus, learning_curves" in capsys.readouterr().err
