"""Files that are no recordings, whatever their names say: none hangs or ends an index."""

import os
import socket

import pytest

from corpora.indexing.index import index
from schemas import recordings


@pytest.fixture
def folder(tmp_path, write_tone):
    folder = tmp_path / "TESS"
    folder.mkdir()
    write_tone(folder / "OAF_back_angry.wav")
    os.mkfifo(folder / "OAF_bar_angry.wav")
    (folder / "OAF_base_angry.wav").symlink_to("/dev/zero")
    server = socket.socket(socket.AF_UNIX)
    here = os.getcwd()
    os.chdir(folder)  # paths of sockets must be short
    server.bind("OAF_bath_angry.wav")
    os.chdir(here)
    (folder / "OAF_bean_angry.wav").symlink_to("nowhere")
    (folder / "OAF_beg_angry.wav").write_bytes(
        b"version https://git-lfs.github.com/spec/v1\noid sha256:aa\nsize 64044\n"
    )
    with open(folder / "OAF_bite_angry.wav", "wb") as file:
        file.truncate(recordings.MOST_UTTERANCE_BYTES + 1)
    (folder / "._OAF_back_angry.wav").write_bytes(bytes(100))
    yield folder
    server.close()


def test_each_is_told(folder):
    account = {os.path.basename(entry.path): entry for entry in index([("tess", folder)]).account}
    expected = {
        "OAF_back_angry.wav": ("used", ""),
        "OAF_bar_angry.wav": ("unreadable", "is a named pipe"),
        "OAF_base_angry.wav": ("unreadable", "is a device"),
        "OAF_bath_angry.wav": ("unreadable", "is a socket"),
        "OAF_bean_angry.wav": ("unreadable", "no such file (relative to .*a link to nowhere"),
        "OAF_beg_angry.wav": ("unreadable", "a Git LFS pointer"),
        "OAF_bite_angry.wav": ("skipped", "too large to be an utterance"),
        "._OAF_back_angry.wav": ("skipped", "hidden file"),
    }
    assert account.keys() == expected.keys()
    for name, (status, reason) in expected.items():
        assert account[name].status == status, name
        assert account[name].reason.startswith(reason.partition(".*")[0]), name
        assert reason.rpartition(".*")[2] in account[name].reason, name
