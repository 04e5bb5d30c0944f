"""Properties of folds, on random corpora and on shapes of real ones."""

import collections
import hashlib
import random

import pytest

from corpora import folds
from schemas.labels import PAPER_EMOTIONS, VOCABULARY
from schemas.splits import NUM_FOLDS
from schemas.utterance import Utterance


def make(counts, domain="d"):
    """Returns clips for {speaker: {emotion: number}}."""
    return [
        Utterance(
            utterance_id=f"{domain}/{speaker}-{emotion}-{i}",
            path="x.wav",
            domain=domain,
            speaker=speaker,
            emotion=emotion,
        )
        for speaker, emotions in counts.items()
        for emotion, number in emotions.items()
        for i in range(number)
    ]


def random_corpus(seed, words=PAPER_EMOTIONS):
    chance = random.Random(seed)
    emotions = chance.sample(words, chance.randint(2, 6))
    return make(
        {
            f"s{speaker}": {emotion: chance.randint(0, 12) for emotion in emotions}
            for speaker in range(chance.randint(8, 30))
        }
    )


def table(clips, protocol):
    """Returns emotion to clips in each fold."""
    counts = collections.Counter((clip.emotion, clip.fold(protocol)) for clip in clips)
    return {
        emotion: [counts[emotion, fold] for fold in range(NUM_FOLDS)]
        for emotion in {clip.emotion for clip in clips}
    }


def test_folds_of_the_paper_s_emotions_are_those_of_the_time_before_label_sets():
    clips = [
        Utterance(
            utterance_id=f"d/{speaker}-{emotion}-{i}",
            path="x.wav",
            domain="d",
            speaker=f"s{speaker}",
            emotion=emotion,
        )
        for speaker in range(9)
        for number, emotion in enumerate(PAPER_EMOTIONS)
        for i in range((speaker * 7 + number * 5) % 4 + (number != 5 or speaker < 6))
    ]
    assigned = [
        (clip.utterance_id, clip.fold_random, clip.fold_speaker_independent)
        for clip in folds.assign(clips, seed=3)
    ]
    assert len(assigned) == 130
    assert hashlib.sha256(repr(assigned).encode()).hexdigest() == (
        "b4185960ec5cdde8debbcf065d0b2db13d269a717e463cd95f60b4cd71503ac2"
    )


@pytest.mark.parametrize("words", [PAPER_EMOTIONS, (*VOCABULARY, "rude", "urgent")])
@pytest.mark.parametrize("seed", range(8))
def test_random_folds_differ_by_at_most_one_clip(seed, words):
    clips = folds.assign(random_corpus(seed, words), seed=seed)
    for sizes in [*table(clips, "random").values(), list(folds.sizes(clips, "random").values())]:
        assert max(sizes) - min(sizes) <= 1


@pytest.mark.parametrize("words", [PAPER_EMOTIONS, (*VOCABULARY, "rude", "urgent")])
@pytest.mark.parametrize("seed", range(8))
def test_speakers_stay_in_one_fold_and_folds_are_balanced(seed, words):
    clips = folds.assign(random_corpus(seed, words), seed=seed)
    of_speaker = collections.defaultdict(set)
    for clip in clips:
        of_speaker[clip.speaker].add(clip.fold_speaker_independent)
    assert all(len(of) == 1 for of in of_speaker.values())
    assert all(min(sizes) > 0 for sizes in table(clips, "speaker_independent").values())
    # With S speakers no fold can be expected within less than about a speaker of a fifth.
    sizes = folds.sizes(clips, "speaker_independent").values()
    largest = max(collections.Counter(clip.speaker for clip in clips).values())
    assert max(sizes) - min(sizes) <= 1.5 * largest


def test_order_does_not_matter_and_the_seed_does():
    clips = random_corpus(1)
    shuffled = random.Random(0).sample(clips, len(clips))

    def assigned(clips, seed):
        return {
            clip.utterance_id: (clip.fold_random, clip.fold_speaker_independent)
            for clip in folds.assign(clips, seed=seed)
        }

    assert assigned(clips, 0) == assigned(shuffled, 0)
    assert assigned(clips, 0) != assigned(clips, 1)


def test_a_domain_does_not_depend_on_its_company():
    one, other = random_corpus(1), make({str(i): {"fear": 3} for i in range(7)}, domain="e")
    assert folds.assign(one + other, seed=0)[: len(one)] == folds.assign(one, seed=0)


def test_six_equal_speakers_as_in_emovo():
    clips = make({f"f{i}": dict.fromkeys(PAPER_EMOTIONS, 14) for i in range(6)})
    clips = folds.assign(clips, seed=0)
    # One fold must take two speakers; it is the last, as the least representative.
    assert list(folds.sizes(clips, "speaker_independent").values()) == [84, 84, 84, 84, 168]


def test_a_class_of_few_speakers_reaches_as_many_folds_as_it_can():
    # As in URDU: four speakers are angry, and the largest hold half of all.
    counts = {f"s{i}": {"happiness": 5, "sadness": 4} for i in range(12)}
    counts |= {f"a{i}": {"anger": number} for i, number in enumerate((48, 28, 22, 2))}
    clips = folds.assign(make(counts), seed=0)
    by_emotion = table(clips, "speaker_independent")
    assert [bool(number) for number in by_emotion["anger"]] == [True] * 4 + [False]
    assert min(by_emotion["happiness"]) > 0
    assert min(by_emotion["sadness"]) > 0


def test_classes_that_only_a_clever_choice_spreads():
    # A greedy choice by size puts the rare class' speakers together; five folds can have one each.
    counts = {f"big{i}": {"anger": 20 + i} for i in range(5)}
    counts |= {f"rare{i}": {"fear": 1, "anger": 9 * i} for i in range(5)}
    clips = folds.assign(make(counts), seed=0)
    assert table(clips, "speaker_independent")["fear"] == [1] * 5


@pytest.mark.parametrize("speakers", [1, 2, 4])
def test_fewer_speakers_than_folds_is_not_a_crash(speakers):
    clips = folds.assign(make({str(i): {"fear": 4} for i in range(speakers)}), seed=0)
    assert {clip.fold_speaker_independent for clip in clips} == set(range(speakers))
