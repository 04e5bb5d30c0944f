"""Rows: the same from memory and from a file, shifted and in any order."""

import errno
import os

import numpy as np
import pytest

from modules.training import rows as storage
from modules.training.rows import ArrayRows, FileRows, RowWriter
from schemas.errors import UserError

COUNT, SHAPE = 23, (50, 2)
ROW_BYTES = 50 * 2 * 4


@pytest.fixture(scope="module")
def array():
    return np.random.default_rng(0).normal(size=(COUNT, *SHAPE)).astype(np.float32)


def _written(array, *, rows_in_memory, folder, positions=None, expected=None):
    writer = RowWriter(
        SHAPE, limit_bytes=rows_in_memory * ROW_BYTES, folder=str(folder), expected=expected
    )
    for start in range(0, COUNT, 4):
        writer.append(array[start : start + 4])
    return writer.finish(positions)


@pytest.mark.parametrize("expected", [None, COUNT])
@pytest.mark.parametrize("rows_in_memory", [0, 1, 11, COUNT - 1, COUNT, 40])
def test_rows_come_back_wherever_they_are(array, tmp_path, rows_in_memory, expected):
    order = np.random.default_rng(1).permutation(COUNT)
    rows = _written(
        array, rows_in_memory=rows_in_memory, folder=tmp_path, positions=order, expected=expected
    )
    spilled = rows_in_memory < COUNT
    assert isinstance(rows, FileRows if spilled else ArrayRows)
    assert rows.resident_bytes == (0 if spilled else COUNT * ROW_BYTES)
    assert (len(rows), rows.row_shape) == (COUNT, SHAPE)
    wanted = np.array([5, 5, 0, 22, 13])
    np.testing.assert_array_equal(rows.take(wanted), array[order][wanted])
    assert rows.take(wanted[:0]).shape == (0, *SHAPE)


@pytest.mark.parametrize("rows_in_memory", [0, COUNT])
def test_shifts_are_rolls(array, tmp_path, rows_in_memory):
    rows = _written(array, rows_in_memory=rows_in_memory, folder=tmp_path)
    wanted, shifts = np.array([3, 3, 21, 8]), np.array([0, 1, 49, 20])
    expected = [
        np.roll(array[row], shift, axis=0) for row, shift in zip(wanted, shifts, strict=True)
    ]
    np.testing.assert_array_equal(rows.take(wanted, shifts=shifts), expected)


def test_what_is_taken_is_a_copy(array):
    rows = ArrayRows(array)
    rows.take(np.array([0]))[:] = 9.0
    assert not (array[0] == 9.0).any()


def test_the_temporary_file_leaves_nothing_behind(array, tmp_path):
    rows = _written(array, rows_in_memory=2, folder=tmp_path)
    assert os.listdir(tmp_path) == []
    descriptor = rows._file.fileno()
    os.fstat(descriptor)
    del rows
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(descriptor)


def test_saved_rows_are_in_order(array, tmp_path, monkeypatch):
    order = np.random.default_rng(2).permutation(COUNT)
    monkeypatch.setattr(storage, "_CHUNK_BYTES", 5 * ROW_BYTES)
    ArrayRows(array, order).save(tmp_path / "rows")
    assert (tmp_path / "rows").read_bytes() == array[order].tobytes()
    opened = FileRows.open(tmp_path / "rows", SHAPE)
    np.testing.assert_array_equal(opened.take(np.arange(COUNT)), array[order])


def test_reads_that_the_system_cuts_short(array, tmp_path, monkeypatch):
    rows = _written(array, rows_in_memory=0, folder=tmp_path)
    whole = os.preadv

    def short(descriptor, buffers, offset):
        return whole(descriptor, [buffers[0][:33]], offset)

    monkeypatch.setattr(os, "preadv", short)
    wanted, shifts = np.array([4, 20]), np.array([7, 0])
    expected = [np.roll(array[4], 7, axis=0), array[20]]
    np.testing.assert_array_equal(rows.take(wanted, shifts=shifts), expected)


def test_a_file_that_ends_too_early(array, tmp_path):
    ArrayRows(array).save(tmp_path / "rows")
    rows = FileRows.open(tmp_path / "rows", SHAPE)
    os.truncate(tmp_path / "rows", 3 * ROW_BYTES + 5)
    with pytest.raises(EOFError):
        rows.take(np.array([3]))


def test_a_full_disk(array, tmp_path, monkeypatch):
    class Full:
        def write(self, data):
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(storage.tempfile, "TemporaryFile", lambda **_: Full())
    with pytest.raises(UserError, match=r"no room .* or raise training\.memory_gib above"):
        _written(array, rows_in_memory=2, folder=tmp_path)


def test_parts_are_multiples(array, monkeypatch):
    monkeypatch.setattr(storage, "_CHUNK_BYTES", 10 * ROW_BYTES)
    parts = list(ArrayRows(array).chunks(np.arange(COUNT), multiple_of=4))
    assert [len(part) for part in parts] == [8, 8, 7]
    # A row larger than a part.
    monkeypatch.setattr(storage, "_CHUNK_BYTES", 1)
    assert [len(part) for part in ArrayRows(array).chunks(np.arange(3))] == [1, 1, 1]
