"""The worked example of docs/your-own-corpus.md is a reader that works."""

import re
import types
from pathlib import Path

import pytest

from cli.corpora.index import epilog
from corpora.indexing.index import index
from corpora.readers import READERS, corpora, display
from schemas.labels import VOCABULARY

DOCS = Path(__file__).parents[3] / "docs"
DOC = DOCS / "your-own-corpus.md"


@pytest.fixture
def kitchen(monkeypatch):
    (source,) = re.findall(r"```python\n(.*?)```", DOC.read_text(encoding="utf-8"), re.DOTALL)
    module = types.ModuleType("kitchen")
    exec(compile(source, str(DOC), "exec"), module.__dict__)
    monkeypatch.setitem(READERS, "kitchen", module)
    return module


def test_it_reads_a_corpus_of_its_kind(kitchen, tmp_path, write_tone):
    for cook in ("anna", "ben", "cleo", "dan", "eve"):
        for word in ("furious", "merry", "weepy"):
            write_tone(tmp_path / "kitchen" / cook / f"s3-{word}-1.wav")
    write_tone(tmp_path / "kitchen/anna/s3-plain-1.wav")
    write_tone(tmp_path / "kitchen/anna/s3-hungry-1.wav")
    write_tone(tmp_path / "kitchen/fred/s1-merry-1.wav")
    (tmp_path / "kitchen/menu.txt").write_text("soup")

    result = index([("kitchen", tmp_path / "kitchen")])

    assert result.count("kitchen", "used") == 15
    assert result.reasons("kitchen", "skipped") == {
        "folder fred is none of anna, ben, cleo, dan, eve": 1,
        "name does not match Kitchen's pattern, like s3-furious-2": 1,
        "neutral": 1,
        "not a recording (.txt)": 1,
    }
    clip = next(
        clip for clip in result.utterances if clip.utterance_id == "kitchen/anna/s3-weepy-1"
    )
    assert (clip.emotion, clip.gender, clip.sentence) == ("sadness", "female", "s3")
    assert sorted({clip.fold_speaker_independent for clip in result.utterances}) == [0, 1, 2, 3, 4]


def test_it_offers_what_every_reader_offers(kitchen):
    offered = {name for name in vars(READERS["emodb"]) if name.isupper()} - {"MALE", "FEMALE"}
    assert offered <= set(vars(kitchen))
    assert display("kitchen") == "Kitchen"
    assert "  kitchen    English, acted" in epilog()
    assert "kitchen/anna/s3-furious-2.wav" in epilog()


def test_the_table_of_quirks_names_corpora_and_options_that_there_are():
    text = DOC.read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| `(.+?)`", text, re.MULTILINE)
    assert dict(rows) == {
        corpus.name: corpus.layout for corpus in corpora() if corpus.name in dict(rows)
    }
    assert len(rows) >= 11
    for name, reader in READERS.items():
        for option, choice in reader.CORPUS.options.items():
            assert (
                f"`{name}.{option}` = {', '.join(f'`{value}`' for value in choice.allowed)}" in text
            )


def test_the_vocabulary_is_that_of_the_program():
    text = " ".join((DOCS / "corpora.md").read_text(encoding="utf-8").split())
    assert ", ".join(VOCABULARY) in text
