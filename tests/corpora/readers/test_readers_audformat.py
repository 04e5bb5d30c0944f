"""Databases in the format audformat, made here with the library itself."""

import sys
import types

import audformat
import pandas as pd
import pytest

from corpora.indexing.index import index
from corpora.readers import READERS
from corpora.readers.audformat_db import download
from schemas.errors import UserError


def column(table, name, scheme, values):
    table[name] = audformat.Column(scheme_id=scheme)
    table[name].set(values)


@pytest.fixture
def database(tmp_path, write_tone):
    """Six recordings; one in two segments, one with two opinions, one with none."""
    db = audformat.Database("calls", languages=["deu", "eng"], license="CC0-1.0")
    db.schemes["emotion"] = audformat.Scheme(labels=["angry", "joy", "sadness", "neutral"])
    db.schemes["speaker"] = audformat.Scheme(
        labels={"ann": {"gender": "female", "language": "deu"}, "bob": {"gender": "male"}}
    )
    db.schemes["transcription"] = audformat.Scheme(labels={"t1": "Guten Tag.", "t2": "Ja."})
    files = [f"audio/{number}.wav" for number in range(1, 6)]
    db["files"] = audformat.Table(audformat.filewise_index(files))
    column(db["files"], "speaker", "speaker", ["ann", "bob", "ann", "bob", None])
    column(db["files"], "transcription", "transcription", ["t1", "t2", "t1", "t2", None])
    db["whole"] = audformat.Table(audformat.filewise_index([files[0], *files[2:]]))
    column(db["whole"], "emotion", "emotion", ["angry", "neutral", "sadness", "joy"])
    db["parts"] = audformat.Table(
        audformat.segmented_index([files[1]] * 2, ["0s", "0.5s"], ["0.5s", "NaT"])
    )
    column(db["parts"], "emotion", "emotion", ["joy", "sadness"])
    db["other opinion"] = audformat.Table(audformat.filewise_index([files[3]]))
    column(db["other opinion"], "emotion", "emotion", ["angry"])
    root = tmp_path / "above" / "calls"
    db.save(str(root))
    for file in [*files, "audio/9.wav"]:
        write_tone(root / file, duration_s=1.0)
    return root


def read(root):
    return list(READERS["audformat"].read(root))


def test_every_segment_and_every_other_file_is_reported(database):
    items = read(database)
    used = {item.utterance.utterance_id: item.utterance for item in items if item.utterance}
    assert {
        name: (clip.emotion, clip.speaker, clip.gender, clip.language, clip.sentence)
        for name, clip in used.items()
    } == {
        "calls/audio/1": ("angry", "ann", "female", "de", "t1"),
        "calls/audio/2@0-0.5": ("joy", "bob", "male", "", "t2"),
        "calls/audio/2@0.5-": ("sadness", "bob", "male", "", "t2"),
        "calls/audio/3": ("neutral", "ann", "female", "de", "t1"),
        "calls/audio/5": ("joy", "unknown:audio/5", "", "", ""),
    }
    assert (used["calls/audio/1"].start_s, used["calls/audio/1"].end_s) == (None, None)
    assert (used["calls/audio/2@0-0.5"].start_s, used["calls/audio/2@0-0.5"].end_s) == (0.0, 0.5)
    assert (used["calls/audio/2@0.5-"].start_s, used["calls/audio/2@0.5-"].end_s) == (0.5, None)
    assert {clip.licence for clip in used.values()} == {"CC0-1.0"}
    assert {clip.domain for clip in used.values()} == {"calls"}
    reasons = {item.path.name: item.reason for item in items if item.reason}
    assert {name: reason for name, reason in reasons.items() if name.endswith(".wav")} == {
        "4.wav": "no emotion, or labels that disagree",
        "9.wav": "no emotion in the database",
    }
    assert len(items) == 5 + 2 + len(list(database.glob("db.*")))


def test_it_is_indexed_with_rates_and_durations(database):
    result = index([("audformat", database)])
    clips = result.utterances
    assert [clip.emotion for clip in clips] == ["anger", "happiness", "sadness", "happiness"]
    assert result.reasons("calls", "skipped")["neutral"] == 1
    durations = {clip.utterance_id: clip.duration_s for clip in clips}
    assert durations == {
        "calls/audio/1": 1.0,
        "calls/audio/2@0-0.5": 0.5,
        "calls/audio/2@0.5-": 0.5,
        "calls/audio/5": 1.0,
    }


def test_tables_are_read_from_csv_or_parquet_and_never_unpickled(database):
    from_csv = [item for item in read(database) if item.path.suffix == ".wav"]
    before = sorted(database.iterdir())
    for table in database.glob("db.*.csv"):
        pd.read_csv(table).to_parquet(table.with_suffix(".parquet"))
        table.unlink()
        table.with_suffix(".pkl").write_bytes(b"no pickle")
    assert [item for item in read(database) if item.path.suffix == ".wav"] == from_csv
    assert len(sorted(database.iterdir())) == len(before) + 4, "nothing is written into the folder"


@pytest.mark.parametrize("other", ["..", "audio"])
def test_a_folder_above_or_inside_is_recognised(database, other):
    assert read(database / other) == read(database)


def test_a_missing_recording_stays_in_the_account(database):
    (database / "audio/1.wav").unlink()
    result = index([("audformat", database)])
    assert result.count("calls", "unreadable") == 1
    assert result.reasons("calls", "unreadable") == {"no such file": 1}


def test_one_language_of_the_database_is_that_of_its_clips(database):
    header = database / "db.yaml"
    header.write_text(header.read_text().replace("languages: [deu, eng]", "languages: [eng]"))
    languages = {
        item.utterance.speaker: item.utterance.language for item in read(database) if item.utterance
    }
    assert languages == {"ann": "de", "bob": "en", "unknown:audio/5": "en"}


def test_what_is_wrong_is_told(database, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=r"empty: is no audformat database.*has db\.yaml"):
        read(tmp_path / "empty")
    second = tmp_path / "above" / "second"
    second.mkdir()
    (second / "db.yaml").write_text("name: [")
    with pytest.raises(UserError, match=r"several audformat databases .*calls.*second"):
        read(tmp_path / "above")
    with pytest.raises(UserError, match=r"second/db\.yaml: cannot be read as an audformat"):
        read(second)
    (database / "db.whole.csv").unlink()
    with pytest.raises(UserError, match=r"calls/db\.yaml: the table whole is missing"):
        read(database)


def test_a_database_without_emotions_is_told(tmp_path):
    db = audformat.Database("silence")
    db.schemes["loudness"] = audformat.Scheme("float")
    db["files"] = audformat.Table(audformat.filewise_index(["1.wav"]))
    column(db["files"], "loudness", "loudness", [1.0])
    db.save(str(tmp_path))
    with pytest.raises(UserError, match=r"has no emotions.*its schemes are loudness"):
        read(tmp_path)


def test_download_without_audb_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "audb", None)
    with pytest.raises(UserError, match=r"audb:emodb: audb is not installed.*ser-tfx\[audb\]"):
        download("emodb")


def test_download_takes_name_and_version(monkeypatch, tmp_path):
    asked = []

    def load(name, *, version):
        asked.append((name, version))
        if name != "emodb":
            raise RuntimeError(f"Cannot find version for database '{name}'.")
        return types.SimpleNamespace(root=str(tmp_path))

    monkeypatch.setitem(sys.modules, "audb", types.SimpleNamespace(load=load))
    assert download("emodb") == tmp_path
    assert download("emodb==1.4.1") == tmp_path
    with pytest.raises(UserError, match=r"audb:emod: cannot be downloaded: Cannot find version"):
        download("emod")
    assert asked == [("emodb", None), ("emodb", "1.4.1"), ("emod", None)]
