"""Which files may be recordings, by their names and kinds, and where a path leads.

One walk for all who are given a folder.
"""

import os
import stat
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path

# What may hold sound. The content decides in the end; this only tells recordings from the
# transcripts, licences and thumbnails that lie beside them.
_SOUND = (
    "wav flac aif aiff aifc au snd caf ogg oga opus mp3 m4a m4b aac ac3 amr wma w64 rf64 wv tta voc"
    " mka"
)
_VIDEO = "avi mp4 m4v mov mkv webm mpg mpeg ts mts m2ts flv wmv 3gp 3g2"
AUDIO_SUFFIXES = frozenset(f".{suffix}" for suffix in f"{_SOUND} {_VIDEO}".split())

# More than half an hour of any usual sound; videos of utterances are far smaller.
MOST_UTTERANCE_BYTES = 2 * 2**30

_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def walk(
    root: Path, *, onerror: Callable[[OSError], object] = lambda error: None
) -> Iterator[Path]:
    """Yields all files below `root`, sorted, through links, each folder once.

    Args:
      root: A folder.
      onerror: A function that is told of each folder that cannot be opened; they are left out.
    """
    seen = set()
    for folder, subfolders, files in os.walk(root, onerror=onerror, followlinks=True):
        real = os.path.realpath(folder)
        if real in seen:
            subfolders.clear()
            continue
        seen.add(real)
        subfolders.sort()
        yield from (Path(folder, name) for name in sorted(files))


def no_recording(path: Path) -> str:
    """Returns in words why the file is no utterance, by its name and size; empty if it may be."""
    if path.name.startswith("."):
        return "hidden file"
    suffix = path.suffix.lower()
    if suffix not in AUDIO_SUFFIXES:
        return f"not a recording ({suffix or 'no suffix'})"
    try:
        size = path.stat().st_size
    except OSError:
        return ""
    return "too large to be an utterance (over 2 GiB)" if size > MOST_UTTERANCE_BYTES else ""


def not_regular(path: Path) -> str:
    """Returns in words what the path is instead of a file with bytes to read; empty if it is."""
    try:
        return kind(path.stat().st_mode)
    except FileNotFoundError:
        return "a link to nothing" if path.is_symlink() else ""
    except OSError:
        return ""


def kind(mode: int) -> str:
    """Returns in words what a file's mode says it is instead of a regular file; empty if it is."""
    return next((words for matches, words in _KINDS if matches(mode)), "")


def is_uri(path: str) -> bool:
    """Returns whether a path names a scheme, such as `gs://bucket/a.wav`."""
    return "://" in path


def existing(path: str) -> str:
    """Returns a path as its files are spelled, where they are there in another Unicode form.

    A Mac's disks decompose letters with accents, keyboards compose them.
    """
    if path.isascii() or os.path.lexists(path):
        return path
    folder, name = os.path.split(path)
    if folder == path:
        return path
    folder = existing(folder)
    wanted = unicodedata.normalize("NFC", name)
    try:
        with os.scandir(folder) as entries:
            names = sorted(entry.name for entry in entries)
    except OSError:
        names = []
    same = (other for other in names if unicodedata.normalize("NFC", other) == wanted)
    return os.path.join(folder, next(same, name))
