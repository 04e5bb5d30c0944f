"""Many arrays of one shape, by number: in memory, or in a file where they are too many for it."""

import abc
import contextlib
import errno
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np

from modules.training.memory import KEY
from schemas.errors import UserError

# What is held at a time of what passes through memory only.
_CHUNK_BYTES = 128 * 2**20


class Rows(abc.ABC):
    """Float32 arrays of one shape, numbered from 0.

    Attributes:
      row_shape: Shape of each.
    """

    def __init__(self, count: int, row_shape: tuple[int, ...]):
        self._count = count
        self.row_shape = row_shape

    def __len__(self) -> int:
        return self._count

    @property
    def row_bytes(self) -> int:
        """Size of one array in bytes."""
        return row_bytes(self.row_shape)

    @property
    @abc.abstractmethod
    def resident_bytes(self) -> int:
        """Size of what is held in memory, in bytes."""

    @abc.abstractmethod
    def take(self, rows: np.ndarray, *, shifts: np.ndarray | None = None) -> np.ndarray:
        """Returns a copy of some of the arrays.

        Args:
          rows: int64 `[m]`, their numbers, in any order.
          shifts: int64 `[m]`, steps by which each is rolled along its first axis, as `np.roll`
            does, at least 0 and less than its length; none by default.

        Returns:
          float32 `[m, *row_shape]`.
        """

    def chunks(self, rows: np.ndarray, *, multiple_of: int = 1) -> Iterator[np.ndarray]:
        """Yields `rows` in parts whose arrays take little memory.

        Args:
          rows: int64 `[m]`, their numbers.
          multiple_of: Number that divides the length of every part but the last.
        """
        size = max(1, _CHUNK_BYTES // self.row_bytes // multiple_of) * multiple_of
        for start in range(0, len(rows), size):
            yield rows[start : start + size]

    def save(self, path: Path) -> None:
        """Writes all arrays into a file, in the order of their numbers; see `FileRows.open`."""
        with open(path, "wb") as file, _disk_errors(path.parent):
            for part in self.chunks(np.arange(len(self))):
                file.write(self.take(part).data)


class ArrayRows(Rows):
    """Rows in memory.

    Args:
      array: float32 `[n, *row_shape]`; not copied.
      positions: int64 `[n]`, where in the array each row is; in order by default.
    """

    def __init__(self, array: np.ndarray, positions: np.ndarray | None = None):
        super().__init__(len(array), array.shape[1:])
        self._array = array
        self._positions = positions

    @property
    def resident_bytes(self) -> int:
        """Size of the array in bytes."""
        return self._array.nbytes

    def take(self, rows: np.ndarray, *, shifts: np.ndarray | None = None) -> np.ndarray:
        """Returns a copy of some of the arrays; see `Rows.take`."""
        places = rows if self._positions is None else self._positions[rows]
        if shifts is None:
            return self._array[places]
        taken = np.empty((len(places), *self.row_shape), np.float32)
        for own, place, shift in zip(taken, places, shifts, strict=True):
            # np.roll makes a copy more.
            source = self._array[place]
            own[shift:] = source[: len(source) - shift]
            own[:shift] = source[len(source) - shift :]
        return taken


class FileRows(Rows):
    """Rows in an open file, read when they are asked for; threads may share it.

    Memory-mapping would be shorter, but count what was read as the process's own memory.

    Args:
      file: Open for reading; closed with this object.
      row_shape: Shape of each row, all of them float32 without anything between them.
      count: Number of rows.
      positions: int64 `[count]`, where in the file each row is; in order by default.
    """

    def __init__(
        self,
        file: BinaryIO,
        row_shape: tuple[int, ...],
        count: int,
        positions: np.ndarray | None = None,
    ):
        super().__init__(count, row_shape)
        self._file = file
        self._positions = positions

    @classmethod
    def open(cls, path: Path, row_shape: tuple[int, ...]) -> "FileRows":
        """Opens a file that `Rows.save` wrote."""
        # Without a buffer: rows are read past it.
        file = open(path, "rb", buffering=0)  # noqa: SIM115
        return cls(file, row_shape, path.stat().st_size // row_bytes(row_shape))

    def __del__(self) -> None:
        self._file.close()

    @property
    def resident_bytes(self) -> int:
        """Zero: what is read is handed on."""
        return 0

    def take(self, rows: np.ndarray, *, shifts: np.ndarray | None = None) -> np.ndarray:
        """Returns some of the arrays, read from the file; see `Rows.take`."""
        places = rows if self._positions is None else self._positions[rows]
        taken = np.empty((len(places), *self.row_shape), np.float32)
        for number, place in enumerate(places.tolist()):
            own, shift = taken[number], 0 if shifts is None else int(shifts[number])
            # The row's beginning goes behind the shift, its end before it.
            buffers = [own[shift:], own[:shift]] if shift else [own]
            _read(self._file.fileno(), buffers, place * self.row_bytes)
        return taken


class RowWriter:
    """Gathers rows in memory, or in a temporary file as soon as they outgrow a limit.

    Args:
      row_shape: Shape of each row.
      limit_bytes: Most memory that rows may take; 0 puts all into the file.
      folder: Where the file is made if there is need for one; it has no name there, and goes when
        the rows do. The system's folder for temporary files by default.
      expected: Number of rows, if it is known; else room for as many as the limit allows is
        reserved, of which the system hands out what is used.
    """

    def __init__(
        self,
        row_shape: tuple[int, ...],
        *,
        limit_bytes: int,
        folder: str | None = None,
        expected: int | None = None,
    ):
        self._row_shape = row_shape
        self._folder = folder
        capacity = limit_bytes // row_bytes(row_shape)
        self._limit_gib = limit_bytes / 2**30
        self._array: np.ndarray | None = np.empty(
            (capacity if expected is None else min(capacity, expected), *row_shape), np.float32
        )
        self._file: BinaryIO | None = None
        self._count = 0

    def append(self, rows: np.ndarray) -> None:
        """Adds rows, float32 `[m, *row_shape]`.

        Raises:
          UserError: The disk is full.
        """
        end = self._count + len(rows)
        if self._array is not None and end <= len(self._array):
            self._array[self._count : end] = rows
        else:
            with _disk_errors(Path(self._folder or tempfile.gettempdir()), self._limit_gib):
                self._spill().write(np.ascontiguousarray(rows, np.float32).data)
        self._count = end

    def finish(self, positions: np.ndarray | None = None) -> Rows:
        """Returns what was added.

        Args:
          positions: int64 `[n]`, which of the added rows is to be the first, the second, ….
        """
        if self._file is None:
            assert self._array is not None
            return ArrayRows(self._array[: self._count], positions)
        with _disk_errors(Path(self._folder or tempfile.gettempdir()), self._limit_gib):
            self._file.flush()
        return FileRows(self._file, self._row_shape, self._count, positions)

    def _spill(self) -> BinaryIO:
        """Returns the file; what was in memory is moved into it first."""
        if self._file is None:
            assert self._array is not None
            self._file = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115
            self._file.write(self._array[: self._count].data)
            self._array = None
        return self._file


def row_bytes(row_shape: tuple[int, ...]) -> int:
    """Returns the size of a float32 array of a shape, in bytes."""
    return 4 * int(np.prod(row_shape))


def _read(descriptor: int, buffers: list[np.ndarray], offset: int) -> None:
    """Fills contiguous arrays from a file, from an offset in bytes onwards."""
    views = [buffer.data.cast("B") for buffer in buffers]
    while views:
        count = os.preadv(descriptor, views, offset)
        if not count:
            raise EOFError(f"the file of clips ends before {offset + len(views[0])} bytes")
        offset += count
        # The system may read less than it was asked for.
        while views and count >= len(views[0]):
            count -= len(views.pop(0))
        if views:
            views[0] = views[0][count:]


@contextlib.contextmanager
def _disk_errors(folder: Path, limit_gib: float | None = None) -> Iterator[None]:
    """Raises UserError where a disk is full."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        way_out = "" if limit_gib is None else f", or raise {KEY} above {limit_gib:.2g}"
        raise UserError(
            f"{folder}: no room for the clips that memory cannot hold; free some{way_out}"
        ) from error
