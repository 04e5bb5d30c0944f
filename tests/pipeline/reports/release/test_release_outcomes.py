"""What was pushed, what was not, and why."""

import dataclasses

import fabricated_run
from fabricated_run import node, run

from pipeline.reports.release.outcomes import failures_behind


def test_a_model_kept_back_says_why(page):
    assert "Kept back: uar 0.291 on domain emovo is below its threshold 0.300." in page.text
    assert "Asked of it: UAR of at least 0.300 on emovo, and at most 0.050 below" in page.text
    assert "on emodb, and at most 0.050 below the last blessed model. " in page.text
    assert "on emovo, and at most 0.050 below the last blessed model (there was none)." in page.text
    assert "UAR of at least 0.300 on emodb and emovo" in page.text


def test_a_cached_push_is_not_called_new():
    nodes = tuple(dataclasses.replace(each, status="cached") for each in run().nodes)
    text = fabricated_run.page(run(nodes=nodes)).text
    assert "an earlier run pushed it as version 1700000002; that version stays" in text


def test_blessed_but_not_pushed_names_the_fault():
    nodes = tuple(
        dataclasses.replace(each, status="failed", error="OSError: read-only")
        if each.node_id == "Pusher.emodb"
        else each
        for each in run().nodes
    )
    results = fabricated_run.with_model(run(nodes=nodes), 1, pushed_to=None)
    assert results.models[1].status == "failed"
    text = fabricated_run.page(results).text
    assert (
        "Blessed, but not pushed: a step behind that failed. Pusher.emodb failed: OSError:"
        " read-only"
    ) in text


def test_failures_are_found_through_all_that_was_not_reached():
    first, second = node("A", "failed", error="a"), node("B", "failed", error="b")
    between = node("C", "not reached", needs=("A",))
    last = node("D.x", "not reached", needs=("B", "C"))
    fine = node("E", "executed")
    nodes = (first, second, between, last, fine)
    assert failures_behind(last, nodes) == [second, first]
    assert failures_behind(fine, nodes) == []
