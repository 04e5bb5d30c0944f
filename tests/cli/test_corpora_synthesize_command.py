import argparse
import inspect
import json
import shlex

import pytest

from cli import corpora as command
from cli.corpora import synthesize as command_synthesize
from corpora import synthetic
from corpora.indexing.index import index
from schemas.errors import UserError
from schemas.labels import LabelSet


def parse(*arguments):
    parser = argparse.ArgumentParser()
    command.add_parser(parser.add_subparsers())
    return parser.parse_args(["corpora", "synthesize", *map(str, arguments)])


def synthesize(*arguments):
    return command.run(parse(*arguments))


def test_it_says_what_was_made_that_it_is_synthetic_and_what_is_next(tmp_path, capsys):
    out = tmp_path / "my twin"
    assert synthesize("--out", out, "--corpus", "emodb", "--scale", 0.05, "--seed", 3) == 0
    shown = capsys.readouterr().out
    row = next(line for line in shown.splitlines() if line.startswith("│ emodb"))
    # Usual, too long, skipped, damaged, all.
    assert row.replace("│", " ").split()[1:6] == ["50", "2", "4", "0", "56"]
    assert "results on it say nothing about real emotional speech" in shown
    # The command it prints can be run as it is: it says the folder that was made.
    [line] = [line for line in shown.splitlines() if line.startswith("next: ")]
    words = shlex.split(line.removeprefix("next: "))
    assert words == [
        *("ser", "corpora", "index", "--corpus", f"emodb={out}/emodb", "--out"),
        f"{out}/speech.csv",
    ]
    indexed = index([("emodb", str(out / "emodb"))])
    assert (indexed.count("emodb", None), indexed.count("emodb", "used")) == (56, 52)


def test_further_labels_are_made_and_indexed(tmp_path, capsys):
    arguments = ("--out", tmp_path, "--corpus", "emodb", "--scale", 0.02)
    assert synthesize(*arguments, "--emotions", "paper+neutral") == 0
    shown = capsys.readouterr().out
    row = next(line for line in shown.splitlines() if line.startswith("│ emodb"))
    # Six labels of ten clips, and two bored ones.
    assert row.replace("│", " ").split()[1:6] == ["60", "3", "2", "0", "65"]
    assert "emodb --emotions paper+neutral --out" in shown
    assert "anger, disgust, fear, happiness, sadness, surprise, neutral: clips of all" in (
        tmp_path / "README.txt"
    ).read_text(encoding="utf-8")
    stamp = json.loads((tmp_path / synthetic.STAMP).read_text())
    assert stamp["labels"][-1] == "neutral"
    label_set = LabelSet.parse("paper+neutral")
    indexed = index([("emodb", tmp_path / "emodb")], label_set=label_set)
    assert indexed.count("emodb", "used") == 63
    # For the paper's labels it is made anew.
    synthesize(*arguments)
    assert "labels" not in json.loads((tmp_path / synthetic.STAMP).read_text())
    assert "clips of all" not in (tmp_path / "README.txt").read_text(encoding="utf-8")


def test_without_names_all_six_at_the_default_scale():
    arguments = parse("--out", "somewhere")
    default = inspect.signature(synthetic.synthesize).parameters["scale"].default
    assert arguments.corpus is None
    assert tuple(synthetic.CORPORA) == command_synthesize.SYNTHETIC
    assert (arguments.scale, arguments.seed) == (default, 0)


def test_a_corpus_that_cannot_be_imitated_is_refused_with_those_that_can(capsys):
    with pytest.raises(SystemExit):
        parse("--out", "x", "--corpus", "ravdess")
    assert "afew" in capsys.readouterr().err


def test_a_folder_that_is_a_file_is_an_error_in_words(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="file: is a file; --out takes a folder"):
        synthesize("--out", tmp_path / "file", "--corpus", "emodb")
    with pytest.raises(UserError, match="cannot be written"):
        synthesize("--out", tmp_path / "file" / "below", "--corpus", "emodb")
