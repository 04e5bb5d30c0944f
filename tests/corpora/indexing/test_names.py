"""Names of any script and spelling, from a list to a manifest and back."""

import unicodedata

import pytest

from corpora import manifest
from corpora.indexing.index import index
from schemas.errors import UserError
from schemas.labels import LabelSet

HEADER = "path,domain,speaker,emotion,sentence\n"
SPEAKERS = ("Jürgen", "张伟", 'O"Neil, & <b>', "a\rb", "a\nb", "$1_%{}\\")
LABELS = ("wütend", "traurig")


def test_names_survive(tmp_path, write_tone):
    rows = []
    for number, speaker in enumerate(SPEAKERS):
        write_tone(tmp_path / f"é\r{number}\n.wav")
        quoted = speaker.replace('"', '""')
        rows.append(f'"é\r{number}\n.wav",звонки,"{quoted}",{LABELS[number % 2]},"{quoted}"\n')
    with open(tmp_path / "l.csv", "w", newline="") as file:
        file.write(HEADER + "".join(rows))
    result = index([("csv", tmp_path / "l.csv")], label_set=LabelSet(LABELS))
    assert [clip.speaker for clip in result.utterances] == list(SPEAKERS)
    assert {clip.path for clip in result.utterances} == {
        str(path) for path in tmp_path.glob("*.wav")
    }
    written = result.write(tmp_path / "m.csv")
    assert manifest.read(written["manifest"]).utterances == result.utterances
    assert manifest.read_account(written["account"]) == result.account


def test_names_in_two_unicode_forms_are_one(tmp_path, write_tone):
    for form in ("NFC", "NFD"):
        write_tone(tmp_path / f"{form}.wav")
    rows = [
        unicodedata.normalize(form, f"{form}.wav,zażółć,Jürgen,wütend,é\n")
        for form in ("NFC", "NFD")
    ]
    (tmp_path / "l.csv").write_text(HEADER + "".join(rows))
    label_set = LabelSet.parse(unicodedata.normalize("NFD", "wütend,anger"))
    with pytest.raises(UserError, match="no clip is labelled anger"):
        index([("csv", tmp_path / "l.csv")], label_set=label_set)
    label_set = LabelSet.parse("paper+wütend")
    clips = index([("csv", tmp_path / "l.csv")], label_set=label_set).utterances
    assert len({(clip.domain, clip.speaker, clip.emotion, clip.sentence) for clip in clips}) == 1


@pytest.mark.parametrize("domain", ["multi-domain", "a b", "a/b"])
def test_a_domain_that_cannot_name_a_model_is_told_at_indexing(tmp_path, write_tone, domain):
    write_tone(tmp_path / "a.wav")
    (tmp_path / "l.csv").write_text(f"{HEADER}a.wav,{domain},s,anger,\n")
    with pytest.raises(UserError, match=r"l.csv, line 2: domain `.*` cannot name a model: "):
        index([("csv", tmp_path / "l.csv")])
