"""How clips of few speakers are tested, and what is said about it."""

import dataclasses

import pytest

from corpora import folds
from pipeline import protocols
from schemas.errors import UserError
from schemas.utterance import Utterance


def clips(speakers, labels=("anger", "fear"), each=2):
    """Returns clips of every speaker and label, with folds."""
    return folds.assign(
        [
            Utterance(
                utterance_id=f"own/{speaker}-{label}-{number}",
                path="x.wav",
                domain="own",
                speaker=f"s{speaker}",
                emotion=label,
            )
            for speaker in range(speakers)
            for label in labels
            for number in range(each)
        ],
        seed=0,
    )


def test_enough_speakers_are_tested_by_their_folds():
    found = protocols.choose(clips(6), "auto")
    assert found == protocols.Protocol(folds="speaker_independent", by_speaker=True)


@pytest.mark.parametrize("speakers", [3, 4])
def test_a_few_speakers_are_tested_one_by_one(speakers):
    for asked in ("auto", "speaker_independent"):
        found = protocols.choose(clips(speakers), asked)
        assert (found.folds, found.by_speaker, found.each_speaker) == ("random", True, True)
        assert f"{speakers} speakers: each speaker is tested" in found.remark
        assert "says little of further speakers" in found.remark


@pytest.mark.parametrize(("speakers", "words"), [(1, "1 speaker"), (2, "2 speakers")])
def test_too_few_speakers_are_told_and_not_hidden(speakers, words):
    few = clips(speakers, each=4)
    found = protocols.choose(few, "auto")
    assert (found.folds, found.by_speaker, found.each_speaker) == ("random", False, False)
    assert found.remark.startswith(f"{words}: no speaker-independent estimate")
    assert "optimistic for others" in found.remark
    with pytest.raises(UserError, match=f"speaker_independent: {words}; add speakers"):
        protocols.choose(few, "speaker_independent")


def test_what_was_asked_for_is_kept_and_told():
    found = protocols.choose(clips(6), "random")
    assert (found.folds, found.by_speaker) == ("random", False)
    assert found.remark.startswith("protocol: random was asked for: no speaker-independent")


def test_a_class_of_one_speaker_cannot_be_tested_by_speaker():
    own = [clip for clip in clips(6) if clip.emotion == "anger" or clip.speaker == "s3"]
    found = protocols.choose(own, "auto")
    assert not found.by_speaker
    assert "all clips of fear are in fold" in found.remark
    three = [clip for clip in clips(3, each=4) if clip.emotion == "anger" or clip.speaker == "s1"]
    assert "all clips of fear are in speaker s1: no" in protocols.choose(three, "auto").remark


def test_fewer_clips_than_folds():
    with pytest.raises(UserError, match=r"4 clips leave fold . of the protocol random empty"):
        protocols.choose(clips(1), "auto")


def test_folds_of_the_user_that_share_a_speaker():
    own = clips(10)
    crossing = [
        dataclasses.replace(clip, fold_speaker_independent=place % 5)
        for place, clip in enumerate(own)
    ]
    found = protocols.choose(crossing, "auto")
    assert found.each_speaker
    assert "speaker s0 is in more than one fold" in found.remark
