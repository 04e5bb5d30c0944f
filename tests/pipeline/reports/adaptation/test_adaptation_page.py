"""The page and the terminal's summary of an adaptation, against the findings they show."""

import dataclasses
import datetime
import math
from pathlib import Path

import pytest
from html_page import Page
from rich.console import Console

from modules.adaptation.curve import CurvePoint
from modules.adaptation.findings import (
    Answer,
    ClassFinding,
    Figure,
    Findings,
    FoldFinding,
    Forgotten,
    Lineage,
    Verdict,
)
from pipeline.config import AdaptationConfig
from pipeline.reports.adaptation import report, terminal
from pipeline.reports.adaptation.results import AdaptationResults
from pipeline.runners.results import NodeResult

FOUND = Findings(
    domain="calls",
    labels=("anger", "fear"),
    by_speaker=True,
    resampled="speakers",
    speakers={"ann": 3, "bob <b>": 3, "cem": 2},
    asked="auto",
    approach="A2",
    choice={"A1": 0.5, "A2": 0.75},
    zero_shot=Figure(value=0.611, low=0.512, high=0.713),
    zero_shot_impossible="",
    adapted=Figure(value=0.822, low=0.721, high=0.923),
    scratch=Figure(value=0.433, low=0.331, high=0.534),
    difference=Figure(value=0.211, low=-0.114, high=0.315),
    over_scratch=Figure(value=0.389, low=0.116, high=0.517),
    member_uars=(0.818, 0.819),
    repeat_uars=(0.822,),
    classes=(
        ClassFinding(
            label="anger", clips=4, zero_shot=0.7, adapted=0.75, scratch=0.4, answers=(3, 1)
        ),
        ClassFinding(
            label="fear", clips=4, zero_shot=0.5, adapted=0.9, scratch=0.41, answers=(0, 4)
        ),
    ),
    folds=(
        FoldFinding(
            fold=0,
            clips=3,
            speakers=("ann",),
            approach="A2",
            choice={"A1": 0.5, "A2": 0.6},
            zero_shot=0.601,
            adapted=0.801,
        ),
        FoldFinding(
            fold=3,
            clips=5,
            speakers=("bob <b>", "cem"),
            approach="A8",
            choice={"A1": 0.5, "A2": 0.6},
            zero_shot=0.602,
            adapted=0.802,
        ),
    ),
    curve=(
        CurvePoint(clips_a_class=5, all_clips=False, adapted=(0.6, 0.7), scratch=(0.4, 0.5)),
        CurvePoint(clips_a_class=12.4, all_clips=True, adapted=(0.8,), scratch=(0.64,)),
    ),
    curve_approach="A2",
    forgotten=(
        Forgotten(
            domain="emodb",
            clips=75,
            speakers=2,
            base=0.863,
            adapted=0.795,
            difference=Figure(value=-0.068, low=math.nan, high=math.nan),
        ),
        Forgotten(domain="urdu", clips=55, speakers=8, base=0.9, adapted=None, difference=None),
    ),
    forgetting_impossible="",
    verdict=Verdict(served="adapted", pushed=True, reason="the adapted network is better"),
    lineage=Lineage(
        base="release/pretrain 00",
        folder="/release/model/6",
        record_digest="cafe" * 16,
        base_clips={"emodb": 300},
        fates={"conv1": "frozen", "dense": "tuned"},
        before={"conv1": "a" * 64, "dense": "b" * 64},
        after={"conv1": "a" * 64, "dense": "c" * 64},
    ),
    answers=tuple(
        Answer(
            utterance_id=f"calls/{number}",
            speaker="ann",
            fold=0,
            label="anger",
            zero_shot="anger",
            adapted=("fear",),
            scratch="fear",
        )
        for number in range(8)
    ),
    seconds={"zero-shot": 1.0},
)


def _results(tmp_path, found=FOUND, **changes):
    values = {
        "config": AdaptationConfig(
            base=Path("out/release"), manifest=Path("mine.csv"), output=tmp_path
        ),
        "nodes": (NodeResult(component="Pusher", status="executed", duration_s=1.0),),
        "findings": found,
        "found": {"used": 8},
        "not_used": (),
        "pushed_to": Path("/serving/calls/17"),
        "remarks": (),
    }
    return AdaptationResults(**{**values, **changes})


def _page(results):
    return Page(report.render(results, now=datetime.datetime(2026, 1, 2)))


def _text(results):
    console = Console(width=140, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(terminal.summary(results))
    return console.export_text()


def test_figures_stand_where_they_belong(tmp_path):
    page = _page(_results(tmp_path))
    summary = {row[0]: row[1:5] for row in page.tables[0][1:]}
    assert summary == {
        "zero-shot": ["0.611", "0.512\xa0to\xa00.713", "+0.211", "−0.114\xa0to\xa0+0.315"],
        "from scratch": ["0.433", "0.331\xa0to\xa00.534", "+0.389", "+0.116\xa0to\xa0+0.517"],
        "adapted": ["0.822", "0.721\xa0to\xa00.923", "", ""],
    }
    tables = {tuple(table[0]): table[1:] for table in page.tables}
    assert tables["clips a class", "adapted", "from scratch", "ratio"] == [
        ["5", "0.650", "0.450", "1.44"],
        ["all (12)", "0.800", "0.640", "1.25"],
    ]
    forgotten = next(table for table in page.tables if table[0][0] == "domain")
    assert forgotten[1][3:] == ["0.863", "0.795", "−0.068", "–"]
    assert forgotten[2][3:] == ["0.900", "other labels", "–", "–"]
    [folds] = [table for table in page.tables if table[0][0] == "part"]
    assert folds[2] == ["3", "5", "bob <b>, cem", "0.602", "0.802", "A8"]
    [matrix] = [table for table in page.tables if table[0][0].startswith("true")]
    assert [row[0] for row in matrix[1:]] == ["anger", "fear"]
    assert [cell[0] for cell in matrix[1][1:]] == ["3", "1"]


def test_a_curve_of_one_point_has_no_picture(tmp_path):
    pictures = []
    for points in (FOUND.curve, FOUND.curve[1:]):
        page = _page(_results(tmp_path, dataclasses.replace(FOUND, curve=points)))
        pictures.append([of["alt"] for name, of in page.elements if name == "img"])
        assert any("all (12)" in row for table in page.tables for row in table)
    assert "12 clips a class: adapted 0.800, from scratch 0.640" in pictures[0][0]
    assert pictures[1] == []


def test_the_terminal_tells_the_same(tmp_path):
    text = _text(_results(tmp_path))
    for word in ("0.611", "0.822", "+0.211", "0.433", "1.44", "all (12)", "−0.068"):
        assert word in text
    assert "8 clips of 3 speakers, whole speakers tested" in text
    assert "! the parts of the cross-validation chose A2 and A8" in text
    assert "pushed to /serving/calls/17" in text


def test_too_few_speakers_are_told_first_and_loud(tmp_path):
    remark = "2 speakers: no speaker-independent estimate; the figures are for these speakers"
    few = dataclasses.replace(
        FOUND, by_speaker=False, resampled="clips", speakers={"ann": 5, "bob": 3}
    )
    results = _results(tmp_path, few, remarks=(remark,))
    page = _page(results)
    assert "not-speaker-independent" in page.ids
    assert any(remark in piece for piece in page.pieces)
    text = _text(results)
    assert f"! {remark}" in text
    assert "clips of known speakers tested" in text
    assert "intervals resample clips, as 2 speakers cannot tell" in text
    assert "not-speaker-independent" not in _page(_results(tmp_path)).ids


def test_labels_that_the_base_does_not_know(tmp_path):
    other = dataclasses.replace(
        FOUND, zero_shot=None, difference=None, zero_shot_impossible="it does not know boredom"
    )
    results = _results(tmp_path, other)
    assert _page(results).tables[0][1][1] == "not possible"
    assert "zero-shot is not possible: it does not know boredom" in _text(results)


def test_a_changed_frozen_group_would_show(tmp_path):
    lineage = dataclasses.replace(FOUND.lineage, after={"conv1": "d" * 64, "dense": "c" * 64})
    for found, expected in ((FOUND, "yes"), (dataclasses.replace(FOUND, lineage=lineage), "no")):
        [table] = [
            table
            for table in _page(_results(tmp_path, found)).tables
            if table[0][0] == "layer group"
        ]
        assert table[1][-1] == expected


@pytest.mark.parametrize("found", [FOUND, None])
def test_what_failed_is_told(tmp_path, found):
    failed = NodeResult(component="AuditGate", status="failed", error="copies & more")
    results = _results(tmp_path, found, nodes=(failed,), pushed_to=None)
    page = _page(results)
    assert any("copies & more" in cell for table in page.tables for row in table for cell in row)
    if found is None:
        assert "AuditGate: copies & more" in _text(results)
        assert not results.pushed
