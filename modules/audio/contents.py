"""The bytes of recordings: where they come from, and why they cannot be had.

One place for the words of paths: indexing, audits, training and clients say the same of a file.
"""

import contextlib
import io
import os
import shutil
import tempfile
from collections.abc import Iterator

from modules.audio.errors import DecodingError, PassingError, fault
from schemas import places, recordings

NO_SUCH_FILE = "no such file"
# Larger files are read where they are needed only.
MOST_BYTES_IN_MEMORY = 64 * 2**20
_PIECE_BYTES = 2**20
_NO_RECORDING = "is {}, not a recording"
_WEB = ("http://", "https://", "ftp://")


class FileContents:
    """A file's bytes, of which only those are read that are asked for."""

    def __init__(self, descriptor: int, num_bytes: int):
        self._descriptor, self._num_bytes = descriptor, num_bytes

    def __len__(self) -> int:
        return self._num_bytes

    def __getitem__(self, part: slice) -> bytes:
        """Returns the bytes of a slice whose step is one; fewer where the file has shrunk."""
        start, stop, _ = part.indices(self._num_bytes)
        pieces = []
        while start < stop and (piece := os.pread(self._descriptor, stop - start, start)):
            pieces.append(piece)
            start += len(piece)
        return b"".join(pieces)


Contents = bytes | FileContents


class ContentsReader(io.RawIOBase):
    """A file object over contents, for libraries that want one."""

    def __init__(self, contents: FileContents):
        self._contents, self._position = contents, 0

    def readable(self) -> bool:
        """Returns true."""
        return True

    def seekable(self) -> bool:
        """Returns true."""
        return True

    def tell(self) -> int:
        """Returns the position."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Moves to another position and returns it."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: len(self._contents)}
        self._position = max(base[whence] + offset, 0)
        return self._position

    def read(self, size: int | None = -1) -> bytes:
        """Returns the next `size` bytes, or all that are left."""
        end = len(self._contents) if size is None or size < 0 else self._position + size
        piece = self._contents[self._position : end]
        self._position += len(piece)
        return piece


def reader(contents: Contents) -> io.IOBase:
    """Returns a file object over contents."""
    return io.BytesIO(contents) if isinstance(contents, bytes) else ContentsReader(contents)


def is_remote(path: str) -> bool:
    """Returns whether a path names something on a storage service, such as `gs://bucket/a.wav`."""
    return recordings.is_uri(path) and not path.lower().startswith(_WEB)


@contextlib.contextmanager
def opened(path: str, *, most_in_memory: int = MOST_BYTES_IN_MEMORY) -> Iterator[Contents]:
    """Gives the bytes of the recording at `path`.

    Args:
      path: A local file, or a URI that TensorFlow's file systems know.
      most_in_memory: Files of more bytes are read where they are asked for only.

    Raises:
      DecodingError: It is no file, or its path cannot be used; in words.
      PassingError: There is none, or it cannot be read now.
    """
    if is_remote(path):
        with _remote(path, most_in_memory) as contents:
            yield contents
        return
    try:
        path.encode()
        # Not blocking: opening a pipe would wait for whoever writes into it.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except UnicodeEncodeError:
        raise DecodingError("its path is not UTF-8, rename it") from None
    except (FileNotFoundError, NotADirectoryError):
        raise PassingError(NO_SUCH_FILE) from None
    except (OSError, ValueError) as error:
        raise _not_read(path, error) from None
    try:
        status = os.fstat(descriptor)
        if kind := recordings.kind(status.st_mode):
            raise DecodingError(_NO_RECORDING.format(kind))
        contents = FileContents(descriptor, status.st_size)
        try:
            yield contents[:] if len(contents) <= most_in_memory else contents
        except OSError as error:
            raise fault(error, f"cannot be read: {error.strerror}") from None
    finally:
        os.close(descriptor)


def _not_read(path: str, error: OSError | ValueError) -> DecodingError:
    try:
        if kind := recordings.kind(os.stat(path).st_mode):
            # A socket cannot be opened at all.
            return DecodingError(_NO_RECORDING.format(kind))
    except (OSError, ValueError):
        pass
    return fault(error, f"cannot be read: {getattr(error, 'strerror', None) or error}")


@contextlib.contextmanager
def _remote(path: str, most_in_memory: int) -> Iterator[Contents]:
    """Gives the bytes of a recording on a storage service; large ones in a temporary file."""
    gfile = places.file_systems()
    import tensorflow as tf

    with tempfile.TemporaryFile() as copy:
        try:
            with gfile.GFile(path, "rb") as file:
                num_bytes = file.size()
                if num_bytes <= most_in_memory:
                    contents: Contents = file.read()
                else:
                    shutil.copyfileobj(file, copy, _PIECE_BYTES)
                    copy.flush()
                    contents = FileContents(copy.fileno(), num_bytes)
        except tf.errors.NotFoundError:
            raise PassingError(NO_SUCH_FILE) from None
        except tf.errors.OpError as error:
            raise PassingError(f"cannot be read: {error.message[:200]}") from None
        yield contents
