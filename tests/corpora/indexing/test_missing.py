"""What an index says of recordings that are not where a list says."""

import os
import unicodedata

import pytest

from corpora import manifest
from corpora.indexing.index import index
from corpora.indexing.result import NothingUsableError

HEADER = "path,domain,speaker,emotion\n"


@pytest.fixture
def listed(tmp_path, write_tone):
    """Indexes a list of one path beside a recording `w/ä 0.wav`; returns the account's reason."""

    def listed(path):
        (tmp_path / "w").mkdir(exist_ok=True)
        write_tone(tmp_path / "w" / "ä 0.wav")
        (tmp_path / "l.csv").write_text(f"{HEADER}{path},calls,s,anger\n")
        with pytest.raises(NothingUsableError, match="none of the 1 files") as error:
            index([("csv", tmp_path / "l.csv")])
        (entry,) = error.value.account
        assert entry.status == "unreadable"
        assert entry.path in str(error.value)
        return entry.reason

    return listed


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        ("data/w/ä 0.wav", "did you mean {}/w/ä 0.wav"),
        ("w/Ä 0.WAV", "did you mean {}/w/ä 0.wav"),
        ("w/ä 0", "did you mean {}/w/ä 0.wav"),
        ("w/ä 0.mp3", "relative to {}"),
        (r"w\ä 0.wav", "a Windows path: .*did you mean {}/w/ä 0.wav"),
        (r"C:\w\ä 0.wav", "a Windows path: .*did you mean {}/w/ä 0.wav"),
        ("~/w/ä 0.wav", "home folder .*did you mean {}/w/ä 0.wav"),
        ("https://example.org/0.wav", "an address of the web"),
    ],
)
def test_a_path_is_told_with_what_it_may_mean(listed, tmp_path, path, hint):
    reason = listed(path)
    assert reason.startswith("no such file (")
    head, _, rest = hint.format(tmp_path).partition(".*")
    assert head in reason
    assert rest in reason


def test_a_link_to_nothing_is_told(listed, tmp_path):
    os.symlink("elsewhere.wav", tmp_path / "link.wav")
    assert "a link to elsewhere.wav" in listed("link.wav")


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_names_in_another_unicode_form_are_the_same(tmp_path, write_tone, form):
    other = "NFD" if form == "NFC" else "NFC"
    folder = tmp_path / unicodedata.normalize(form, "Jürgen")
    folder.mkdir()
    recording = write_tone(folder / unicodedata.normalize(form, "é.wav"))
    path = unicodedata.normalize(other, "Jürgen/é.wav")
    (tmp_path / "l.csv").write_text(f"{HEADER}{path},calls,s,anger\n")
    (clip,) = index([("csv", tmp_path / "l.csv")]).utterances
    assert clip.path == str(recording)
    assert clip.utterance_id == unicodedata.normalize("NFC", "calls/Jürgen/é")


def test_good_recordings_beside_missing_ones_are_used(tmp_path, write_tone):
    write_tone(tmp_path / "a.wav")
    (tmp_path / "l.csv").write_text(f"{HEADER}a.wav,calls,s,anger\nb.wav,calls,s,anger\n")
    result = index([("csv", tmp_path / "l.csv")])
    assert [entry.status for entry in result.account] == ["used", "unreadable"]
    assert result.reasons("calls", "unreadable") == {"no such file": 1}


def test_addresses_that_tensorflow_reads(tmp_path, write_tone):
    import tensorflow as tf

    content = write_tone(tmp_path / "a.wav").read_bytes()
    with tf.io.gfile.GFile("ram://corpus/a.wav", "wb") as file:
        file.write(content)
    (tmp_path / "l.csv").write_text(f"{HEADER}ram://corpus/a.wav,calls,s,anger\n")
    result = index([("csv", tmp_path / "l.csv")])
    (clip,) = result.utterances
    assert (clip.path, clip.utterance_id) == ("ram://corpus/a.wav", "calls/corpus/a")
    assert [entry.path for entry in result.account] == ["ram://corpus/a.wav"]
    result.write(tmp_path / "m.csv")
    assert manifest.read(tmp_path / "m.csv").utterances == [clip]
