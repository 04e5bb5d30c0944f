"""`ser corpora index` as a user sees it."""

import argparse
import csv
import json

import numpy as np
import pytest
import soundfile

from cli import corpora as command
from cli.corpora import index as command_index
from corpora import manifest
from corpora.readers import READERS
from schemas.errors import UserError


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
            samples = np.full(1_600 + i, ord(letter) / 1_000)
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
    assert len(manifest.read(out).utterances) == 25
    assert "licence of emodb: open" in shown
    with open(tmp_path / "made" / "speech.sources.json", encoding="utf-8") as file:
        (source,) = json.load(file)["sources"]
    assert (source["corpus"], source["folder"], source["domains"]) == (
        "emodb",
        str(emodb),
        ["emodb"],
    )
    assert [source[key] for key in ("found", "used", "skipped", "unreadable")] == [28, 25, 2, 1]
    assert (source["language"], source["elicitation"]) == ("de", "acted")
    assert "CC0" in source["licence"]
    assert "Burkhardt" in source["citation"]
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


def test_the_help_tells_every_corpus_and_option(capsys):
    with pytest.raises(SystemExit) as stopped:
        ser("index", "--help")
    assert stopped.value.code == 0
    lines = capsys.readouterr().out.splitlines()
    for name, reader in READERS.items():
        (line,) = [line for line in lines if line.startswith(f"  {name} ")]
        assert line.endswith(reader.CORPUS.layout)
        for option, choice in reader.CORPUS.options.items():
            (line,) = [line for line in lines if line.startswith(f"  {name}.{option} ")]
            assert " | ".join(choice.allowed) in line


def test_other_label_sets_and_mappings(emodb, tmp_path, capsys):
    soundfile.write(emodb / "wav/03a01La.wav", np.full(1_600, 0.3), 16_000)
    arguments = ["index", "--corpus", f"emodb={emodb}", "--out", tmp_path / "m.csv"]
    assert ser(*arguments, "--emotions", "paper+neutral", "--label", "emodb.boredom=NEU") == 0
    shown = capsys.readouterr().out
    assert "label emodb.boredom=neutral\n" in shown
    rows = [line.split() for line in shown.splitlines()]
    assert ["emodb", "5", "5", "5", "5", "5", "0", "2"] in rows
    found = manifest.read(tmp_path / "m.csv")
    assert found.labels.labels[-1] == "neutral"
    assert len(found.utterances) == 27
    (source,) = json.loads((tmp_path / "m.sources.json").read_text())["sources"]
    assert source["words"] == {"boredom": "neutral"}
    ser(*arguments, "--label", "emodb.contempt=skip")
    warning = "warning: --label emodb.contempt: no clip of emodb is labelled contempt"
    assert warning in capsys.readouterr().out


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        (["--emotions", "anger"], "--emotions anger: a label set needs at least two"),
        (["--emotions", "happy,joy"], "`happy` and `joy` are both happiness"),
        (["--emotions", "paper+contempt"], "no clip is labelled contempt"),
        (["--label", "emodb.x"], "--label emodb.x: must be CORPUS.WORD=LABEL, like csv.hap=happ"),
        (["--label", "emodb.boredom=calm"], "--label emodb.boredom=calm: calm is not in the label"),
        (["--label", "csv.x=anger"], "label csv.x: corpus csv is not among those given"),
        (["--label", "a.x=anger", "--label", "a.x=fear"], "--label a.x: is given twice"),
    ],
)
def test_bad_labels_are_named(emodb, tmp_path, extra, message):
    with pytest.raises(UserError, match=message):
        ser("index", "--corpus", f"emodb={emodb}", *extra, "--out", tmp_path / "m.csv")
    assert not (tmp_path / "m.csv").exists()


def test_options_are_printed_and_recorded(tmp_path, capsys):
    names = ["Train/Angry/000046280", "Train/Happy/000051454", "Val/Sad/000149120"]
    for i, name in enumerate(names):
        path = tmp_path / f"afew/{name}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, np.full(1_600, 0.1 * (i + 1)), 16_000)
    source = f"afew={tmp_path / 'afew'}"
    for option, used in ((None, 3), ("train", 2)):
        extra = ["--option", f"afew.parts={option}"] if option else []
        assert ser("index", "--corpus", source, *extra, "--out", tmp_path / "m.csv") == 0
        shown = capsys.readouterr().out
        assert f"option afew.parts={option or 'train+val'}\n" in shown
        assert len(manifest.read(tmp_path / "m.csv").utterances) == used
        (only,) = json.loads((tmp_path / "m.sources.json").read_text())["sources"]
        assert only["options"] == {"parts": option or "train+val"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["emodb"], "--option emodb: must be CORPUS.NAME=VALUE, like afew.parts=train"),
        (["emodb.x="], "must be CORPUS.NAME=VALUE"),
        (["emodb.x=1"], "option emodb.x does not exist; emodb has no options"),
        (["afew.parts=train"], "option afew.parts: corpus afew is not among"),
        (["a.b=1", "a.b=2"], "--option a.b: is given twice"),
    ],
)
def test_bad_options_are_named(emodb, tmp_path, options, message):
    extra = [word for option in options for word in ("--option", option)]
    with pytest.raises(UserError, match=message):
        ser("index", "--corpus", f"emodb={emodb}", *extra, "--out", tmp_path / "m.csv")
    assert not (tmp_path / "m.csv").exists()


def test_excluded_utterances_are_skipped_with_their_reason(emodb, tmp_path, capsys):
    table = tmp_path / "duplicates.csv"
    table.write_text(
        "utterance_id,path,reason\n"
        f"emodb/03a01Wa,{emodb}/wav/08a01Wa.wav,same audio as emodb/08a01Wa\n"  # the id counts
        ",emodb/wav/08a01Ea.wav,\n"  # relative to the table
        "emodb/gone,,was there last year\n"
    )
    out = tmp_path / "m.csv"
    ser("index", "--corpus", f"emodb={emodb}", "--exclude", table, "--out", out)
    left = {clip.utterance_id for clip in manifest.read(out).utterances}
    assert len(left) == 23
    assert "emodb/08a01Wa" in left
    with open(tmp_path / "m.account.csv", newline="") as file:
        reasons = {
            row["path"].split("/")[-1]: row["reason"]
            for row in csv.DictReader(file)
            if row["reason"].startswith("excluded")
        }
    assert reasons == {
        "03a01Wa.wav": "excluded: same audio as emodb/08a01Wa",
        "08a01Ea.wav": "excluded: listed in duplicates.csv",
    }
    shown = capsys.readouterr().out
    assert "skipped of emodb: 2 excluded; 1 neutral" in shown
    assert (
        f"warning: {table}: 1 of its entries name nothing in these corpora, like emodb/g" in shown
    )


def test_a_table_that_names_no_utterance_is_refused(emodb, tmp_path):
    table = tmp_path / "wrong.csv"
    table.write_text("clip,reason\na.wav,bad\n")
    with pytest.raises(UserError, match=r"wrong.csv, line 2: names no utterance"):
        ser("index", "--corpus", f"emodb={emodb}", "--exclude", table, "--out", tmp_path / "m.csv")


def test_a_second_index_reads_only_what_changed(emodb, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("corpora.indexing.probe_cache.YOUNG_NS", 0)
    arguments = ("index", "--corpus", f"emodb={emodb}", "--out", tmp_path / "m.csv")
    for extra, line in [
        ([], "26 recordings read, 0 unchanged since last time"),
        ([], "0 recordings read, 26 unchanged since last time"),
        (["--reread"], "26 recordings read, 0 unchanged since last time"),
    ]:
        ser(*arguments, *extra)
        assert line in capsys.readouterr().out


def test_the_same_bytes_twice_are_told(emodb, tmp_path, capsys):
    (emodb / "wav/03a02Wa.wav").write_bytes((emodb / "wav/03a01Wa.wav").read_bytes())
    ser("index", "--corpus", f"emodb={emodb}", "--out", tmp_path / "m.csv")
    assert (
        "warning: 1 pair of recordings of emodb are the same byte for byte,"
        " like emodb/03a01Wa and emodb/03a02Wa" in capsys.readouterr().out
    )


def test_audb_downloads_and_reads_as_audformat(tmp_path, monkeypatch):
    asked = []

    def download(spec):
        asked.append(spec)
        return tmp_path

    monkeypatch.setattr("corpora.readers.audformat_db.download", download)
    assert command_index._parse_source("audb:emodb==1.4.1") == ("audformat", str(tmp_path))
    assert asked == ["emodb==1.4.1"]
