"""The audit's step and its gate on real artifacts: what is found is kept, and only errors stop."""

import json
import shutil

import numpy as np
import pytest
import soundfile

from components.corpora_audit import executor
from components.corpora_audit.component import AuditGate, AuditReport
from corpora import manifest
from schemas.errors import UserError
from schemas.labels import EMOTIONS
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
                emotion=EMOTIONS[index // 5],
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
    executor.AuditExecutor().Do(
        {},
        {executor.AUDIT: [report]},
        {
            executor.MANIFEST_PATH: str(folder / "manifest.csv"),
            executor.MANIFEST_DIGEST: "d1",
            executor.PROTOCOL: "speaker_independent",
            executor.TEST_FOLD: 0,
            executor.CODE_DIGEST: "",
        },
    )
    return report


def _gate(report, action):
    executor.GateExecutor().Do(
        {executor.AUDIT: [report]}, {}, {executor.ACTION: action, executor.CODE_DIGEST: ""}
    )


def test_sound_manifest_passes(tmp_path, utterances):
    report = _audit(tmp_path, utterances)
    assert executor.read(report.uri)["errors"] == 0
    _gate(report, "stop")


def test_copy_in_the_test_fold_stops_and_the_findings_stay(tmp_path, utterances):
    # Clip 1 (fold 1) becomes clip 0 (fold 0), of another speaker and the same emotion.
    shutil.copy(utterances[0].path, utterances[1].path)
    report = _audit(tmp_path, utterances)
    with pytest.raises(UserError) as stopped:
        _gate(report, "stop")
    head, *lines = str(stopped.value).splitlines()
    assert "breaks an honest measurement" in head
    assert any("identical-audio-across-folds" in line for line in lines)
    assert any("studio/0" in line and "studio/1" in line for line in lines)
    assert "--set validation.audit=report" in lines[-1]
    _gate(report, "report")
    text = (tmp_path / "audit" / executor.AUDIT_TEXT).read_text(encoding="utf-8")
    assert "identical-audio-across-folds" in text
    found = json.loads((tmp_path / "audit" / executor.AUDIT_JSON).read_text(encoding="utf-8"))
    assert found["clips"] == 10
    assert found["errors"] >= 1


def test_unknown_action():
    with pytest.raises(ValueError, match="stop, report"):
        AuditGate(audit=None, action="off")
