"""A recording that cannot be read while a run is going on is tried again by the next one."""

import hashlib

import numpy as np
import pytest
import soundfile
from tfx import v1 as tfx
from tfx.orchestration.metadata import sqlite_metadata_connection_config

from components.audio_example_gen import account
from components.audio_example_gen.component import AudioExampleGen
from components.corpora_audit import artifact as audits
from components.corpora_audit.component import EVERY_FOLD, CorporaAudit
from corpora import manifest as manifests
from corpora.indexing import probe
from pipeline.manifest import snapshot
from pipeline.runners import local
from schemas.utterance import Utterance

RATE_HZ = 16_000


def _utterances(folder):
    result = []
    for index in range(10):
        path = folder / f"{index}.wav"
        soundfile.write(path, np.random.default_rng(index).normal(0, 0.1, RATE_HZ), RATE_HZ)
        result.append(
            Utterance(
                utterance_id=f"calls/{index}",
                path=str(path),
                domain="calls",
                speaker=f"s{index % 5}",
                emotion="anger" if index < 5 else "sadness",
                sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
                duration_s=1.0,
                sample_rate_hz=RATE_HZ,
                fold_random=index % 5,
                fold_speaker_independent=index % 5,
            )
        )
    return result


def _run(folder, utterances):
    """Returns the statuses of both nodes, the account, and what the audit could not read."""
    manifest = snapshot(manifests.Manifest.of(utterances), folder / "manifests")
    example_gen = AudioExampleGen(manifest_path=manifest.path, manifest_digest=manifest.digest)
    audit = CorporaAudit(
        manifest_path=manifest.path,
        manifest_digest=manifest.digest,
        protocol="speaker_independent",
        test_fold=EVERY_FOLD,
    )
    _, results = local.run(
        tfx.dsl.Pipeline(
            pipeline_name="test",
            pipeline_root=str(folder / "root"),
            components=[example_gen, audit],
            enable_cache=True,
            metadata_connection_config=sqlite_metadata_connection_config(
                str(folder / "metadata.sqlite")
            ),
        )
    )
    statuses = {result.node_id: result.status for result in results}
    [uri] = _newest(folder / "root" / "AudioExampleGen" / "account")
    [audited] = _newest(folder / "root" / "CorporaAudit" / "audit")
    outcomes = {each.utterance_id: each for each in account.read(uri)}
    return statuses, outcomes, audits.read(audited)["unreadable"]


def _newest(folder):
    return [str(max(folder.iterdir(), key=lambda each: int(each.name)))]


@pytest.mark.component
def test_a_recording_that_vanished_during_the_run_is_used_by_the_next(tmp_path):
    utterances = _utterances(tmp_path)
    recording, elsewhere = tmp_path / "3.wav", tmp_path / "elsewhere"
    recording.rename(elsewhere)
    statuses, outcomes, unreadable = _run(tmp_path, utterances)
    assert set(statuses.values()) == {"executed"}
    assert outcomes["calls/3"].status == "quarantined"
    assert "the next run tries it again" in outcomes["calls/3"].reason
    assert [each.status for each in outcomes.values()].count("used") == 9
    assert unreadable == 1

    elsewhere.rename(recording)
    statuses, outcomes, unreadable = _run(tmp_path, utterances)
    assert set(statuses.values()) == {"executed"}
    assert {each.status for each in outcomes.values()} == {"used"}
    assert unreadable == 0
    assert set(_run(tmp_path, utterances)[0].values()) == {"cached"}


@pytest.mark.component
def test_what_is_known_to_be_missing_or_damaged_is_cached(tmp_path):
    utterances = _utterances(tmp_path)
    (tmp_path / "3.wav").unlink()
    (tmp_path / "4.wav").write_bytes((tmp_path / "4.wav").read_bytes()[:1_000])
    refreshed, _, missing = manifests.refresh(manifests.Manifest.of(utterances))
    assert missing == ["calls/3"]
    _, outcomes, unreadable = _run(tmp_path, refreshed.utterances)
    assert {name for name, each in outcomes.items() if each.status == "quarantined"} == {
        "calls/3",
        "calls/4",
    }
    assert unreadable == 2
    assert set(_run(tmp_path, refreshed.utterances)[0].values()) == {"cached"}


def test_a_fault_of_the_disk_is_not_remembered_with_the_hash(tmp_path, monkeypatch):
    [utterance, *_] = _utterances(tmp_path)

    def broken(*_):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(probe.decoding, "sound", broken)
    seen = probe.probe(utterance.path)
    assert "Input/output error" in seen.problem
    assert not seen.sha256
