"""What lies in a serving folder: models and their versions."""

import re
from pathlib import Path

Versions = dict[str, dict[int, Path]]


def find_versions(root: str | Path) -> Versions:
    """Returns every complete version below `root`: {model: {version: folder}}.

    A version is a folder with an integer name that holds a `saved_model.pb`; anything else (hidden
    folders, folders still being copied, files) is ignored, as TF Serving ignores it.
    """
    found: Versions = {}
    root = Path(root)
    if not root.is_dir():
        return found
    for model in sorted(root.iterdir()):
        if not model.is_dir() or model.name.startswith("."):
            continue
        versions = {
            int(folder.name): folder
            for folder in model.iterdir()
            if re.fullmatch("[0-9]+", folder.name) and (folder / "saved_model.pb").is_file()
        }
        if versions:
            found[model.name] = dict(sorted(versions.items()))
    return found


def fingerprint(folder: Path) -> tuple[tuple[str, int, int], ...]:
    """Returns what changes while a folder is still being copied: names, sizes and times."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return tuple((str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in files)
