import dataclasses

import pytest
from many_clips import clip

from corpora.manifest import check_folds
from schemas.errors import UserError


def folded(number, fold, **changes):
    return clip(number, fold_random=fold, fold_speaker_independent=fold, **changes)


GOOD = [folded(i, i % 5) for i in range(20)]


def test_good_folds_pass():
    for protocol in ("random", "speaker_independent"):
        check_folds(GOOD, protocol)
        check_folds(GOOD, protocol, test_fold=2)


@pytest.mark.parametrize(
    ("clips", "protocol", "message"),
    [
        (GOOD[:4], "random", "domain d: 4 clips are fewer than the 5 folds"),
        ([clip(i) for i in range(20)], "random", "domain d: has clips without a fold.*ser corpora"),
        (
            [dataclasses.replace(c, speaker=str(int(c.speaker) % 4)) for c in GOOD],
            "speaker_independent",
            r"domain d: 4 speakers \(0, 1, 2, 3\) are fewer than the 5 folds",
        ),
        (
            [c for c in GOOD if (c.fold_random, c.emotion) != (3, "fear")],
            "random",
            r"domain d: fold 3 has no clip of fear under the protocol random \(8 clips",
        ),
        (
            [*GOOD, folded(20, 1, speaker="0")],
            "speaker_independent",
            "domain d: speaker 0 is in more than one fold",
        ),
        (GOOD, "by_moon", "protocol `by_moon` does not exist"),
    ],
)
def test_impossible_folds_are_named(clips, protocol, message):
    good = [dataclasses.replace(c, domain="good", utterance_id=f"g{c.path}") for c in GOOD]
    with pytest.raises(UserError, match=message) as error:
        check_folds(good + clips, protocol)
    assert "domain good" not in str(error.value)


def test_a_single_test_fold_needs_its_classes_and_something_to_train_on():
    clips = [c for c in GOOD if (c.fold_random, c.emotion) != (3, "fear")]
    check_folds(clips, "random", test_fold=0)
    with pytest.raises(UserError, match=r"fold 3 .*test folds that have it \(0, 1, 2, 4\)"):
        check_folds(clips, "random", test_fold=3)
    only = [c for c in GOOD if c.emotion == "anger" or c.fold_random == 0]
    with pytest.raises(UserError, match="fear is in no other fold than 0"):
        check_folds(only, "random", test_fold=0)
