"""The summary shows the figures that were measured, side by side."""

import base64
import io

import fabricated_run
import numpy as np
from fabricated_run import EMODB, EMODB_ADAPTED, EMOVO, EMOVO_ADAPTED, node, run, slice_of
from rich.console import Console

from components.adaptation_gate.comparison import Comparison, Measured
from pipeline.reports.release import terminal


def test_summary_shows_the_figures_given(page):
    [row] = [row for row in page.rows("emodb") if len(row) > 8]
    common, own = slice_of(EMODB), slice_of(EMODB_ADAPTED)
    assert row[1:7] == [
        f"{own.clips}",
        f"{common.uar:.3f}",
        f"{own.uar:.3f}",
        f"{own.uar - common.uar:+.3f}",
        f"{own.uar:.3f}{own.uar_lower:.3f} to {own.uar_upper:.3f}",
        f"{own.uar - 0.5:+.3f}",
    ]
    assert "A4, S1conv1 and conv2 frozen; lstm and dense tuned; pre-trained with" in row[7]
    assert row[8] == "surprise"
    assert row[9] == "pushed version 1700000002"
    [average] = page.rows("average")
    adapted = [own.uar, slice_of(EMOVO_ADAPTED).uar]
    commons = [common.uar, slice_of(EMOVO).uar]
    assert average[2:6] == [
        f"{sum(commons) / 2:.3f}",
        "",
        f"{(sum(adapted) - sum(commons)) / 2:+.3f}",
        f"{sum(adapted) / 2:.3f}",
    ]
    assert f"its UAR is {slice_of(EMODB + EMOVO).uar:.3f}" in page.text


def test_plots_are_there_with_words_for_those_who_cannot_see_them(page):
    images = page.images()
    # UAR per domain, three models' curves, and those of the pre-training without emovo.
    assert len(images) == 5
    for image in images:
        kind, _, data = image["src"].partition(",")
        assert kind == "data:image/svg+xml;base64"
        assert b"<svg" in base64.b64decode(data)
    uar = images[0]["alt"]
    assert f"emodb: multi-domain {slice_of(EMODB).uar:.3f}" in uar
    assert "chance 0.200; emovo" in uar
    assert uar.endswith("chance 0.167.")
    assert "12 epochs" in images[1]["alt"]


def test_a_domain_that_failed_leaves_the_others():
    nodes = (
        *(each for each in run().nodes if each.node_id not in ("Evaluator.emovo", "Pusher.emovo")),
        node("Trainer.emovo", "failed", error="ResourceError: <no> memory"),
        node("Evaluator.emovo", "not reached", needs=("Trainer.emovo",)),
    )
    results = fabricated_run.with_model(
        run(nodes=nodes), 2, training=None, slices={}, blessed=None, faults=(), pushed_to=None
    )
    page = fabricated_run.page(results)
    assert "Not evaluated: a step before it failed." in page.text
    assert "Trainer.emovo failed: ResourceError: <no> memory" in page.text
    assert "Not trained: there is no record of a training." in page.text
    assert page.rows("average of 1")
    assert f"{slice_of(EMOVO).uar:.3f}" in page.rows("emovo")[0]
    # From the configuration, as there is no record of what was done.
    assert "A8, S2" in page.rows("emovo")[0][7]
    assert len(page.images()) == 4


def test_labels_without_test_clips_are_told():
    matrix = EMODB_ADAPTED.copy()
    matrix[0] = 0
    slices = {(("domain", "emodb"),): slice_of(matrix)}
    page = fabricated_run.page(fabricated_run.with_model(run(), 1, slices=slices))
    [row] = [row for row in page.rows("emodb") if len(row) > 8]
    assert row[8] == "surprisenone in the test fold: anger"
    assert np.isfinite(slice_of(matrix).uar)


def test_the_terminal_shows_the_same_figures():
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(terminal.table(run()))
    shown = console.export_text()
    own = slice_of(EMODB_ADAPTED)
    [row] = [line for line in shown.splitlines() if "emodb" in line]
    for words in (
        f"{own.clips} ",
        f"{slice_of(EMODB).uar:.3f}",
        f"{own.uar:.3f}",
        f"{own.uar_lower:.3f} to {own.uar_upper:.3f}",
        "S1 A4",
        "pushed as version 1700000002",
    ):
        assert words in row
    assert "kept back: uar 0.291 on domain emovo is below its threshold 0.300" in shown
    assert "multi-domain model pushed as version 1700000001" in shown
    average = (own.uar + slice_of(EMOVO_ADAPTED).uar) / 2
    assert f"{average:.3f}" in next(line for line in shown.splitlines() if "average" in line)


def _compared(served, adapted_uar, common_uar, low, high):
    return Comparison(
        domain="emodb",
        served=served,
        adapted=Measured(uar=adapted_uar, members=(0.4, 0.5, 0.45)),
        multi_domain=Measured(uar=common_uar, members=(common_uar,)),
        difference=adapted_uar - common_uar,
        low=low,
        high=high,
        resampled="speakers",
        clips=74,
        speakers=5,
    )


def test_a_gain_is_told_with_its_interval_and_what_repeats_differ():
    found = _compared("adapted", 0.5, 0.41, -0.02, 0.21)
    page = fabricated_run.page(fabricated_run.with_model(run(), 1, comparison=found))
    [row] = [row for row in page.rows("emodb") if len(row) > 8]
    assert row[3] == "0.500alone: 0.400 to 0.500"
    assert row[4] == "+0.090−0.020 to +0.210 over speakers"
    assert "Adapting made it worse" not in page.text


def test_a_domain_that_serves_the_multi_domain_network_says_why():
    found = _compared("multi-domain", 0.4, 0.52, -0.2, -0.04)
    results = fabricated_run.with_model(run(), 1, comparison=found)
    page = fabricated_run.page(results)
    assert (
        "Adapting made it worse: on the same 74 clips the adapted network has UAR 0.400, the"
        " multi-domain network 0.520 (difference −0.120, 95% interval −0.200 to −0.040, resampling"
        " speakers)."
    ) in page.text
    [row] = [row for row in page.rows("emodb") if len(row) > 8]
    assert row[4] == "−0.120−0.200 to −0.040 over speakers"
    assert row[9] == "pushed version 1700000002, with the multi-domain network"
    console = Console(width=250, record=True, file=io.StringIO())
    console.print(terminal.table(results))
    [line] = [line for line in console.export_text().splitlines() if "emodb" in line]
    assert "0.400" in line
