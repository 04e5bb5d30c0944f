"""Files that appear whole or not at all, and folders that one process holds at a time."""

import contextlib
import errno
import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

from schemas.errors import UserError
from schemas.places import is_remote, place

# Digits of a digest in a file's name.
_NAME_DIGITS = 16
# Faults of the machine or of its user's choices that no program can mend, with what to do.
_REMEDIES = {
    errno.ENOSPC: "make room there, or choose another place",
    errno.EDQUOT: "make room there, or choose another place",
    errno.EROFS: "choose another place",
    errno.EACCES: "change its rights, or choose another place",
    errno.EPERM: "change its rights, or choose another place",
    errno.ENAMETOOLONG: "choose a shorter name",
    errno.ENOTDIR: "a part of the path is a file; choose another place",
    errno.EISDIR: "it is a folder; give a file",
    errno.ELOOP: "mend the symbolic links",
    errno.EIO: "look at the disk",
    errno.EREMOTEIO: "the storage service failed; run the same again",
    errno.ESTALE: "mount the file system again",
}

# A disk with less is full.
_NO_ROOM_BYTES = 2**20

# Beginning of the names of folders for temporary files, and end of those of their locks.
_SCRATCH, _LOCK = "ser-scratch-", ".lock"

# Those that only writing has, so that they are of the file that is written.
_OF_WRITING = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}


def words_of(
    fault: OSError,
    place: str | os.PathLike[str] = "",
    *,
    folders: Iterable[str | os.PathLike[str]] = (),
) -> str:
    """Returns one line for the user, or nothing where the program may be at fault.

    Args:
      fault: What the operating system reported.
      place: What was worked on, where `fault` does not name it.
      folders: Where the program writes, beside the folder for temporary files and the one it was
        started in: where nothing is named, the first on a full disk is.
    """
    remedy = _REMEDIES.get(fault.errno or 0)
    if remedy is None:
        return ""
    name = os.fspath(place) or os.fsdecode(fault.filename or "")
    if not name and fault.errno == errno.ENOSPC:
        name = _on_full_disk([*folders, tempfile.gettempdir(), os.getcwd()])
    return f"{name}: {fault.strerror}; {remedy}" if name else f"{fault.strerror}; {remedy}"


def _on_full_disk(folders: Iterable[str | os.PathLike[str]]) -> str:
    """Returns the first of some folders whose disk has no room left; empty if all have."""
    for folder in folders:
        with contextlib.suppress(OSError):
            disk = os.statvfs(folder)
            if disk.f_bavail * disk.f_frsize < _NO_ROOM_BYTES:
                return os.fspath(folder)
    return ""


@contextlib.contextmanager
def _told_of(path: Path) -> Iterator[None]:
    """Turns a full disk and the like into a UserError that names `path`."""
    try:
        yield
    except OSError as fault:
        if fault.errno in _OF_WRITING:
            raise UserError(words_of(fault, path)) from fault
        raise


@contextlib.contextmanager
def replacing(
    path: str | os.PathLike[str], *, binary: bool = False, mode: int = 0o644
) -> Iterator[IO[Any]]:
    """Opens a file that takes its name only once it is complete; makes its folder.

    Any number of processes may write the same name: the last one to finish stays. A remote file is
    written here, and sent when it is complete.

    Args:
      path: What is replaced.
      binary: Whether bytes are written; else text in UTF-8 with line ends as given. Names of files
        that are no UTF-8 are written with escapes.
      mode: Who may read and write the file, as `os.chmod` takes it.

    Yields:
      The open file, under another name in the same folder.

    Raises:
      UserError: The disk is full or read-only.
    """
    path = place(path)
    if is_remote(path):
        with _sending(path, binary=binary) as file:
            yield file
        return
    with _told_of(path), _replacing(path, binary=binary, mode=mode) as file:
        yield file


@contextlib.contextmanager
def _sending(path: Path, *, binary: bool) -> Iterator[IO[Any]]:
    with tempfile.TemporaryDirectory(prefix="ser-copy-") as folder:
        temporary = Path(folder, "file")
        with _replacing(temporary, binary=binary, mode=0o600) as file:
            yield file
        with temporary.open("rb") as content, path.open("wb") as stream:
            shutil.copyfileobj(content, stream)


@contextlib.contextmanager
def _replacing(path: Path, *, binary: bool, mode: int) -> Iterator[IO[Any]]:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        if binary:
            with open(descriptor, "wb") as file:
                yield file
        else:
            with open(
                descriptor, "w", encoding="utf-8", errors="backslashreplace", newline=""
            ) as file:
                yield file
        os.chmod(temporary, mode)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


@contextlib.contextmanager
def locked(path: str | os.PathLike[str], *, busy: str) -> Iterator[None]:
    """Holds a lock file for this process; makes its folder.

    Storage services have no locks: of a remote path only processes of this machine are told apart.

    Args:
      path: The lock file.
      busy: What the error says where another process holds it.

    Raises:
      UserError: Another process holds the lock.
    """
    if is_remote(path):
        digits = hashlib.sha256(os.fsencode(path)).hexdigest()[:_NAME_DIGITS]
        path = Path(tempfile.gettempdir(), f"ser-{os.getuid()}-{digits}.lock")
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(busy) from None
        yield


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """Makes a folder for temporary files; removes those whose processes were killed.

    Who is alive is told by a lock on a file beside the folder, which goes with its process.
    """
    _remove_dead_scratch()
    while True:
        descriptor, lock = tempfile.mkstemp(prefix=_SCRATCH, suffix=_LOCK)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        if os.fstat(descriptor).st_nlink:
            break
        os.close(descriptor)  # Another process took it for a dead one's before it was locked.
    folder = Path(lock.removesuffix(_LOCK))
    try:
        folder.mkdir(mode=0o700)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.unlink(lock)
        os.close(descriptor)


def _remove_dead_scratch() -> None:
    for lock in Path(tempfile.gettempdir()).glob(f"{_SCRATCH}*{_LOCK}"):
        # Those of other users, and file systems without locks.
        with contextlib.suppress(OSError), open(lock, "rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(file.fileno()).st_uid == os.getuid():
                shutil.rmtree(str(lock).removesuffix(_LOCK), ignore_errors=True)
                os.unlink(lock)


def sha256(path: str | os.PathLike[str]) -> str:
    """Returns the SHA-256 of a file, in hexadecimal digits."""
    digest = hashlib.sha256()
    with place(path).open("rb") as file:
        while part := file.read(2**20):
            digest.update(part)
    return digest.hexdigest()
