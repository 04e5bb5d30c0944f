"""Tests of whole files and of locks between processes."""

import errno
import hashlib
import os
import subprocess
import sys

import pytest

from schemas import files
from schemas.errors import UserError


def test_a_file_appears_whole_or_not_at_all(tmp_path):
    path = tmp_path / "new" / "file.txt"
    with files.replacing(path) as file:
        file.write("whole\n")
        assert not path.exists()
    assert path.read_text() == "whole\n"
    with pytest.raises(TypeError), files.replacing(path) as file:
        file.write(b"no text")
    assert path.read_text() == "whole\n"
    assert [entry.name for entry in path.parent.iterdir()] == ["file.txt"]


def test_bytes_and_names_that_are_no_utf_8(tmp_path):
    with files.replacing(tmp_path / "a", binary=True) as file:
        file.write(b"\xff\x00")
    assert (tmp_path / "a").read_bytes() == b"\xff\x00"
    with files.replacing(tmp_path / "b") as file:
        file.write("caf\udce9")
    assert (tmp_path / "b").read_bytes() == b"caf\\udce9"


def test_one_process_at_a_time_holds_a_lock(tmp_path):
    lock = tmp_path / "folder" / ".lock"
    with files.locked(lock, busy="it is in use"):
        code = (
            "from schemas import files\n"
            f"with files.locked({str(lock)!r}, busy='it is in use'): pass"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert done.returncode != 0
        assert "UserError: it is in use" in done.stderr
        with (
            pytest.raises(UserError, match="it is in use"),
            files.locked(lock, busy="it is in use"),
        ):
            pass
    with files.locked(lock, busy="it is in use"):
        pass


def test_the_sha_256_of_a_file(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"abc")
    # The example of FIPS 180-2.
    assert files.sha256(path) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    path.write_bytes(bytes(3 * 2**20 + 1))
    assert files.sha256(path) == hashlib.sha256(bytes(3 * 2**20 + 1)).hexdigest()


def test_a_disk_on_which_nothing_can_be_written_is_told_with_the_file(tmp_path):
    path = tmp_path / "file"
    for number in (errno.ENOSPC, errno.EROFS):
        with pytest.raises(UserError, match=rf"{path}: .*; "), files.replacing(path):
            raise OSError(number, os.strerror(number))
    with pytest.raises(OSError, match="not one of these"), files.replacing(path):
        raise OSError(errno.ECONNRESET, "not one of these")
    assert list(tmp_path.iterdir()) == []


def test_faults_of_the_program_have_no_words_for_users():
    assert files.words_of(FileNotFoundError(errno.ENOENT, "No such file", "a")) == ""
    assert files.words_of(PermissionError(errno.EACCES, "Permission denied", "a/b")) == (
        "a/b: Permission denied; change its rights, or choose another place"
    )


def test_a_full_disk_that_is_not_named_is_found(tmp_path, monkeypatch):
    full = tmp_path / "full"
    real = os.statvfs

    def statvfs(folder):
        disk = real(tmp_path)
        if os.fspath(folder) != str(full):
            return disk
        return os.statvfs_result([*disk[:4], 0, *disk[5:]])

    monkeypatch.setattr(os, "statvfs", statvfs)
    fault = OSError(errno.ENOSPC, "No space left on device")
    assert files.words_of(fault, folders=[tmp_path, full]).startswith(f"{full}: No space left")
    assert files.words_of(fault).startswith("No space left")
