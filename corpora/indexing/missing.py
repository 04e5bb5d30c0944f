"""Why a recording was not found: where it was looked for, and what its path may have meant."""

import os
import re
import unicodedata
from pathlib import Path

_WEB = re.compile(r"(https?|ftp):/+", re.IGNORECASE)
_DRIVE = re.compile(r"[A-Za-z]:[\\/]")


def explain(path: str, given: Path) -> str:
    """Returns in words what to know of a path at which there is nothing.

    Args:
      path: What was looked for, absolute.
      given: The list or folder that named it; relative paths are relative to its folder.
    """
    folder = given.parent if given.suffix else given
    inside = os.path.relpath(path, folder) if path.startswith(f"{folder}/") else path
    relative = f"relative to {folder}" if inside != path else "an absolute path"
    return "; ".join(filter(None, (relative, _hint(path, inside, folder))))


def _hint(path: str, inside: str, folder: Path) -> str:
    if _WEB.match(inside):
        return "an address of the web: download it"
    if os.path.islink(path):
        return f"a link to {os.readlink(path)}, where there is nothing"
    if _DRIVE.match(inside) or "\\" in inside:
        plain = _DRIVE.sub("", inside).replace("\\", "/")
        return "a Windows path: write it as it is on this machine, with /" + _found(plain, folder)
    if inside.startswith("~"):
        return "write out the home folder that ~ stands for" + _found(
            inside.partition("/")[2], folder
        )
    return _found(inside, folder).removeprefix("; ")


def _found(inside: str, folder: Path) -> str:
    """Returns in words what is there with nearly that name; empty if nothing is."""
    parts = Path(inside.lstrip("/")).parts
    # A root too much, such as `data/`, or another one.
    for start in range(min(len(parts), 8)):
        candidate = folder.joinpath(*parts[start:])
        if near := _near(candidate):
            return f"; did you mean {near}?"
    return ""


def _near(path: Path) -> Path | None:
    """Returns the file that has the path, up to its suffix, case and Unicode form, if there is."""
    try:
        if path.is_file():
            return path
        with os.scandir(path.parent) as entries:
            names = sorted(entry.name for entry in entries)
    except OSError:
        return None
    wanted = _plain(path.name)
    return next(
        (path.parent / name for name in names if wanted in (_plain(name), _plain(Path(name).stem))),
        None,
    )


def _plain(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()
