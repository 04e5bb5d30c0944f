"""The page and the files beside it."""

import json
import re

from fabricated_study import clips, design, study
from html_page import Page
from study_oracle import DOMAINS, PROTOCOL, SMALL, row_of

from modules.study import cells
from modules.study.cells import Split
from modules.study.store import Store
from pipeline.reports.study import layout, report
from pipeline.reports.study.results import Results
from pipeline.reports.study.tables.adaptation import table_3
from pipeline.reports.study.tables.adaptive_svm import table_5
from pipeline.reports.study.tables.sources import table_4
from schemas.words import bare


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


def test_the_page_is_whole_and_fetches_nothing(written, whole):
    out, paths = written
    assert all(path.stat().st_size for path in paths)
    page = Page((out / "study.html").read_text(encoding="utf-8"))
    assert page.images()
    assert all(image["src"].startswith("data:image/svg+xml") for image in page.images())
    assert page.fetches_nothing()
    assert {link.lstrip("#") for link in page.links} <= page.ids
    assert "The recordings are synthetic speech." in page.text
    assert "A study & more" in page.text
    # What Table 3 holds stands on the page, marks behind the numbers.
    table = table_3(whole, PROTOCOL)
    row = row_of(table, "URDU")
    for panel in table.panels:
        texts = [
            layout.shown(row, column) + layout.marks(row.entries[column.key])
            for column in table.panel(panel)
        ]
        assert ["URDU", *texts] in page.rows()
    # Table 1, by hand: 25 clips, five of each of five emotions, and the paper's row.
    assert [
        *("Emo-DB", "German", "acted", "16 kHz", "3", "25"),
        *("5", "5", "5", "5", "5", "0"),
    ] in page.rows()
    assert any(row[:2] == ["paper", "German"] and row[5] == "287" for row in page.rows())


def test_every_fine_tuning_is_proven(written):
    out, _ = written
    page = Page((out / "study.html").read_text(encoding="utf-8"))
    rows = {row[0]: row for row in page.rows() if row and row[0] in ("A2", "A6")}
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
    assert next(row for row in page.rows() if row[0] == "A6")[-1] == "9 of 10"
    assert "synthetic" not in page.text


def test_markdown_holds_the_tables_and_links_its_figures(written, whole):
    out, _ = written
    text = (out / "study.md").read_text(encoding="utf-8")
    assert text.startswith("# A study & more\n\n> **The recordings are synthetic speech.**")
    for link in re.findall(r"\]\((.+?)\)", text):
        assert (out / link).stat().st_size
    for block in re.findall(r"(?:^\|.*\n)+", text, flags=re.MULTILINE):
        assert len({line.count("|") for line in block.splitlines()}) == 1
    row = row_of(table_5(whole, PROTOCOL), "URDU")
    assert f"| **{bare(row.entries['S1-A2'].value)}** |" in text
    assert "protocol" not in text.lower() or "speaker-independent folds" in text


def test_latex_is_balanced_and_every_row_has_all_columns(written):
    text = (written[0] / "study.tex").read_text(encoding="utf-8")
    assert text.startswith("% The recordings are synthetic speech.")
    text.encode("latin-1")
    unescaped = text.replace(r"\{", "").replace(r"\}", "")
    assert unescaped.count("{") == unescaped.count("}")
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
    assert not table_4(Results(store, own, plan), PROTOCOL).missing
