"""Where files lie: on this machine, or on a storage service (`s3://`, `gs://`).

`place` makes a path of what users wrote; whoever may be given a remote one uses it instead of
`pathlib.Path`, which would lose the address. A remote path is read and written through TensorFlow's
file systems.

What is promised: a file on this machine appears whole or not at all, and so does an object of a
service, which is sent at its end. A folder does not: on a service it is a common beginning of
names, is there once something is in it, and is renamed file by file.
"""

import contextlib
import errno
import io
import os
import stat as stats
import types
from collections.abc import Iterator
from pathlib import Path, PosixPath
from typing import IO, Any

REMOTE = ("s3://", "gs://")


def is_remote(path: str | os.PathLike[str]) -> bool:
    """Returns whether a path names something on a storage service.

    >>> is_remote("s3://bucket/a.wav"), is_remote("/data/a.wav")
    (True, False)
    """
    return os.fspath(path).startswith(REMOTE)


def place(path: str | os.PathLike[str]) -> Path:
    """Returns the path of a file or folder, wherever it is.

    >>> str(place("s3://bucket/run/") / "report.html")
    's3://bucket/run/report.html'
    """
    return RemotePath(os.fspath(path)) if is_remote(path) else Path(path)


def file_systems() -> Any:
    """Returns `tf.io.gfile`, which knows storage services."""
    # Seconds, and needed only where something is remote.
    import tensorflow as tf

    import schemas.storage_plugin  # noqa: F401

    return tf.io.gfile


@contextlib.contextmanager
def _as_os_errors(path: "RemotePath") -> Iterator[None]:
    """Turns TensorFlow's errors into those that local files have."""
    from tensorflow import errors

    try:
        yield
    except errors.NotFoundError:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path)) from None
    except (errors.PermissionDeniedError, errors.UnauthenticatedError):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path)) from None
    except errors.OpError as error:
        raise OSError(errno.EREMOTEIO, error.message[:200], str(path)) from None


class _Upload(io.BytesIO):
    """Bytes that are sent when they are complete."""

    def __init__(self, path: "RemotePath"):
        super().__init__()
        self._path = path

    def close(self) -> None:
        if not self.closed:
            self._path._send(self.getvalue())
        super().close()


class RemotePath(PosixPath):
    """A file or folder of a storage service, with those methods of `pathlib.Path` that it can have.

    TensorFlow tells most faults of `s3://` as something that is not there:
    `pipeline.storage_checks` asks properly, before work begins.
    """

    # As a path, `s3://bucket/a` is `s3:/bucket/a`.
    def __str__(self) -> str:
        return super().__str__().replace(":/", "://", 1)

    def __fspath__(self) -> str:
        return str(self)

    @property
    def _address(self) -> str:
        """As the file systems want it: a bucket ends in a slash."""
        return f"{self}/" if len(self.parts) <= len(("s3:", "bucket")) else str(self)

    def is_absolute(self) -> bool:
        """Returns true."""
        return True

    def absolute(self) -> "RemotePath":
        """Returns itself."""
        return self

    def resolve(self, strict: bool = False) -> "RemotePath":
        """Returns itself: services have no links."""
        return self

    def expanduser(self) -> "RemotePath":
        """Returns itself."""
        return self

    def exists(self) -> bool:
        """Returns whether a file, or a folder with something in it, is there."""
        gfile = file_systems()
        with _as_os_errors(self):
            return bool(gfile.exists(self._address))

    def is_dir(self) -> bool:
        """Returns whether it is a folder with something in it."""
        gfile = file_systems()
        with _as_os_errors(self):
            return bool(gfile.isdir(self._address))

    def is_file(self) -> bool:
        """Returns whether it is a file."""
        return self.exists() and not self.is_dir()

    def is_symlink(self) -> bool:
        """Returns false."""
        return False

    def stat(self, *, follow_symlinks: bool = True) -> Any:
        """Returns its kind, size and time of change, named as `os.stat` does."""
        gfile = file_systems()
        with _as_os_errors(self):
            found = gfile.stat(self._address)
        return types.SimpleNamespace(
            st_mode=stats.S_IFDIR if found.is_directory else stats.S_IFREG,
            st_ino=0,
            st_size=found.length,
            st_mtime_ns=found.mtime_nsec,
            st_ctime_ns=0,
        )

    def iterdir(self) -> Iterator["RemotePath"]:  # type: ignore[override]
        """Yields what is in it, sorted."""
        gfile = file_systems()
        with _as_os_errors(self):
            names = gfile.listdir(self._address)
        yield from (self / name for name in sorted({name.rstrip("/") for name in names}) if name)

    def glob(self, pattern: str) -> Iterator["RemotePath"]:  # type: ignore[override]
        """Yields the paths in it that match, sorted; `pattern` names files of this folder only."""
        if self.is_dir():
            yield from (path for path in self.iterdir() if path.match(pattern))

    def rglob(self, pattern: str) -> Iterator["RemotePath"]:  # type: ignore[override]
        """Yields all paths below it whose names match, sorted."""
        gfile = file_systems()
        for folder, subfolders, names in gfile.walk(self._address):
            for name in sorted({each.rstrip("/") for each in (*subfolders, *names)} - {""}):
                if (path := RemotePath(f"{folder.rstrip('/')}/{name}")).match(pattern):
                    yield path

    def open(  # type: ignore[override]
        self,
        mode: str = "r",
        buffering: int = -1,
        encoding: str | None = None,
        errors: str | None = None,
        newline: str | None = None,
    ) -> IO[Any]:
        """Opens it to be read, or to be written when the file is closed."""
        if mode.strip("bt") not in ("r", "w"):
            raise ValueError(f"{self}: cannot be opened with mode {mode}")
        raw = io.BytesIO(self._received()) if "r" in mode else _Upload(self)
        return raw if "b" in mode else io.TextIOWrapper(raw, encoding, errors, newline)

    def mkdir(self, mode: int = 0o777, parents: bool = False, exist_ok: bool = False) -> None:
        """Makes the folder, where the service has folders."""
        gfile = file_systems()
        with _as_os_errors(self):
            gfile.makedirs(str(self))

    def unlink(self, missing_ok: bool = False) -> None:
        """Removes the file."""
        gfile = file_systems()
        try:
            with _as_os_errors(self):
                gfile.remove(str(self))
        except FileNotFoundError:
            if not missing_ok:
                raise

    def replace(self, target: "RemotePath") -> "RemotePath":  # type: ignore[override]
        """Renames the file, which copies and then removes it."""
        gfile = file_systems()
        with _as_os_errors(self):
            gfile.rename(str(self), str(target), overwrite=True)
        return target

    rename = replace  # type: ignore[assignment]

    def _received(self) -> bytes:
        gfile = file_systems()
        with _as_os_errors(self), gfile.GFile(str(self), "rb") as file:
            return bytes(file.read())

    def _send(self, content: bytes) -> None:
        gfile = file_systems()
        with _as_os_errors(self), gfile.GFile(str(self), "wb") as file:
            file.write(content)
