"""What the readers of all corpora share: the record they yield and the walk over a folder."""

import dataclasses
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

from corpora.utterance import Utterance

# What may hold sound. The content decides in the end; this only tells recordings from the
# transcripts, licences and thumbnails that lie beside them.
_SOUND = "wav flac aif aiff aifc au snd caf ogg oga opus mp3 m4a aac wma w64 rf64"
_VIDEO = "avi mp4 mov mkv webm mpg mpeg flv wmv 3gp"
AUDIO_SUFFIXES = frozenset(f".{suffix}" for suffix in f"{_SOUND} {_VIDEO}".split())


@dataclasses.dataclass(frozen=True, kw_only=True)
class Found:
    """One file (of a CSV: one row) that a reader met.

    Attributes:
      path: the file, absolute.
      domain: the corpus.
      utterance: what the file is, or `None` if it is skipped.
      reason: why it is skipped; empty if it is not.
    """

    path: Path
    domain: str
    utterance: Utterance | None = None
    reason: str = ""


class Reader(Protocol):
    """What the module of a corpus offers (`corpora/readers/emodb.py` is a short example).

    Attributes:
      LABEL_MAP: the corpus' own code of each emotion to one of `modules.features.EMOTIONS`, or
        to the name of an emotion that is not among them (such files are skipped by that name).
      LAYOUT: the name of one recording, for messages.
      CITATION, LICENCE: whom to cite, what is allowed.
      LANGUAGE: ISO 639-1 code. ELICITATION: `acted`, `induced` or `natural`.
    """

    LABEL_MAP: dict[str, str]
    LAYOUT: str
    CITATION: str
    LICENCE: str
    LANGUAGE: str
    ELICITATION: str

    def read(self, root: Path) -> Iterator[Found]:
        """Yields every file below `root`, sorted by path."""


def walk(root: Path) -> Iterator[Path]:
    """Yields all files below `root`, sorted, through links, each folder once."""
    seen = set()
    for folder, subfolders, files in os.walk(root, followlinks=True):
        real = os.path.realpath(folder)
        if real in seen:
            subfolders.clear()
            continue
        seen.add(real)
        subfolders.sort()
        yield from (Path(folder, name) for name in sorted(files))


def read_files(
    root: Path, *, domain: str, parse: Callable[[Path], Utterance | str]
) -> Iterator[Found]:
    """Yields every file below `root` as `parse` labels it.

    Args:
      root: the corpus, or a folder above or inside it.
      domain: the corpus' name.
      parse: given a recording, its utterance, or in words why it is skipped.
    """
    first: dict[str, Path] = {}
    for path in walk(root):
        utterance: Utterance | None = None
        if path.name.startswith("."):
            reason = "hidden file"
        elif path.suffix.lower() not in AUDIO_SUFFIXES:
            reason = f"not a recording ({path.suffix.lower() or 'no suffix'})"
        else:
            parsed = parse(path)
            if isinstance(parsed, str):
                reason = parsed
            elif parsed.utterance_id in first:
                # Some copies carry the whole corpus twice: a clip in two folds would be a leak.
                reason = f"second copy of {os.path.relpath(first[parsed.utterance_id], root)}"
            else:
                first[parsed.utterance_id] = path
                utterance, reason = parsed, ""
        yield Found(path=path, domain=domain, utterance=utterance, reason=reason)
