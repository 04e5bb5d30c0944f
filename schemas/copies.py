"""Local copies of what is remote, for libraries that need files of this machine.

Each is in a temporary folder that ends with its use.
"""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from schemas.places import file_systems, is_remote, place


@contextlib.contextmanager
def local_copy(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Gives a file or folder where this machine has it: itself, or a copy that is removed after.

    Raises:
      FileNotFoundError: A remote one is not there.
    """
    if not is_remote(path):
        yield Path(path)
        return
    with tempfile.TemporaryDirectory(prefix="ser-copy-") as folder:
        source = place(path)
        target = Path(folder, source.name)
        if source.is_dir():
            copy_tree(source, target)
        else:
            with source.open("rb") as content, target.open("wb") as file:
                shutil.copyfileobj(content, file)
        yield target


@contextlib.contextmanager
def local_file(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Gives a file of this machine to write: `path`, or one that is sent there.

    What was written is sent at the end, also if it is an exception.
    """
    if not is_remote(path):
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        yield Path(path)
        return
    with tempfile.TemporaryDirectory(prefix="ser-copy-") as folder:
        file = Path(folder, place(path).name)
        try:
            yield file
        finally:
            if file.exists():
                with file.open("rb") as content, place(path).open("wb") as stream:
                    shutil.copyfileobj(content, stream)


@contextlib.contextmanager
def local_folder(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Gives a folder of this machine to write into: `path`, or one whose files are sent there.

    They are sent at the end, and not if it is an exception.
    """
    if not is_remote(path):
        Path(path).mkdir(parents=True, exist_ok=True)
        yield Path(path)
        return
    with tempfile.TemporaryDirectory(prefix="ser-copy-") as folder:
        yield Path(folder)
        copy_tree(folder, path)


def copy_tree(source: str | os.PathLike[str], target: str | os.PathLike[str]) -> None:
    """Copies a folder with all that is in it; what is there already is replaced."""
    if not is_remote(source) and not is_remote(target):
        shutil.copytree(source, target, dirs_exist_ok=True)
        return
    gfile, root = file_systems(), os.fspath(source)
    for folder, _, names in gfile.walk(root):
        inside = folder.rstrip("/").removeprefix(root.rstrip("/")).strip("/")
        own = f"{os.fspath(target)}/{inside}".rstrip("/")
        gfile.makedirs(own)
        for name in names:
            gfile.copy(f"{folder.rstrip('/')}/{name}", f"{own}/{name}", overwrite=True)
