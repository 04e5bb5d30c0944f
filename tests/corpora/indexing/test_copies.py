"""Of two copies of one clip, the one that can be read is used."""

import os

import pytest

from corpora.indexing.index import index


@pytest.mark.parametrize(
    ("wav", "flac", "used", "other"),
    [
        (True, True, "wav", "second copy of OAF_back_angry.wav"),
        (False, True, "flac", "second copy of OAF_back_angry.flac; this one cannot be read: empty"),
        (True, False, "wav", "second copy of OAF_back_angry.wav"),
    ],
)
def test_copies(tmp_path, write_tone, wav, flac, used, other):
    folder = tmp_path / "TESS"
    folder.mkdir()
    write_tone(folder / "YAF_bar_fear.wav")
    for suffix, whole in (("wav", wav), ("flac", flac)):
        path = folder / f"OAF_back_angry.{suffix}"
        path.write_bytes(b"")
        if whole:
            write_tone(path, format=suffix.upper())
    result = index([("tess", folder)])
    assert len(result.utterances) == 2
    account = {os.path.basename(entry.path): entry for entry in result.account}
    assert account[f"OAF_back_angry.{used}"].status == "used"
    left = {"wav": "flac", "flac": "wav"}[used]
    assert account[f"OAF_back_angry.{left}"].status == "skipped"
    assert account[f"OAF_back_angry.{left}"].reason.startswith(other)
    assert result.count("tess") == result.count("tess", "used") + result.count("tess", "skipped")


def test_where_no_copy_can_be_read_the_first_is_unreadable(tmp_path, write_tone):
    folder = tmp_path / "TESS"
    folder.mkdir()
    write_tone(folder / "YAF_bar_fear.wav")
    for suffix in ("wav", "flac"):
        (folder / f"OAF_back_angry.{suffix}").write_bytes(b"")
    account = {os.path.basename(e.path): e.status for e in index([("tess", folder)]).account}
    assert account == {
        "YAF_bar_fear.wav": "used",
        "OAF_back_angry.wav": "unreadable",
        "OAF_back_angry.flac": "skipped",
    }
