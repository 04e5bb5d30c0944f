"""The page as a whole: everything in it, nothing fetched, whatever became of the run."""

import dataclasses
import subprocess
import sys
from pathlib import Path

import fabricated_run
import numpy as np
import pytest
from fabricated_run import node, run, with_model
from html_page import Page

from pipeline.reports.release import report
from pipeline.reports.release.results import ModelResult
from schemas.signatures import MULTI_DOMAIN


def test_write_returns_the_file_it_made(tmp_path):
    path = tmp_path / "new" / "report.html"
    assert report.write(run(), path) == path
    assert Page(path.read_text(encoding="utf-8")).text.count("release") > 2


def test_nothing_comes_from_outside(page):
    for tag, attributes in page.elements:
        assert tag not in ("script", "link", "iframe", "object")
        for name in ("src", "href", "srcset", "data"):
            assert (attributes.get(name) or "#").startswith(("data:image/", "#")), (tag, attributes)
    policy = [a["content"] for _, a in page.elements if a.get("http-equiv")]
    assert policy[0].startswith("default-src 'none'")


def test_every_link_has_its_target(page):
    assert len(page.links) > 8
    assert {link[1:] for link in page.links} <= page.ids


def test_head_names_the_run(page):
    for words in (
        "release",
        "2026-07-01 12:30",
        "protocol speaker-independent folds",
        "test fold 0",
        "network waveform fast",
        "seed 0",
        "emotions anger, disgust, fear, happiness, sadness, surprise",
        "2 of 3 models pushed",
    ):
        assert words in page.text


def test_the_same_run_gives_the_same_page():
    results = dataclasses.replace(run(), models=run().models[:1])
    first, second = (fabricated_run.text(results, drawn=True) for _ in range(2))
    assert first == second


def test_banner_only_for_synthetic_speech(page):
    sentence = "The recordings are synthetic speech from espeak-ng"
    assert sentence not in page.text
    synthetic = fabricated_run.page(run(config=fabricated_run.config(synthetic=True))).text
    assert sentence in synthetic
    assert "They say nothing about recognition quality on people" in synthetic
    assert synthetic.index(sentence) < synthetic.index("Summary")


def test_random_folds_come_with_a_warning(page):
    warning = "the speakers of the test fold were also trained on"
    assert warning not in page.text
    shown = fabricated_run.page(run(config=fabricated_run.config(protocol="random")))
    assert warning in shown.text


def test_markup_in_ids_is_escaped(page):
    assert "emovo/<script>alert(1)</script>" in page.text
    assert '/data/"><img src=http://x.test/a.png>.wav' in page.text
    assert not any(tag == "script" for tag, _ in page.elements)


def test_configuration_and_commands(page):
    assert "min_uar: 0.3" in page.text
    assert "ser run --config 'out/my release/config.yaml'" in page.text
    assert "ser serve --root 'out/my release/serving'" in page.text
    assert "ser predict recording.wav --root 'out/my release/serving' --model emodb" in page.text


def test_a_run_that_failed_at_once():
    nodes = [node("AudioExampleGen", "failed", error="OSError: disk full")]
    for name, needs in (
        ("ExampleValidator", ("AudioExampleGen",)),
        ("Evaluator.multi-domain", ("ExampleValidator",)),
        ("Evaluator.emodb", ("AudioExampleGen", "ExampleValidator")),
    ):
        nodes.append(node(name, "not reached", needs=needs))
    lost = [
        ModelResult(
            name=name,
            training=None,
            pretraining=None,
            slices={},
            baseline_uar={},
            blessed=None,
            faults=(),
            pushed_to=None,
        )
        for name in (MULTI_DOMAIN, "emodb")
    ]
    page = fabricated_run.page(run(nodes=tuple(nodes), models=tuple(lost), found={}, not_used=()))
    assert page.text.count("AudioExampleGen failed: OSError: disk full") == 4
    assert page.rows("Evaluator.emodb")[0][3] == "needs AudioExampleGen, ExampleValidator"
    assert "There is no account of the recordings" in page.text
    assert "Not looked for: ExampleValidator did not finish" in page.text
    assert not page.images()
    fabricated_run.page(run(nodes=(), models=(), found={}, not_used=()))


def test_a_long_error_is_cut_but_kept():
    error = "RuntimeError: " + "x" * 400 + "\nTraceback: worker 3"
    page = fabricated_run.page(run(nodes=(node("Transform", "failed", error=error),)))
    [row] = page.rows("Transform", "failed")
    assert row[3].startswith("RuntimeError: " + "x" * 286 + "…the whole error")
    assert row[3].endswith("Traceback: worker 3")
    assert "out/my release/logs/pipeline.log" in page.text


def test_nan_is_a_dash():
    nothing = fabricated_run.slice_of(np.zeros((6, 6)))
    page = fabricated_run.page(with_model(run(), 1, slices={(("domain", "emodb"),): nothing}))
    [row] = [row for row in page.rows("emodb") if len(row) > 8]
    assert (row[3], row[5]) == ("–", "––")
    assert "nan" not in page.text.lower()


@pytest.mark.parametrize("module", ["report", "results", "terminal"])
def test_importing_the_report_loads_no_tensorflow(module):
    code = (
        f"import sys, pipeline.reports.release.{module};"
        " print([m for m in ('tensorflow', 'tfx') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[4],
    )
    assert done.stdout.strip() == "[]"
