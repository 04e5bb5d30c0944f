"""The data part of a pipeline on real artifacts: what stops it, and in which words."""

import dataclasses
import hashlib

import numpy as np
import pytest
import soundfile

from corpora import manifest
from corpora.manifest import Manifest
from pipeline import config as configs
from pipeline import data
from pipeline.manifest import snapshot
from pipeline.networks import network_spec
from pipeline.runners import local
from schemas.labels import PAPER
from schemas.utterance import Utterance

pytestmark = pytest.mark.component

RATE_HZ = 16_000


def _utterance(folder, name, domain, index, *, duration_s=0.5, **values):
    path = folder / f"{domain}-{name}.wav"
    if not path.exists():
        noise = np.random.default_rng([index, len(domain)]).uniform(
            -0.5, 0.5, round(duration_s * RATE_HZ)
        )
        soundfile.write(path, noise, RATE_HZ)
    return Utterance(
        utterance_id=f"{domain}/{name}",
        path=str(path),
        domain=domain,
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        sample_rate_hz=RATE_HZ,
        duration_s=duration_s,
        fold_random=index % 5,
        fold_speaker_independent=index % 5,
        **{
            "speaker": f"s{index % 5}",
            "emotion": PAPER.labels[index // 5 % 6],
            "language": "de",
            "gender": "female",
        }
        | values,
    )


@pytest.fixture
def recordings(tmp_path):
    """30 clips of one domain: each emotion once in each fold."""
    return [_utterance(tmp_path, f"{i:02}", "studio", i) for i in range(30)]


def _run(folder, utterances, **overrides):
    config = configs.parse(
        {"manifest": "m.csv", "output": str(folder / "out"), "validation": overrides},
        source="test",
    )
    indexed = Manifest(utterances=utterances, labels=PAPER)
    network = network_spec(config, PAPER)
    nodes = data.build(config, snapshot(indexed, folder), network).nodes
    with local.logs_to(folder / "log.txt"):
        _, results = local.run(data.pipeline_of(config, nodes))
    return {result.node_id: result for result in results}


def _status(results):
    return {name: result.status for name, result in results.items()}


def test_only_accepted_data_is_trained_on_and_becomes_the_reference(tmp_path, recordings):
    assert set(_status(_run(tmp_path, recordings)).values()) <= {"executed", "resolved"}

    phone = [_utterance(tmp_path, f"{i:02}", "phone", i) for i in range(30)]
    changed = [u for u in recordings if u.emotion != "anger"] + phone
    stopped = _run(tmp_path, changed)
    assert _status(stopped)["DataGate"] == "failed"
    assert _status(stopped)["Transform"] == "not reached"
    words = stopped["DataGate"].error.splitlines()
    assert manifest.digest(Manifest(utterances=recordings, labels=PAPER))[:16] in words[0]
    assert words[1:] == [
        "  domain: phone is new: 30 clips, 55% of all (L-infinity 0.55, above 0.1)",
        "  emotion of studio: anger was 17% of studio's clips, now 0% (L-infinity 0.17, above 0.1)",
    ]

    # What was done before the gate is not done again.
    accepted = _status(_run(tmp_path, changed, accept_drift=True))
    assert {name for name, status in accepted.items() if status == "executed"} == {
        "DataGate",
        "Transform",
    }
    # The decision stays, without being repeated, and then nothing is left to do.
    again = _status(_run(tmp_path, changed))
    assert (again["DataGate"], again["Transform"]) == ("executed", "cached")
    assert set(_status(_run(tmp_path, changed)).values()) == {"cached", "resolved"}
    # What was accepted is the reference: the way back is drift, too.
    back = _run(tmp_path, recordings)
    assert "phone is gone: it had 30 clips" in back["DataGate"].error


def test_anomaly_stops_the_run_in_words(tmp_path, recordings):
    wrong = [
        dataclasses.replace(u, language="german") if u.fold_random == 3 else u for u in recordings
    ]
    stopped = _run(tmp_path, wrong)
    assert _status(stopped)["ExampleValidator"] == "executed"
    assert _status(stopped)["Transform"] == "not reached"
    [head, anomaly] = stopped["DataGate"].error.splitlines()
    assert head.startswith("the data does not fit the schema (let it pass: --set validation.ano")
    assert anomaly == (
        "  language of fold-3: Examples contain values missing from the schema: german (~100%)"
        " (correct it in the manifest; if the value is right, add it to schemas/speech.pbtxt)"
    )
    reported = _status(_run(tmp_path, wrong, anomalies="report"))
    assert (reported["StatisticsGen"], reported["Transform"]) == ("cached", "executed")


def test_copy_across_folds_stops_before_anything_is_decoded(tmp_path, recordings):
    copy = dataclasses.replace(recordings[0], utterance_id="studio/copy", fold_random=1)
    copy = dataclasses.replace(copy, fold_speaker_independent=1, speaker="s1")
    stopped = _run(tmp_path, [*recordings, copy])
    assert _status(stopped)["CorporaAudit"] == "executed"
    assert _status(stopped)["AuditGate"] == "failed"
    assert set(_status(stopped).values()) == {"executed", "failed", "not reached"}
    assert _status(stopped)["AudioExampleGen"] == "not reached"
    error = stopped["AuditGate"].error
    assert error.startswith("the audit found what breaks an honest measurement:\n  studio: ")
    assert "studio/copy" in error
    assert "--set validation.audit=report" in error
