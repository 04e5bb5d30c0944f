"""`ser run` stops at start on what cannot work, names it, and says what to do."""

import dataclasses
import subprocess
import sys

import numpy as np
import pytest
import soundfile

from cli.main import main
from corpora import folds, manifest
from schemas.utterance import Utterance


@pytest.fixture
def corpus(tmp_path):
    """Ten clips of two emotions by five speakers, and the manifest of them."""
    random = np.random.default_rng(0)
    utterances = []
    for speaker in range(5):
        for emotion in ("anger", "sadness"):
            path = tmp_path / f"{speaker}-{emotion}.wav"
            soundfile.write(path, random.normal(0, 0.1, 8_000), 16_000)
            utterances.append(
                Utterance(
                    utterance_id=f"own/{path.stem}",
                    path=str(path),
                    domain="own",
                    speaker=f"s{speaker}",
                    emotion=emotion,
                )
            )
    return manifest_of(tmp_path, utterances), utterances


def manifest_of(folder, utterances):
    file = folder / "manifest.csv"
    manifest.write(manifest.Manifest.of(folds.assign(utterances, seed=0)), file)
    return file


def _run(capsys, *arguments):
    status = main(["run", *map(str, arguments)])
    return status, capsys.readouterr().err


def test_unknown_key(corpus, tmp_path, capsys):
    file, _ = corpus
    status, error = _run(
        capsys, "--manifest", file, "--output", tmp_path / "out", "--set", "fine_tune.epoch=3"
    )
    assert status == 2
    assert "fine_tune.epoch: unknown key" in error
    assert not (tmp_path / "out").exists()


def test_missing_manifest(tmp_path, capsys):
    status, error = _run(capsys, "--manifest", tmp_path / "none.csv", "--output", tmp_path / "out")
    assert status == 2
    assert "none.csv" in error


def test_emotion_that_does_not_exist(corpus, tmp_path, capsys):
    file, _ = corpus
    file.write_text(file.read_text().replace(",sadness,", ",melancholy,"))
    status, error = _run(capsys, "--manifest", file, "--output", tmp_path / "out")
    assert status == 2
    assert "melancholy" in error
    assert "anger, disgust, fear, happiness, sadness, surprise" in error


def test_fewer_clips_than_folds(corpus, tmp_path, capsys):
    _, utterances = corpus
    file = manifest_of(tmp_path, utterances[:4])
    status, error = _run(capsys, "--manifest", file, "--output", tmp_path / "out")
    assert status == 2
    assert "domain own" in error
    assert "fewer than the 5 folds" in error


def test_test_fold_without_a_class(corpus, tmp_path, capsys):
    _, utterances = corpus
    lacking = [
        dataclasses.replace(u, fold_random=int(u.speaker[1]), fold_speaker_independent=-1)
        for u in utterances
        if (u.speaker, u.emotion) != ("s0", "sadness")
    ]
    file = tmp_path / "manifest.csv"
    manifest.write(manifest.Manifest.of(lacking), file)
    status, error = _run(
        capsys, "--manifest", file, "--output", tmp_path / "out", "--set", "protocol=random"
    )
    assert status == 2
    assert "fold 0 has no clip of sadness" in error


def test_a_domain_of_one_label(corpus, tmp_path, capsys):
    _, utterances = corpus
    file = manifest_of(tmp_path, [u for u in utterances if u.emotion == "anger"])
    status, error = _run(capsys, "--manifest", file, "--output", tmp_path / "out")
    assert status == 2
    assert f"{file}: domain own has clips of anger only" in error
    assert not (tmp_path / "out").exists()


def test_memory_below_one_batch(corpus, tmp_path, capsys):
    file, _ = corpus
    words = ("--manifest", file, "--output", tmp_path / "out")
    status, error = _run(capsys, *words, "--set", "training.memory_gib=0.001")
    assert status == 2
    assert error.startswith("error: training.memory_gib: 0.001 GiB")
    assert error.count("\n") == 1


def test_override_without_a_value(corpus, tmp_path, capsys):
    file, _ = corpus
    status, error = _run(capsys, "--manifest", file, "--set", "seed")
    assert status == 2
    assert "key=value" in error


def test_help_is_there():
    done = subprocess.run(
        [sys.executable, "-m", "cli.main", "run", "--help"], capture_output=True, text=True
    )
    assert done.returncode == 0
    assert "--set KEY=VALUE" in done.stdout
