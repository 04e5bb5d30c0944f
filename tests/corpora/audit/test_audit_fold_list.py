"""Folds made elsewhere, in whatever form."""

import csv

import numpy as np
import pytest
import soundfile
from speechlike import RATE_HZ, sound

from corpora.audit import audit_fold_list
from schemas.errors import UserError


@pytest.fixture
def write(tmp_path):
    """Writes recordings and a list of them; a column without a name is left out."""

    def write(rows, columns=("path", "fold")):
        for seed, row in enumerate(rows):
            path = tmp_path / row[0]
            path.parent.mkdir(exist_ok=True)
            if not path.exists() and "gone" not in path.name:
                soundfile.write(path, sound(seed, duration_s=1.0), RATE_HZ)
        with open(tmp_path / "splits.csv", "w", newline="") as file:
            csv.writer(file).writerows([columns, *rows])
        return tmp_path / "splits.csv"

    return write


def checks(result):
    return {found.check for found in result.findings}


def test_without_further_columns_the_sound_is_checked_and_the_rest_told(write, tmp_path):
    path = write([("a/1.wav", "train"), ("a/2.wav", "dev"), ("a/3.wav", "test")])
    soundfile.write(tmp_path / "a/3.wav", 0.3 * sound(0, duration_s=1.0), RATE_HZ)
    result = audit_fold_list(path, protocol="random")
    assert checks(result) == {"near-identical-audio-across-folds"}
    (found,) = result.findings
    assert found.domains == ("splits",)
    assert found.examples[0].utterance_ids == ("a/1.wav", "a/3.wav")
    assert "a/1.wav (fold train) ≈ a/3.wav (fold test)" in found.examples[0].text
    assert dict(result.not_run) == {
        "label-conflict": "the list has no column emotion",
        "class-missing-in-fold": "the list has no column emotion",
        "speakers-across-folds": "the list has no column speaker",
        "speaker-conflict": "the list has no column speaker",
        "unknown-speakers": "the list has no column speaker",
        "sentences-across-folds": "the list has no column sentence",
        "licence": "the list has no column licence",
    }
    (exclusion,) = result.exclusions
    assert exclusion.path == str(tmp_path / "a/3.wav")
    # Nobody is tested on dev.
    assert not audit_fold_list(path, protocol="random", test_fold="dev").errors


def test_the_checks_that_its_columns_allow(write):
    rows = [
        ("1.wav", "train", "x", "Glad"),
        ("2.wav", "train", "y", "sad"),
        ("3.wav", "test", "x", "glad"),
    ]
    path = write(rows, ("path", "fold", "speaker", "emotion"))
    result = audit_fold_list(path, protocol="speaker_independent", test_fold="test")
    assert {found.check for found in result.errors} == {
        "speakers-across-folds",
        "class-missing-in-fold",
    }
    assert [name for name, _ in result.not_run] == ["sentences-across-folds", "licence"]
    random = audit_fold_list(path, protocol="random", test_fold="test")
    assert {found.check for found in random.errors} == {"class-missing-in-fold"}


def test_segments_of_one_recording(write, tmp_path):
    long = np.concatenate([sound(i, duration_s=1.0) for i in (30, 31, 30)])
    soundfile.write(tmp_path / "long.wav", long, RATE_HZ)
    rows = [("long.wav", "1", 0, 1), ("long.wav", "2", 1, 2), ("long.wav", "3", 2, "")]
    path = write(rows, ("path", "fold", "start_s", "end_s"))
    (found,) = audit_fold_list(path, protocol="random").findings
    assert found.check == "identical-audio-across-folds"
    assert found.examples[0].utterance_ids == ("long.wav@0-1", "long.wav@2-")


def test_a_missing_recording_beside_good_ones(write):
    result = audit_fold_list(write([("gone.wav", "1"), ("2.wav", "2")]), protocol="random")
    assert (result.clips, result.heard, result.unreadable) == (2, 1, 1)
    assert checks(result) == {"unreadable"}


@pytest.mark.parametrize(
    ("rows", "columns", "message"),
    [
        ([("1.wav", "a")], ("path", "part"), "has no column fold"),
        ([("1.wav", "")], ("path", "fold"), "line 2: `fold` is empty"),
        ([("", "a")], ("path", "fold"), "line 2: `path` is empty"),
        ([("1.wav", "a"), ("1.wav", "b")], ("path", "fold"), "line 3: .*line 2: 1.wav"),
        ([], ("path", "fold"), "lists no recording"),
        ([("gone.wav", "a")], ("path", "fold"), "none of the 1 recordings .*no such file"),
        ([("1.wav", "a", "x")], ("path", "fold", "end_s"), "`end_s` must be a number"),
    ],
)
def test_bad_lists(write, tmp_path, rows, columns, message):
    with open(tmp_path / "splits.csv", "w", newline="") as file:
        csv.writer(file).writerows([columns, *rows])
    with pytest.raises(UserError, match=message):
        audit_fold_list(tmp_path / "splits.csv", protocol="random")


def test_a_test_fold_that_is_not_there(write):
    path = write([("1.wav", "train"), ("2.wav", "test")])
    with pytest.raises(UserError, match="test fold tset does not exist; there are test, train"):
        audit_fold_list(path, protocol="random", test_fold="tset")
