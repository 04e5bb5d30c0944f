"""What lies in a serving folder: models and their versions."""

import re
from pathlib import Path

from schemas.places import place

Versions = dict[str, dict[int, Path]]
# Names, sizes and times of a version's files.
Fingerprint = tuple[tuple[str, int, int], ...]


def find_versions(root: str | Path) -> Versions:
    """Returns every complete version below `root`: {model: {version: folder}}.

    A version is a folder with an integer name, without zeros in front, that holds a
    `saved_model.pb`; anything else (hidden folders, folders still being copied or that cannot be
    read, files) is ignored, as TF Serving ignores it.
    """
    found = {model.name: versions_of(model) for model in find_models(place(root))}
    return {name: versions for name, versions in found.items() if versions}


def find_models(root: Path) -> list[Path]:
    """Returns the folders in a serving folder that may hold a model."""
    return _folders(root)


def versions_of(model: Path) -> dict[int, Path]:
    """Returns the complete versions in a model's folder, ascending; see `find_versions`."""
    versions = {
        int(folder.name): folder
        for folder in _folders(model)
        if re.fullmatch("0|[1-9][0-9]*", folder.name) and _is_file(folder / "saved_model.pb")
    }
    return dict(sorted(versions.items()))


def fingerprint(folder: Path) -> Fingerprint:
    """Returns what changes while a folder is still being copied, or replaced by another."""
    found = []
    for path in sorted(folder.rglob("*")):
        try:
            if path.is_file():
                found.append((str(path), path.stat().st_size, path.stat().st_mtime_ns))
        except OSError:
            # Gone in the meantime.
            continue
    return tuple(found)


def _folders(folder: Path) -> list[Path]:
    try:
        return sorted(
            path for path in folder.iterdir() if not path.name.startswith(".") and path.is_dir()
        )
    except OSError:
        return []


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        return False
