"""What the readers of all corpora share: the record they yield and the walk over a folder."""

import dataclasses
import os
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Protocol

from schemas.errors import UserError
from schemas.recordings import AUDIO_SUFFIXES
from schemas.utterance import Utterance

# If a clip is there in several forms, the first of these is used, else the first by path.
PREFERRED_SUFFIXES = (".wav", ".flac")


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


@dataclasses.dataclass(frozen=True, kw_only=True)
class Option:
    """A choice in which the literature on a corpus differs.

    Attributes:
      allowed: the values it may have; the first is the default.
      help: what it decides, in a few words.
    """

    allowed: tuple[str, ...]
    help: str


class Reader(Protocol):
    """What the module of a corpus offers (`corpora/readers/emodb.py` is a short example).

    Attributes:
      LABEL_MAP: the corpus' own code of each emotion to one of `schemas.labels.EMOTIONS`, or
        to the name of an emotion that is not among them (such files are skipped by that name).
      LAYOUT: the name of one recording, for messages.
      CITATION, LICENCE: whom to cite, what is allowed.
      LANGUAGE: ISO 639-1 code; empty if the corpus has several. ELICITATION: `acted`, `induced`
        or `natural`.
      OPTIONS: what a user may choose, by name.
      read: given the corpus' folder, or one above or inside it, and each option as a keyword,
        yields an entry for every file. Options left out have their default.
    """

    LABEL_MAP: dict[str, str]
    LAYOUT: str
    CITATION: str
    LICENCE: str
    LANGUAGE: str
    ELICITATION: str
    OPTIONS: dict[str, Option]
    read: Callable[..., Iterator[Found]]


def resolve_options(
    corpus: str, options: Mapping[str, Option], given: Mapping[str, str]
) -> dict[str, str]:
    """Returns a value for each of a reader's options: the one given, or the default.

    Args:
      corpus: the name of the corpus, for messages.
      options: the reader's `OPTIONS`.
      given: name to value, as the user wrote them.

    Raises:
      UserError: there is no such option, or it cannot have that value.
    """
    for name, value in given.items():
        if name not in options:
            raise UserError(
                f"option {corpus}.{name} does not exist; {corpus} has"
                f" {', '.join(options) or 'no options'}"
            )
        if value not in options[name].allowed:
            raise UserError(
                f"option {corpus}.{name} cannot be `{value}`;"
                f" allowed: {', '.join(options[name].allowed)}"
            )
    return {name: given.get(name, option.allowed[0]) for name, option in options.items()}


def walk(
    root: Path, *, onerror: Callable[[OSError], object] = lambda error: None
) -> Iterator[Path]:
    """Yields all files below `root`, sorted, through links, each folder once.

    Args:
      root: a folder.
      onerror: is told of each folder that cannot be opened; they are left out.
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
    """Returns in words why the file, by its name, is no recording; empty if it may be one."""
    if path.name.startswith("."):
        return "hidden file"
    suffix = path.suffix.lower()
    return "" if suffix in AUDIO_SUFFIXES else f"not a recording ({suffix or 'no suffix'})"


def folder_match(path: Path, pattern: str, *, levels: int = 4) -> re.Match[str] | None:
    """Returns the match of the nearest folder above `path` whose whole name matches `pattern`.

    The folders may lie above the one that the user gave, so that a label is found however deep
    that one is.

    Args:
      path: of a recording, absolute.
      pattern: a regular expression; case is ignored.
      levels: how many folders to look at. A folder far above has nothing to do with the corpus.
    """
    matches = (
        re.fullmatch(pattern, parent.name, re.IGNORECASE) for parent in path.parents[:levels]
    )
    return next((match for match in matches if match), None)


def read_files(
    root: Path, *, domain: str, parse: Callable[[Path], Utterance | str]
) -> Iterator[Found]:
    """Yields every file below `root` as `parse` labels it, by path, then folders it cannot open.

    Args:
      root: the corpus, or a folder above or inside it.
      domain: the corpus' name.
      parse: given a recording's absolute path, its utterance, or in words why it is skipped.
    """
    root = Path(os.path.abspath(root))
    closed: list[OSError] = []
    parsed = {path: no_recording(path) or parse(path) for path in walk(root, onerror=closed.append)}
    # Some copies carry the whole corpus twice, or clips both as videos and as their extracted
    # sound: a clip in two folds would be a leak.
    chosen: dict[str, Path] = {}
    for path in sorted(parsed, key=_preference):
        if isinstance(clip := parsed[path], Utterance):
            chosen.setdefault(clip.utterance_id, path)
    for path, clip in parsed.items():
        if isinstance(clip, str):
            yield Found(path=path, domain=domain, reason=clip)
        elif chosen[clip.utterance_id] != path:
            first = os.path.relpath(chosen[clip.utterance_id], root)
            yield Found(path=path, domain=domain, reason=f"second copy of {first}")
        else:
            yield Found(path=path, domain=domain, utterance=clip)
    for error in closed:
        reason = f"folder cannot be opened: {error.strerror}"
        yield Found(path=Path(error.filename), domain=domain, reason=reason)


def _preference(path: Path) -> tuple[int, Path]:
    suffix = path.suffix.lower()
    preferred = suffix in PREFERRED_SUFFIXES
    return PREFERRED_SUFFIXES.index(suffix) if preferred else len(PREFERRED_SUFFIXES), path
