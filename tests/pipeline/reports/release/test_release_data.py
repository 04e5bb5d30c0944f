"""Every recording is accounted for, and what the checks before training said is told."""

import dataclasses

import fabricated_run
import pytest
from fabricated_run import EMODB, EMOVO, node, run

from corpora.audit.report import Example, Finding
from corpora.manifest.sources import Source
from pipeline.reports.release.results import Accepted, AuditResult, Recording


def test_account_of_the_recordings(page):
    emodb, emovo = int(EMODB.sum()), int(EMOVO.sum())
    [row] = page.rows("emodb", str(301 + emodb))
    assert row[1:5] == [str(301 + emodb), str(300 + emodb), "1", "0"]
    assert row[5] == f"{301 + emodb} = {300 + emodb} + 1 + 0 adds up"
    assert row[6] == f"{300 + emodb} = 300 + {emodb} adds up"
    [row] = page.rows("emovo", str(402 + emovo))
    assert row[5] == f"{402 + emovo} = {400 + emovo} + 0 + 2 adds up"
    assert page.rows("emovo")[-1][2] == "no audio & nothing else"
    assert page.rows("emodb", "emodb/03a01Wa/data/03a01Wa.wav")[0][2].startswith("lasts 4.21 s")
    assert "data/manifest.account.csv" in page.text


def test_a_clip_that_got_lost_shows():
    used = 301 + int(EMODB.sum())
    page = fabricated_run.page(run(found={"emodb": {"used": used, "lost": 2}}))
    [row] = page.rows("emodb", str(used + 2))
    assert row[5] == f"{used + 2} = {used} + 0 + 0 does not add up"
    assert row[6] == f"{used} = 300 + {EMODB.sum()} does not add up"


def test_many_skipped_recordings_are_grouped_but_quarantined_ones_are_all_named():
    recordings = tuple(
        Recording(utterance_id=f"u{i}", domain="emodb", status=status, reason=reason)
        for i in range(50)
        for status, reason in (("skipped", f"lasts {4 + i / 100:.2f} s"), ("quarantined", "empty"))
    )
    page = fabricated_run.page(run(not_used=recordings))
    assert page.rows("emodb", "lasts … s") == [["emodb", "lasts … s", "50", "u0"]]
    assert len([row for row in page.rows("emodb") if row[-1] == "empty"]) == 50


def test_sources_and_their_licences():
    source = Source(
        corpus="iemocap",
        folder="/data/IEMOCAP",
        domains=["iemocap"],
        options={},
        label_set=["anger", "happiness", "sadness", "neutral"],
        words={"excitement": "happiness"},
        licence="release form",
        citation="Busso et al. 2008",
        elicitation="acted",
        language="en",
        synthetic=False,
        found=10_039,
        used=2_931,
        skipped=7_100,
        unreadable=8,
    )
    [row] = fabricated_run.page(run(sources=(source,))).rows("iemocap")
    assert row == [
        "iemocap",
        "en, acted",
        "release formBusso et al. 2008",
        "excitement: happiness",
        "10,039",
        "2,931",
        "7,100",
        "8",
    ]


def test_audit_shows_errors_and_whether_they_stopped():
    audit = AuditResult(
        verdict="do not trust what is measured on these folds (1 error)",
        errors=1,
        not_run=(("licences", "there is no column licence"),),
        findings=(
            Finding(
                check="same-audio",
                severity="error",
                domains=("ravdess",),
                message="7 groups of recordings are identical",
                advice="leave the copies out",
                examples=tuple(Example(text=f"copy {i}", utterance_ids=()) for i in range(7)),
            ),
        ),
    )
    passed = fabricated_run.page(run(audit=audit))
    assert "errors let pass do not trust" in passed.text
    [row] = [row for row in passed.rows("error") if len(row) == 4]
    assert row[1:3] == ["ravdess", "same-audio"]
    assert "7 groups of recordings are identical" in row[3]
    assert "copy 4and 2 more" in row[3]
    assert "Not checked: licences: there is no column licence" in passed.text
    failed = (*run().nodes, node("AuditGate", "failed", error="copies"))
    assert (
        "stopped the run do not trust" in fabricated_run.page(run(audit=audit, nodes=failed)).text
    )
    sound = AuditResult(verdict="an honest measurement", errors=0, findings=())
    assert "no error an honest measurement" in fabricated_run.page(run(audit=sound)).text
    assert "Not made: CorporaAudit did not finish" in fabricated_run.page(run(audit=None)).text


def test_comparison_with_the_data_accepted_last(page):
    assert "There was nothing to compare with" in page.text
    accepted = Accepted(
        reference="ab" * 32,
        drift_accepted=True,
        drift=("emotion of emodb: anger was 34%, now 12%",),
        skew=("gender of emovo: female is 50%",),
    )
    text = fabricated_run.page(run(accepted=accepted)).text
    drift, skew = text.split("Training folds against the test fold")
    assert f"Compared with the manifest {'ab' * 8}; the drift was accepted deliberately" in drift
    assert "anger was 34%, now 12%" in drift
    assert "female is 50%" in skew


@pytest.mark.parametrize("status", ["failed", "not reached"])
def test_data_that_did_not_pass(status):
    changed = (
        {"error": "the data has drifted:\n  domain: rml is new"}
        if status == "failed"
        else {"needs": ("Schema",)}
    )
    nodes = tuple(
        dataclasses.replace(each, status=status, **changed) if each.node_id == "DataGate" else each
        for each in run().nodes
    )
    text = fabricated_run.page(run(nodes=nodes, accepted=None)).text
    section = text.split("Against the data accepted last")[1]
    expected = "stopped the runthe data has drifted: domain: rml is new"
    assert section.startswith(f" {expected if status == 'failed' else 'Not compared'}")


def test_anomalies_in_words(page):
    assert "Anomalies that ExampleValidator found None." in page.text
    found = fabricated_run.page(run(anomalies=("fold-1: gender: unexpected value",))).text
    assert "fold-1: gender: unexpected value" in found
