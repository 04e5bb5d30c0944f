"""The first task tells what is wrong before anything runs, and leaves what the others need."""

import json

import numpy as np
import pytest
import soundfile

from corpora import manifest as manifests
from pipeline.kubeflow import parallel_writers, record, task
from pipeline.kubeflow import run as runs
from pipeline.kubeflow.run import Asked
from schemas.errors import UserError
from schemas.labels import PAPER
from schemas.utterance import Utterance

DOMAINS = ("emodb", "emovo")
VALUES = {
    "front_end": "waveform",
    "metadata": {"store": "mysql", "host": "nowhere"},
    "domains": {"emovo": {"fine_tune": {"epochs": 3}}},
}


@pytest.fixture(autouse=True)
def _no_server(monkeypatch):
    monkeypatch.setattr(parallel_writers, "check", lambda *_: None)


@pytest.fixture
def manifest(tmp_path):
    utterances = []
    for domain in DOMAINS:
        for fold in range(5):
            for number, emotion in enumerate(PAPER.labels):
                path = tmp_path / f"{domain}-{fold}-{emotion}.wav"
                soundfile.write(path, np.full(8_000, 0.01 * (number + 1)), 16_000)
                utterances.append(
                    Utterance(
                        utterance_id=path.stem,
                        path=str(path),
                        domain=domain,
                        speaker=f"{domain}{fold}",
                        emotion=emotion,
                        sha256="",
                        fold_random=fold,
                        fold_speaker_independent=fold,
                    )
                )
    manifests.write(manifests.Manifest.of(utterances), tmp_path / "manifest.csv")
    return tmp_path / "manifest.csv"


def _asked(manifest, **changed):
    overrides = {"manifest": str(manifest), "output": str(manifest.parent / "out")}
    return Asked(
        **{
            "run_id": "r1",
            "kind": "release",
            "values": json.loads(json.dumps(VALUES)),
            "overrides": overrides,
            "domains": (),
            "compiled_for": DOMAINS,
            "image": "i",
            **changed,
        }
    )


def test_later_tasks_find_what_was_prepared(manifest):
    made = runs.prepare(_asked(manifest, domains=("emovo",)))
    assert record.read(manifest.parent / "out", "r1") == made
    assert made.domains == ("emovo",)
    assert made.manifest.domains == DOMAINS
    assert "train-emodb" in runs.steps_of(made)


def test_a_run_that_was_not_prepared(tmp_path):
    with pytest.raises(UserError, match="the task prepare of run r2 has to be over"):
        record.read(tmp_path, "r2")


def test_recordings_that_tasks_do_not_see(manifest):
    for file in manifest.parent.glob("*.wav"):
        file.unlink()
    with pytest.raises(UserError, match=r"none of its 60 recordings is to be had here.*volumes"):
        runs.prepare(_asked(manifest))


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"compiled_for": ("emodb",)}, "has tasks for emodb: compile it again"),
        ({"domains": ("urdu",)}, "the manifest has no domain urdu, only emodb and emovo"),
        ({"values": {**VALUES, "metadata": {}}}, "sqlite loses executions"),
        ({"values": {**VALUES, "epochs": 3}}, "epochs: unknown key"),
    ],
)
def test_what_does_not_fit_is_told(manifest, changed, told):
    with pytest.raises(UserError, match=told):
        runs.prepare(_asked(manifest, **changed))


def test_parameters_reach_the_configuration(manifest, monkeypatch):
    asked: list[Asked] = []
    monkeypatch.setattr(runs, "prepare", asked.append)
    words = ["prepare", "--run-id", "r1", "--root", "/r", "--config", json.dumps(VALUES)]
    words += ["--manifest", str(manifest), "--fine-tune-epochs", "7", "--domains", "emodb, emovo"]
    assert task.main(words) == 0
    assert asked[0].domains == DOMAINS
    assert asked[0].overrides == {
        "manifest": str(manifest),
        "output": "/r",
        "fine_tune.epochs": 7,
        "domains.emovo.fine_tune.epochs": 7,
    }


def test_a_configuration_that_is_no_json_is_the_users_fault(capsys):
    assert task.main(["prepare", "--run-id", "r", "--root", "/r", "--config", "{"]) == 2
    assert "the parameter config is not JSON" in capsys.readouterr().err
