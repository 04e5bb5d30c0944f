"""The release pipeline on synthetic speech: what it does, and what a second run does not repeat."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from corpora import manifest, synthetic
from corpora.indexing import index
from modules.training import engine
from pipeline import code_digest, release, run_release
from pipeline import config as configs
from pipeline.observer import Observer
from pipeline.request import Request
from pipeline.run_folder import CONFIG_FILE, RUN_FILE
from schemas.signatures import MULTI_DOMAIN
from serving.client.client import Client
from serving.embedded.server import Server

pytestmark = pytest.mark.e2e

CORPORA = ("emodb", "emovo")


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory):
    """Two small corpora with some bad files among the good, and the first run over them."""
    folder = tmp_path_factory.mktemp("release")
    data = folder / "corpora"
    synthetic.synthesize(data, seed=0, corpora=CORPORA, scale=0.1)
    wavs = data / "emodb" / "wav"
    good = sorted(wavs.glob("03*W*.wav"))[0]
    contents = good.read_bytes()
    # Names that the reader takes; what is inside is the matter.
    (wavs / "03b10Wx.wav").write_bytes(contents[: len(contents) // 2])
    noise = np.random.default_rng(0).normal(0, 0.1, 32_000)
    soundfile.write(wavs / "03b10Wy.wav", noise, 16_000)
    (wavs / "03b10Wz.wav").write_bytes(b"")
    indexed = index.index([(name, str(data / name)) for name in CORPORA])
    indexed.write(folder / "manifest.csv")
    # Indexing listens: what it took has fallen silent since.
    soundfile.write(wavs / "03b10Wy.wav", np.zeros(32_000), 16_000)
    return folder


def _request(folder, **overrides):
    return Request(
        config="demo-waveform",
        overrides={
            "manifest": str(folder / "manifest.csv"),
            "output": str(folder / "out"),
            "pretrain.epochs": 2,
            "fine_tune.epochs": 1,
            "domains.emovo.fine_tune.epochs": 2,
            "gate.min_uar": 0.0,
            # Never reached: this model is to be kept back without stopping the others.
            "domains.emovo.gate": {"min_uar": 0.99},
            **overrides,
        },
    )


def _run(folder, **overrides):
    """Runs the release; returns its result, and the status of each node."""
    result = run_release.run(_request(folder, **overrides), observer=Observer())
    return result, {node.node_id: node.status for node in result.found.nodes}


@pytest.fixture(scope="module")
def first(run_folder):
    result, statuses = _run(run_folder)
    assert "</html>" in result.report.read_text(encoding="utf-8")
    return statuses, result.found


def test_every_node_ran(first):
    statuses, _ = first
    assert set(statuses.values()) == {"executed", "resolved"}
    assert {
        "Trainer.pretrain",
        "Trainer.emodb",
        "Evaluator.emovo",
        f"Pusher.{MULTI_DOMAIN}",
    } <= set(statuses)


def test_nothing_is_lost(first, run_folder):
    _, found = first
    for domain in CORPORA:
        indexed = manifest.read(run_folder / "manifest.csv").utterances
        rows = [utterance for utterance in indexed if utterance.domain == domain]
        assert sum(found.found[domain].values()) == len(rows)
    reasons = {each.utterance_id.split("/")[-1]: each.reason for each in found.not_used}
    assert all(each.status == "quarantined" for each in found.not_used)
    assert "silent" in reasons["03b10Wy"]
    # What cannot even be opened does not come into the manifest, but is told beside it.
    with open(manifest.account_path(run_folder / "manifest.csv"), encoding="utf-8") as file:
        account = {Path(row["path"]).stem: row for row in csv.DictReader(file)}
    assert account["03b10Wx"]["status"] == account["03b10Wz"]["status"] == "unreadable"
    assert "truncated" in account["03b10Wx"]["reason"]
    assert found.anomalies == ()
    assert not found.audit.errors
    assert found.accepted.reference == ""
    assert {(source.corpus, source.synthetic) for source in found.sources} == {
        (name, True) for name in CORPORA
    }


def test_evaluation_is_of_the_test_fold(first, run_folder):
    _, found = first
    utterances = manifest.read(run_folder / "manifest.csv").utterances
    bad = {each.utterance_id for each in found.not_used}
    for model in found.models:
        for domain in CORPORA:
            expected = [
                u
                for u in utterances
                if u.domain == domain
                and u.fold_speaker_independent == 0
                and u.utterance_id not in bad
            ]
            measured = model.slices[(("domain", domain),)]
            assert measured.clips == len(expected) == measured.confusion.sum()
            recalls = np.diag(measured.confusion) / np.maximum(measured.confusion.sum(axis=1), 1)
            present = measured.confusion.sum(axis=1) > 0
            assert measured.uar == pytest.approx(recalls[present].mean())
            assert measured.uar_lower <= measured.uar <= measured.uar_upper
            for reliability in (measured.answers.served, measured.answers.uncalibrated):
                assert reliability.clips.sum() == measured.clips
                # Calibration changes no answer.
                assert reliability.right.sum() == np.trace(measured.confusion)
        features = {key[0][0] for key in model.slices if len(key) == 1}
        assert features == {"domain", "emotion", "gender", "language"}


def test_gate_keeps_one_model_back_and_pushes_the_others(first, run_folder):
    _, found = first
    outcomes = {model.name: model for model in found.models}
    assert outcomes["emodb"].pushed_to is not None
    assert outcomes["emovo"].blessed is False
    assert outcomes["emovo"].pushed_to is None
    assert "below its threshold 0.990" in outcomes["emovo"].outcome
    pushed = sorted(folder.name for folder in (run_folder / "out" / "serving").iterdir())
    # The multi-domain model answers for every domain, so emovo's threshold is its own too.
    assert pushed == ["emodb"]
    assert not found.complete


def test_what_was_frozen_is_proven(first):
    _, found = first
    model = {model.name: model for model in found.models}["emovo"]
    record = model.training
    assert (record.adaptation.asked, record.adaptation.approach) == ("A4", "A4")
    before, after = record.weight_hashes_before, record.weight_hashes
    assert {group for group in before if before[group] == after[group]} == {"conv1", "conv2"}
    assert record.adaptation.base == model.pretraining.name == "pretrain"
    assert before == model.pretraining.weight_hashes


def test_pushed_model_answers_over_grpc(first, run_folder):
    clip = sorted((run_folder / "corpora" / "emodb" / "wav").glob("08*W*.wav"))[0]
    with Server(run_folder / "out" / "serving") as server:
        prediction = Client(server.address).predict_file(clip, model="emodb")
    assert sum(prediction.probabilities.values()) == pytest.approx(1.0, abs=1e-5)
    assert prediction.probabilities["surprise"] == 0.0


def test_second_run_executes_nothing(first, run_folder):
    result, statuses = _run(run_folder)
    assert set(statuses.values()) == {"cached", "resolved"}
    again = result.found
    assert [model.outcome for model in again.models] == [model.outcome for model in first[1].models]


def test_trainer_code_change_repeats_the_trainers_only(first, run_folder, monkeypatch):
    real = code_digest.code_digest
    monkeypatch.setattr(
        release, "code_digest", lambda step: real(step) + ("*" if step == "trainer" else "")
    )
    result, statuses = _run(run_folder)
    for name in ("AudioExampleGen", "StatisticsGen", "ExampleValidator", "Transform"):
        assert statuses[name] == "cached"
    assert {statuses[name] for name in statuses if name.startswith("Trainer.")} == {"executed"}
    # The same code and seeds made the same weights, whatever the digest says.
    again = result.found
    assert _hashes(again) == _hashes(first[1])
    emodb = next(model for model in again.models if model.name == "emodb")
    assert emodb.baseline_uar[(("domain", "emodb"),)] == pytest.approx(
        emodb.slices[(("domain", "emodb"),)].uar
    )


def _hashes(found):
    return {model.name: model.training.weight_hashes for model in found.models}


def test_changed_recording_runs_again_from_the_start(first, run_folder, monkeypatch):
    original = sorted((run_folder / "corpora" / "emodb" / "wav").glob("08*W*.wav"))[0]
    kept = run_folder / "kept.wav"
    shutil.copy(original, kept)
    try:
        # Backwards, because the audit would stop a copy of another recording.
        samples, rate_hz = soundfile.read(original)
        soundfile.write(original, samples[::-1], rate_hz)
        # The trainings are not the question here. TFX loads run_fn's own module anew, so that
        # what it imports has to fail.
        monkeypatch.setattr(engine.Engine, "run", _fail)
        result, statuses = _run(run_folder, **{"beam.workers": 2})
    finally:
        shutil.copy(kept, original)
    changed = [name.split("/")[-1] for name in result.prepared.changed]
    # The other one fell silent before the first run.
    assert changed == ["03b10Wy", original.stem]
    assert statuses["ImportSchemaGen"] == "cached"
    for name in ("CorporaAudit", "AudioExampleGen", "ExampleValidator", "DataGate", "Transform"):
        assert statuses[name] == "executed"
    assert statuses["Trainer.pretrain"] == "failed"
    assert statuses["Trainer.emodb"] == statuses["Pusher.emovo"] == "not reached"
    broken = result.found
    assert result.failed
    assert not broken.complete
    # The reference is the first run's manifest, not this one's.
    snapshots = {path.stem for path in (run_folder / "out" / "manifests").glob("*.csv")}
    reference = broken.accepted.reference[:16]
    assert reference in snapshots
    assert reference != Path(result.prepared.manifest.path).stem
    assert all("not evaluated" in model.outcome for model in broken.models)


def _fail(*_, **__):
    raise RuntimeError("no training today")


def test_configuration_is_stored_with_the_run(first, run_folder):
    stored = configs.load(run_folder / "out" / CONFIG_FILE)
    request = _request(run_folder)
    asked = configs.load(request.config, request.overrides)
    assert stored.model_copy(update={"beam": configs.Beam()}) == asked
    assert json.loads((run_folder / "out" / RUN_FILE).read_text())["run_id"]
