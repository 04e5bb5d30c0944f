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
    def run(utterances, *arguments, tables=("--tables", "3")):
        manifest.write(manifest.Manifest.of(utterances), tmp_path / "manifest.csv")
        words = ["study", "--manifest", tmp_path / "manifest.csv", "--output", tmp_path / "out"]
        status = main([*map(str, words), *tables, "--scenarios", "S1", "--plan", *arguments])
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


@pytest.fixture
def two_domains(utterances):
    """Beside them a domain of three clips of each emotion in each fold."""
    return [
        *utterances,
        *(
            dataclasses.replace(
                each,
                domain="other",
                speaker=f"{each.speaker}-other",
                utterance_id=f"other/{number}-{each.fold_random}-{each.emotion}",
            )
            for each in utterances
            for number in range(3)
        ),
    ]


def test_what_is_beyond_the_tables_is_planned(plan, two_domains):
    words = ("--protocols", "random", "--folds", "0,1")
    asked = ("--beyond", "cross_corpus,learning_curves")
    status, shown = plan(two_domains, *words, *asked, tables=("--set", "tables=[]"))
    assert status == 0, shown
    # In each fold both domains, which is, of two, each without the other, too.
    assert "trainings from scratch: 4, of which 0 are done" in shown
    # 5 and 10 of a class: `own` has 4 clips of each in training, `other` 12.
    assert "trainings from scratch on few clips: 4, of which 0 are done" in shown
    assert "fine-tunings on few clips: 4, of which 0 are done" in shown


def test_a_study_of_nothing_is_refused(plan, two_domains):
    status, shown = plan(two_domains, tables=("--set", "tables=[]"))
    assert status == 2
    assert "tables and beyond are both empty; name a table (2, 3, 4, 5)" in shown


def test_curves_of_more_clips_than_there_are(plan, two_domains):
    words = ("--beyond", "learning_curves", "--protocols", "random", "--targets")
    status, shown = plan(two_domains, *words, "own")
    assert status == 2
    assert "no target has 5 clips of a class in its training folds; the most are 4" in shown
    # 3 of each of two classes, alone and adapted; of `other` 12, too.
    numbers = ("--set", "clips_per_class=[3,12]", "--folds", "0")
    status, shown = plan(two_domains, *words, "own,other", *numbers)
    assert status == 0, shown
    assert "fine-tunings on few clips: 3, of which 0 are done" in shown


def test_other_domains_are_needed_beyond_the_tables(plan, utterances):
    status, shown = plan(utterances, "--beyond", "cross_corpus")
    assert status == 2
    assert "all of beyond need other domains" in shown
    status, shown = plan(utterances, "--beyond", "curves")
    assert status == 2
    assert "beyond.0: must be one of cross_corpus, learning_curves" in shown
