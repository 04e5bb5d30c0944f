"""`ser corpora audit` as a user sees it."""

import argparse
import csv
import json

import pytest
import soundfile
from speechlike import RATE_HZ, sound

from cli import corpora as command
from corpora import manifest
from schemas.errors import UserError
from schemas.utterance import Utterance


def ser(*arguments):
    parser = argparse.ArgumentParser()
    command.add_parser(parser.add_subparsers())
    return command.run(parser.parse_args(["corpora", *map(str, arguments)]))


@pytest.fixture
def speech(tmp_path):
    """A manifest of five clips of five speakers; the last is the first at half the level."""
    utterances = []
    for fold in range(5):
        samples = sound(fold, duration_s=1.0) if fold < 4 else 0.5 * sound(0, duration_s=1.0)
        soundfile.write(tmp_path / f"{fold}.wav", samples, RATE_HZ)
        utterances.append(
            Utterance(
                utterance_id=f"mine/{fold}",
                path=str(tmp_path / f"{fold}.wav"),
                domain="mine",
                speaker=str(fold),
                emotion="anger",
                fold_random=fold,
                fold_speaker_independent=fold,
            )
        )
    manifest.write(manifest.Manifest.of(utterances), tmp_path / "speech.csv")
    return tmp_path / "speech.csv"


def test_errors_are_told_written_and_the_exit_status(speech, tmp_path, capsys):
    audit_json, drop = tmp_path / "audit.json", tmp_path / "drop.csv"
    assert ser("audit", speech, "--json", audit_json, "--write-exclusions", drop) == 1
    shown = capsys.readouterr().out.splitlines()
    assert shown[0] == "errors"
    assert "  mine: near-identical-audio-across-folds" in shown
    assert any("mine/0 (fold 0) ≈ mine/4 (fold 4)" in line for line in shown)
    assert "5 clips of 1 domain: 5 heard" in shown
    verdict = next(line for line in shown if line.startswith("do not trust"))
    assert "1 error," in verdict
    assert f"exclusions: {drop} (1 utterance)" in shown
    record = json.loads(audit_json.read_text())
    assert record["findings"][0]["examples"][0]["utterance_ids"] == ["mine/0", "mine/4"]
    with open(drop, newline="") as file:
        (row,) = csv.DictReader(file)
    assert row == {
        "utterance_id": "mine/4",
        "path": str(tmp_path / "4.wav"),
        "reason": "near-identical-audio as mine/0",
    }


def test_warnings_alone_are_success(speech):
    assert ser("audit", speech, "--test-fold", 2) == 0


def test_a_fold_list(speech, tmp_path, capsys):
    (tmp_path / "splits.csv").write_text("path,fold\n0.wav,train\n1.wav,test\n4.wav,test\n")
    assert ser("audit", "--fold-list", tmp_path / "splits.csv", "--test-fold", "test") == 1
    shown = capsys.readouterr().out
    assert "splits: near-identical-audio-across-folds" in shown
    assert "speakers-across-folds: the list has no column speaker" in shown


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "either a MANIFEST or --fold-list"),
        (["MANIFEST", "--fold-list", "x.csv"], "either a MANIFEST or --fold-list"),
        (["MANIFEST", "--test-fold", "test"], "--test-fold test: must be the number of a fold"),
        (["MANIFEST", "--test-fold", "7"], "test fold 7 does not exist"),
        (["MANIFEST", "--workers", "0"], "--workers 0"),
        (["MANIFEST", "--json", "nowhere/a.json"], "in a folder that does not exist"),
        (["nothing.csv"], "nothing.csv: no such file"),
    ],
)
def test_bad_arguments_are_named(speech, arguments, message):
    with pytest.raises(UserError, match=message):
        ser("audit", *(speech if name == "MANIFEST" else name for name in arguments))
