"""The audit's step and its gate on real artifacts: what is found is kept, and only errors stop."""

import json
import shutil

import numpy as np
import pytest
import soundfile
from tfx.types import channel_utils

from components.corpora_audit import artifact
from components.corpora_audit.artifact import AuditReport
from components.corpora_audit.component import AuditGate, CorporaAudit
from corpora import manifest
from schemas.errors import UserError
from schemas.labels import PAPER
from schemas.utterance import Utterance

RATE_HZ = 16_000


@pytest.fixture
def utterances(tmp_path):
    """Ten clips, two a fold, of five speakers, all different."""
    result = []
    for index in range(10):
        path = tmp_path / f"{index}.wav"
        noise = np.random.default_rng(index).normal(0, 0.1, RATE_HZ)
        soundfile.write(path, noise, RATE_HZ)
        result.append(
            Utterance(
                utterance_id=f"studio/{index}",
                path=str(path),
                domain="studio",
                speaker=f"s{index % 5}",
                emotion=PAPER.labels[index // 5],
                fold_random=index % 5,
                fold_speaker_independent=index % 5,
            )
        )
    return result


def _audit(folder, utterances):
    manifest.write(manifest.Manifest.of(utterances), folder / "manifest.csv")
    report = AuditReport()
    report.uri = str(folder / "audit")
    (folder / "audit").mkdir()  # As TFX does.
    CorporaAudit.test_call(
        audit=report,
        manifest_path=str(folder / "manifest.csv"),
        manifest_digest="d1",
        protocol="speaker_independent",
        test_fold=0,
    )
    return report


def test_sound_manifest_passes(tmp_path, utterances):
    report = _audit(tmp_path, utterances)
    assert artifact.read(report.uri)["errors"] == 0
    AuditGate.test_call(audit=report, stop=True)


def test_copy_in_the_test_fold_stops_and_the_findings_stay(tmp_path, utterances):
    # Clip 1 (fold 1) becomes clip 0 (fold 0), of another speaker and the same emotion.
    shutil.copy(utterances[0].path, utterances[1].path)
    report = _audit(tmp_path, utterances)
    with pytest.raises(UserError) as stopped:
        AuditGate.test_call(audit=report, stop=True)
    head, *lines = str(stopped.value).splitlines()
    assert "breaks an honest measurement" in head
    assert any("identical-audio-across-folds" in line for line in lines)
    assert any("studio/0" in line and "studio/1" in line for line in lines)
    assert "--set validation.audit=report" in lines[-1]
    AuditGate.test_call(audit=report, stop=False)
    text = (tmp_path / "audit" / artifact.AUDIT_TEXT).read_text(encoding="utf-8")
    assert "identical-audio-across-folds" in text
    found = json.loads((tmp_path / "audit" / artifact.AUDIT_JSON).read_text(encoding="utf-8"))
    assert found["clips"] == 10
    assert found["errors"] >= 1


def test_nodes_are_checked_where_they_are_made():
    audit = channel_utils.as_channel([AuditReport()])
    with pytest.raises(TypeError, match="stop"):
        AuditGate(audit=audit, stop="report")
    with pytest.raises(ValueError, match="test_fold"):
        CorporaAudit(manifest_path="m.csv", manifest_digest="d1", protocol="random")
    gate = AuditGate(audit=audit, stop=True)
    assert (gate.id, AuditReport.TYPE_NAME) == ("AuditGate", "AuditReport")
