"""A study's report from its store alone: the committed results come out as they were written."""

import hashlib
import lzma
import re
import tarfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from fabricated_study import clips, design, study

from cli.main import main
from modules.study import clips as study_clips
from modules.study.store import Store
from modules.training.settings import Settings
from pipeline.reports.study import stored
from schemas.errors import UserError
from schemas.labels import LabelSet

RESULTS = Path(__file__).parents[4] / "docs" / "results" / "transfer-study"


def _tables(markdown: str) -> list[str]:
    """Returns the sections of tables, without Table 1, which no store knows."""
    sections = re.split(r"^(?=###? )", markdown, flags=re.MULTILINE)
    return [
        re.split(r"^!\[", section, flags=re.MULTILINE)[0]
        for section in sections
        if re.match(r"### (Table [2-5]|What leakage)", section)
    ]


def _committed_values(folder: Path) -> bytes:
    file = folder / "values.csv"
    return (
        file.read_bytes()
        if file.exists()
        else lzma.decompress((folder / "values.csv.xz").read_bytes())
    )


def test_committed_cells_of_the_encoder_give_the_committed_tables(tmp_path):
    folder, store, out = RESULTS / "whisper" / "one-seed", tmp_path / "store", tmp_path / "out"
    store.mkdir()
    with tarfile.open(folder / "cells.tar.xz") as archive:
        archive.extractall(store)
    arguments = ["--from-store", str(store), "--beyond", "cross_corpus", "--output", str(out)]
    assert main(["study", *arguments]) == 0
    assert (out / "tables" / "values.csv").read_bytes() == _committed_values(folder)
    committed = _tables((folder / "study.md").read_text(encoding="utf-8"))
    assert len(committed) == 9
    assert _tables((out / "tables" / "study.md").read_text(encoding="utf-8")) == committed


def test_committed_averages_over_seeds_are_those_of_the_committed_values():
    folder = RESULTS / "whisper"
    values = pd.read_csv(folder / "values.csv.xz", low_memory=False)
    study = (folder / "study.md").read_text(encoding="utf-8")
    of_folds = values[(values.measure == "uar") & values.fold.notna() & values.target.notna()]
    for protocol, heading in (
        ("random", "## Tables, random folds"),
        ("speaker_independent", "## Tables, speaker-independent folds"),
    ):
        section = study.split(heading)[1].split("\n## ")[0]
        table = section.split("### Table 5")[1].split("### ")[0]
        own = of_folds[of_folds.table == f"table-5-{protocol}"]
        own = own[own.column.isin(["Adaptive SVM", "S1-A2"])]
        means = own.groupby(["row", "column"]).value.mean().unstack()
        counts = own.groupby(["row", "column"]).value.count()
        # Five folds of three seeds each.
        assert set(counts) == {15}
        for target, row in means.iterrows():
            shown = f"| {target} | {row['Adaptive SVM']:.3f} | **{row['S1-A2']:.3f}** |"
            assert shown.replace("0.", ".") in table


# SHA-256 of the cells.csv that came with the results when they were made, which had no columns of
# features and of clips per class yet.
@pytest.mark.parametrize(
    ("folder", "cells_csv"),
    [
        (RESULTS, "47960ecf2fdb7c6b987d672c3a9887d30a4d2c1e4d5ef5a838db6b2de62d968e"),
        (
            RESULTS / "four-corpora",
            "773123538897a3412e65c99371ed46d1f17f51f0e1953c61e283799cb9619010",
        ),
    ],
    ids=["three", "four"],
)
def test_committed_cells_give_the_committed_tables(folder, cells_csv, tmp_path, capsys):
    store, out = tmp_path / "store", tmp_path / "out"
    store.mkdir()
    with tarfile.open(folder / "cells.tar.xz") as archive:
        archive.extractall(store)
    assert main(["study", "--from-store", str(store), "--output", str(out)]) == 0
    assert str(out / "tables" / "study.html") in capsys.readouterr().out
    assert (out / "tables" / "values.csv").read_bytes() == _committed_values(folder)
    rows = pd.read_csv(out / "tables" / "cells.csv", dtype=str, keep_default_na=False)
    machines = rows.kind.isin(["svm", "adaptive_svm"])
    assert (rows.features == np.where(machines, "is10", "")).all()
    assert (rows.clips_per_class == "").all()
    content = rows.drop(columns=["features", "clips_per_class"]).to_csv(index=False)
    assert hashlib.sha256(content.encode()).hexdigest() == cells_csv
    written = (out / "tables" / "study.md").read_text(encoding="utf-8")
    committed = _tables((folder / "study.md").read_text(encoding="utf-8"))
    assert committed
    assert _tables(written) == committed
    assert "tells neither the corpora (Table 1) nor whether the speech is synthetic" in written
    assert f"ser study --from-store {store}" in written


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"tables": (2,)},
        {"tables": (3,), "scenarios": ("S1",), "approaches": ("A1", "A4")},
        {"tables": (3,), "scenarios": ("S2",), "approaches": ("A1", "A2", "A7")},
        {"tables": (3, 5), "scenarios": ("S2",), "approaches": ("A1", "A2", "A7")},
        {"tables": (4,), "targets": ("urdu",), "approaches": ("A1", "A2")},
        {"tables": (3,), "approaches": ("A1", "A2", "A2-L2SP", "auto"), "folds": (0, 3)},
        {"protocols": ("random",), "seeds": (0, 1), "approaches": ("A1", "A5")},
        {"baselines": ("is10",)},
        {"baselines": ("is10", "functionals")},
    ],
    ids=lambda changes: "-".join(changes) or "whole",
)
def test_the_design_is_read_from_the_cells(changes):
    plan = design(
        "emodb",
        "emovo",
        "urdu",
        **{
            "protocols": ("random", "speaker_independent"),
            "pretrain": Settings(epochs=7, shift_s=0.1),
            "scratch": Settings(epochs=5),
            "fine_tune": Settings(epochs=3),
            **changes,
        },
    )
    found = stored.design_of(plan.plan(), clips("emodb", "emovo", "urdu"), source="store")
    assert set(found.plan()) >= set(plan.plan())
    for name in ("domains", "targets", "protocols", "folds", "seeds", "tables"):
        assert getattr(found, name) == getattr(plan, name), name
    if {2, 5} & set(plan.tables):
        assert found.baselines == plan.baselines
    if 3 in plan.tables:
        assert (found.scenarios, found.approaches) == (plan.scenarios, plan.approaches)
        assert (found.pretrain, found.scratch) == (plan.pretrain, plan.scratch)
    if set(plan.tables) != {2}:
        assert found.fine_tune == plan.fine_tune
    assert found.network == plan.network


def _stored(folder, *domains, **changes):
    store, own, plan = study(folder, *domains, **changes)
    study_clips.save(own, folder)
    return store, own, plan


def test_two_domains_and_a_label_set_of_its_own(tmp_path):
    _stored(
        tmp_path / "store",
        "emodb",
        "urdu",
        label_set=LabelSet.parse("anger,sadness,neutral,rude"),
        scratch=Settings(epochs=9),
        approaches=("A1", "A2"),
        protocols=("random",),
    )
    written = stored.write(
        tmp_path / "store", tmp_path / "out", synthetic=True, command="ser study"
    )
    text = (tmp_path / "out" / "study.md").read_text(encoding="utf-8")
    assert text.count("> **The recordings are synthetic speech.**") == 1
    assert "TT: 9 epochs" in text
    assert "cells are missing" not in text
    assert "Emo-DB has no clip of rude: left out of its UAR, and never chosen." in text
    assert all(path.stat().st_size for path in written)


def test_two_settings_in_a_store_are_named(tmp_path):
    _stored(tmp_path, "emodb", "urdu", tables=(3,), approaches=("A1", "A2"))
    study(tmp_path, "emodb", "urdu", tables=(3,), approaches=("A2",), fine_tune=Settings(epochs=9))
    with pytest.raises(UserError, match=r"2 settings of fine-tuning.*without --from-store"):
        stored.write(tmp_path, tmp_path / "out", synthetic=False, command="c")


def test_what_is_no_store_is_refused(tmp_path, capsys):
    with pytest.raises(UserError, match=r"is no store of a study, it has no store\.json"):
        stored.write(tmp_path / "none", tmp_path / "out", synthetic=False, command="c")
    assert not (tmp_path / "none").exists()
    _stored(tmp_path / "empty", "emodb", tables=())
    with pytest.raises(UserError, match="holds no results yet"):
        stored.write(tmp_path / "empty", tmp_path / "out", synthetic=False, command="c")
    (tmp_path / "empty" / "clips.json").write_text("{")
    with pytest.raises(UserError, match="is broken"):
        stored.write(tmp_path / "empty", tmp_path / "out", synthetic=False, command="c")
    Store(tmp_path / "other", identity={})
    with pytest.raises(UserError, match=r"has no clips\.csv"):
        stored.write(tmp_path / "other", tmp_path / "out", synthetic=False, command="c")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--tables", "3"], "--tables cannot stand beside --from-store"),
        (["--set", "fine_tune.epochs=3"], "--set fine_tune.epochs cannot stand"),
        (["--plan"], "--plan cannot stand"),
        (["--set", "synthetic=3"], "--set synthetic=3: must be true or false"),
    ],
)
def test_what_a_store_cannot_give_is_not_asked_of_it(tmp_path, capsys, words, message):
    assert main(["study", "--from-store", str(tmp_path), *words]) == 2
    assert message in capsys.readouterr().err
