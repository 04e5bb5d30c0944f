"""`ser adapt` stops at start on what cannot work, says what to do, and leaves nothing behind."""

import dataclasses

import base_releases
import numpy as np
import pytest
import soundfile

from cli.main import main
from corpora import manifest
from schemas import files


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    folder = tmp_path_factory.mktemp("base") / "release"
    return base_releases.write(folder, base_releases.record())


@pytest.fixture
def recordings(tmp_path):
    """Writes clips as a team has them: name, speaker and emotion."""

    def write(counts, *, speakers=5, domain="mine", name="mine.csv"):
        random = np.random.default_rng(0)
        lines = ["path,domain,speaker,emotion"]
        for emotion, count in counts.items():
            for number in range(count):
                path = tmp_path / f"{domain}-{emotion}-{number}.wav"
                soundfile.write(path, random.normal(0, 0.1, 4_000), 16_000)
                lines.append(f"{path},{domain},s{number % speakers},{emotion}")
        file = tmp_path / name
        file.write_text("\n".join(lines) + "\n")
        return file

    return write


def _refused(capsys, output, *arguments):
    """Returns why the command refused its input, which left nothing behind."""
    status = main(["adapt", "--output", str(output), *map(str, arguments)])
    error = capsys.readouterr().err
    assert status == 2, error
    assert not output.exists()
    return error


def test_one_class(base, recordings, tmp_path, capsys):
    file = recordings({"anger": 6})
    error = _refused(capsys, tmp_path / "out", "--base", base, "--manifest", file)
    assert f"{file}: domain mine has clips of anger only" in error


def test_a_class_of_one_clip(base, recordings, tmp_path, capsys):
    file = recordings({"anger": 6, "fear": 1})
    error = _refused(capsys, tmp_path / "out", "--base", base, "--manifest", file)
    assert "domain mine has 1 clip of fear; a class needs at least 2" in error


def test_several_domains(base, recordings, tmp_path, capsys):
    first = recordings({"anger": 6, "fear": 6}).read_text()
    second = recordings({"anger": 6, "fear": 1}, domain="yours").read_text().partition("\n")[2]
    file = tmp_path / "both.csv"
    file.write_text(first + second)
    words = ("--base", base, "--manifest", file)
    assert "has the domains mine and yours" in _refused(capsys, tmp_path / "out", *words)
    error = _refused(capsys, tmp_path / "out", *words, "--domain", "theirs")
    assert "no such domain, only mine, yours" in error
    assert "yours has 1 clip of fear" in _refused(
        capsys, tmp_path / "out", *words, "--domain", "yours"
    )


def test_a_base_that_is_none(recordings, tmp_path, capsys):
    file = recordings({"anger": 6, "fear": 6})
    error = _refused(capsys, tmp_path / "out", "--base", tmp_path, "--manifest", file)
    assert f"{tmp_path} is no release: it has no run.json" in error
    assert "base: Field required" in _refused(capsys, tmp_path / "out", "--manifest", file)


def test_another_front_end_than_the_bases(base, recordings, tmp_path, capsys):
    file = recordings({"anger": 6, "fear": 6})
    words = ("--base", base, "--manifest", file, "--set", "front_end=waveform")
    error = _refused(capsys, tmp_path / "out", *words)
    assert "front_end: the network of" in error
    assert "was trained with log_mel_cnn, not with waveform" in error


def test_labels_that_the_base_does_not_know_with_an_approach_that_keeps_its_outputs(
    base, recordings, tmp_path, capsys
):
    file = recordings({"anger": 6, "boredom": 6})
    words = ("--base", base, "--manifest", file, "--set")
    assert "does not know boredom" in _refused(capsys, tmp_path / "out", *words, "approach=A2")
    error = _refused(capsys, tmp_path / "out", *words, "candidates=[A1,A2]")
    assert "none of the candidates A1, A2" in error


def test_speaker_independent_folds_of_two_speakers(base, recordings, tmp_path, capsys):
    file = recordings({"anger": 6, "fear": 6}, speakers=2)
    words = ("--base", base, "--manifest", file, "--set", "protocol=speaker_independent")
    assert "protocol speaker_independent: 2 speakers" in _refused(capsys, tmp_path / "out", *words)


def test_recordings_that_the_base_was_trained_on(recordings, tmp_path, capsys):
    file = recordings({"anger": 6, "fear": 6})
    heard = tmp_path / "mine-anger-2.wav"
    [known] = [
        utterance for utterance in manifest.read(file).utterances if utterance.path == str(heard)
    ]
    other = base_releases.write(
        tmp_path / "other",
        base_releases.record(),
        recordings=[
            dataclasses.replace(
                known,
                utterance_id=f"old/{number}",
                emotion=emotion,
                sha256=files.sha256(heard),
                fold_speaker_independent=1,
            )
            for number, emotion in enumerate(("anger", "fear"))
        ],
    )
    status = main(
        ["adapt", "--output", str(tmp_path / "out"), "--base", str(other), "--manifest", str(file)]
    )
    assert status == 2
    assert "was trained on 1 recording of it (mine/mine-anger-2)" in capsys.readouterr().err
    assert not (tmp_path / "out" / "run.json").exists()
