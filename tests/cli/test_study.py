"""`ser study` stops at start on folds that cannot be measured on, and says what to do."""

import dataclasses
import itertools

import numpy as np
import pytest
import soundfile

from cli.main import main
from corpora import manifest
from schemas.utterance import Utterance


@pytest.fixture
def utterances(tmp_path):
    """Ten clips of two emotions by five speakers, one speaker a fold."""
    file = tmp_path / "clip.wav"
    soundfile.write(file, np.random.default_rng(0).normal(0, 0.1, 8_000), 16_000)
    return [
        Utterance(
            utterance_id=f"own/{fold}-{emotion}",
            path=str(file),
            domain="own",
            speaker=f"s{fold}",
            emotion=emotion,
            fold_random=fold,
            fold_speaker_independent=fold,
        )
        for fold, emotion in itertools.product(range(5), ("anger", "sadness"))
    ]


@pytest.fixture
def plan(tmp_path, capsys):
    def run(utterances, *arguments):
        manifest.write(manifest.Manifest.of(utterances), tmp_path / "manifest.csv")
        words = ["study", "--manifest", tmp_path / "manifest.csv", "--output", tmp_path / "out"]
        status = main(
            [*map(str, words), "--tables", "3", "--scenarios", "S1", "--plan", *arguments]
        )
        told = capsys.readouterr()
        return status, told.out if status == 0 else told.err

    return run


PRESENT = ("--set", "missing_class=present")


def test_a_class_missing_in_a_fold_is_named_with_the_way_out(plan, utterances):
    lacking = [each for each in utterances if each.utterance_id != "own/2-sadness"]
    status, shown = plan(lacking)
    assert status == 2
    assert "domain own: fold 2 has no clip of sadness" in shown
    assert "--set missing_class=present" in shown
    status, shown = plan(lacking, *PRESENT)
    assert status == 0
    assert "trainings from scratch" in shown


@pytest.mark.parametrize("arguments", [(), PRESENT])
def test_an_empty_fold(plan, utterances, arguments):
    lacking = [each for each in utterances if each.fold_random != 3]
    status, shown = plan(lacking, *arguments)
    assert status == 2
    assert "domain own: has no clip in fold 3" in shown


@pytest.mark.parametrize("arguments", [(), PRESENT])
def test_a_speaker_in_two_folds(plan, utterances, arguments):
    crossing = [
        dataclasses.replace(each, speaker="s0") if each.speaker == "s1" else each
        for each in utterances
    ]
    extra = [
        dataclasses.replace(each, speaker="s5", utterance_id=f"{each.utterance_id}-5")
        for each in utterances[2:4]
    ]
    status, shown = plan([*crossing, *extra], "--protocols", "speaker_independent", *arguments)
    assert status == 2
    assert "speaker s0 is in more than one fold" in shown


@pytest.mark.parametrize("arguments", [(), PRESENT])
def test_clips_without_a_fold(plan, utterances, arguments):
    loose = dataclasses.replace(utterances[0], utterance_id="own/loose", fold_random=-1)
    status, shown = plan([*utterances, loose], "--protocols", "random", *arguments)
    assert status == 2
    assert "has clips without a fold under the protocol random" in shown
