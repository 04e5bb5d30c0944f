"""`ser corpora` as a user sees it."""

import argparse
import csv
import subprocess
import sys

import numpy as np
import pytest
import soundfile

from cli import corpora as command
from cli.corpora import index as command_index
from cli.corpora import synthesize as command_synthesize
from corpora import manifest, synthetic
from corpora.readers import READERS
from modules.errors import UserError


def ser(*arguments):
    parser = argparse.ArgumentParser()
    command.add_parser(parser.add_subparsers())
    return command.run(parser.parse_args(["corpora", *map(str, arguments)]))


@pytest.fixture
def emodb(tmp_path):
    """Five speakers, five emotions, one neutral clip, one empty file, one text."""
    folder = tmp_path / "emodb"
    (folder / "wav").mkdir(parents=True)
    for i, speaker in enumerate(("03", "08", "09", "10", "11")):
        for letter in "WEAFT":
            samples = np.full(1_600 + i, 0.1)
            soundfile.write(folder / f"wav/{speaker}a01{letter}a.wav", samples, 16_000)
    soundfile.write(folder / "wav/03a01Na.wav", np.zeros(1_600), 16_000)
    (folder / "wav/08a02Wa.wav").write_bytes(b"")
    (folder / "notes.txt").write_text("")
    return folder


def test_index_tells_what_it_found_and_where_it_wrote(emodb, tmp_path, capsys):
    out = tmp_path / "made" / "speech.csv"
    assert ser("index", "--corpus", f"emodb={emodb}", "--out", out) == 0
    shown = capsys.readouterr().out
    row = next(line for line in shown.splitlines() if "emodb" in line and "│" in line)
    assert [cell.strip() for cell in row.strip("│").split("│")][:6] == [
        "emodb",
        "28",
        "25",
        "2",
        "1",
        "5",
    ]
    assert "skipped of emodb: 1 neutral; 1 not a recording (.txt)" in shown
    assert "unreadable of emodb: 1 empty file" in shown
    assert "warning" not in shown
    account = tmp_path / "made" / "speech.account.csv"
    assert f"manifest: {out} (25 utterances)" in shown
    assert f"account:  {account} (28 files)" in shown
    assert len(manifest.read(out)) == 25
    with open(account, newline="") as file:
        statuses = [row["status"] for row in csv.DictReader(file)]
    assert (statuses.count("used"), statuses.count("skipped"), len(statuses)) == (25, 2, 28)


def test_index_twice_is_the_same_file_and_another_seed_is_not(emodb, tmp_path):
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        ser("index", "--corpus", f"emodb={emodb}", "--out", tmp_path / name, "--seed", seed)
    a, b, c = ((tmp_path / name).read_bytes() for name in "abc")
    assert a == b
    assert a != c


def test_index_warns_of_folds_that_lack_a_class(emodb, tmp_path, capsys):
    for speaker in ("08", "09"):
        (emodb / f"wav/{speaker}a01Wa.wav").unlink()
    ser("index", "--corpus", f"emodb={emodb}", "--out", tmp_path / "m.csv")
    warnings = [line for line in capsys.readouterr().out.splitlines() if "warning" in line]
    assert len(warnings) == 4  # three speakers are angry: two folds lack it under each protocol
    assert all("has no clip of anger" in line for line in warnings)


def test_bad_arguments_are_named(emodb, tmp_path):
    with pytest.raises(UserError, match="--corpus emodb: must be NAME=PATH"):
        ser("index", "--corpus", "emodb", "--out", tmp_path / "m.csv")
    with pytest.raises(UserError, match="is a folder; give the name of a file"):
        ser("index", "--corpus", f"emodb={emodb}", "--out", tmp_path)
    with pytest.raises(UserError, match="does not exist"):
        ser("index", "--corpus", f"emodb={tmp_path}/no", "--out", tmp_path / "m.csv")
    assert not (tmp_path / "m.csv").exists()


def test_synthesize_says_that_it_is_synthetic_and_what_is_next(tmp_path, capsys):
    out = tmp_path / "synthetic"
    assert ser("synthesize", "--out", out, "--corpus", "emodb", "--scale", 0.1, "--seed", 3) == 0
    shown = capsys.readouterr().out
    assert f"emodb: 54 synthetic clips in {out}/emodb" in shown
    assert "results on it say nothing about real emotional speech" in shown
    assert f"next: ser corpora index --corpus emodb={out}/emodb --out" in shown


def test_names_in_the_help_are_those_of_the_lower_layer():
    assert tuple(READERS) == command_index.CORPORA
    assert tuple(synthetic.CORPORA) == command_synthesize.SYNTHETIC


def test_the_parser_needs_only_the_standard_library():
    script = (
        "import sys, argparse; from cli import corpora\n"
        "corpora.add_parser(argparse.ArgumentParser().add_subparsers())\n"
        "print([m for m in ('numpy', 'rich', 'soundfile', 'av') if m in sys.modules])"
    )
    assert subprocess.check_output([sys.executable, "-c", script], text=True).strip() == "[]"
