"""Label sets, and the words that corpora use."""

import pytest

from schemas import labels
from schemas.errors import UserError
from schemas.labels import PAPER, LabelSet


@pytest.mark.parametrize(
    ("spellings", "label"),
    [
        ("happy joy hap HAPPY Happiness joyful", "happiness"),
        ("angry ang ANG Anger", "anger"),
        ("fearful fea fear anxiety", "fear"),
        ("surprised ps sur SUR", "surprise"),
        ("neu neutral NEU", "neutral"),
        ("sad Sadness", "sadness"),
        ("dis disgusted", "disgust"),
        ("exc excited", "excitement"),
        ("fru frustrated", "frustration"),
        ("cal calm", "calm"),
        ("bored boredom", "boredom"),
        ("rude RUDE", "rude"),
    ],
)
def test_published_spellings_stand_for_one_label(spellings, label):
    assert {labels.canonical(spelling) for spelling in spellings.split()} == {label}


def test_every_synonym_stands_for_a_word_of_the_vocabulary_and_is_none():
    assert set(labels.SYNONYMS.values()) <= set(labels.VOCABULARY)
    assert not set(labels.SYNONYMS) & set(labels.VOCABULARY)
    assert all(spelling == labels.word(spelling) for spelling in labels.SYNONYMS)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("paper", PAPER.labels),
        ("Paper+neutral", (*PAPER.labels, "neutral")),
        ("neutral,paper", (*PAPER.labels, "neutral")),
        ("neu, sad , HAP,ang", ("anger", "happiness", "sadness", "neutral")),
        ("urgent,rude,anger", ("anger", "rude", "urgent")),
    ],
)
def test_a_set_has_one_order_however_it_is_written(text, expected):
    assert LabelSet.parse(text).labels == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "anger",
            "--emotions anger: a label set needs at least two labels; this one has anger; na",
        ),
        ("", "at least two labels; this one has none; name others too, of anger, disgust"),
        (
            "happy,sad,joy",
            "--emotions happy,sad,joy: `happy` and `joy` are both happiness; name it",
        ),
        ("paper+angry", r"`paper` and `angry` are both anger"),
        ("anger,ru|de", r"`ru\|de` cannot be a label"),
    ],
)
def test_impossible_sets_are_named(text, message):
    with pytest.raises(UserError, match=message):
        LabelSet.parse(text)


def test_text_and_back():
    label_set = LabelSet(("urgent", "neutral", "anger"))
    assert label_set.to_text() == "urgent|neutral|anger"
    assert LabelSet.from_text(label_set.to_text()) == label_set
    for text in ("anger", "anger|anger", "anger|Happy", "anger||fear"):
        with pytest.raises(UserError):
            LabelSet.from_text(text)


def test_positions_are_those_of_the_set():
    label_set = LabelSet(("sadness", "anger"))
    assert [label_set.index(label) for label in label_set] == [0, 1]
    assert label_set.indices(["anger", "sadness"]) == [0, 1]
    with pytest.raises(ValueError, match="not in tuple"):
        label_set.index("fear")


@pytest.mark.parametrize(
    ("text", "found", "missing"),
    [
        ("paper", "anger", []),
        ("paper+neutral+rude", "anger rude", ["neutral"]),
        ("anger,sadness,neutral", "neutral", ["anger", "sadness"]),
    ],
)
def test_labels_without_a_clip_are_missing_but_of_the_whole_of_the_paper_s(text, found, missing):
    assert LabelSet.parse(text).missing(found.split()) == missing


def test_what_names_no_set_is_the_paper_s_or_just_what_occurs():
    assert labels.inferred(["sadness", "fear"]) == PAPER
    assert labels.inferred(["sadness", "neutral"]).labels == ("sadness", "neutral")
    with pytest.raises(UserError, match="at least two"):
        labels.inferred(["neutral"])
