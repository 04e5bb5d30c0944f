"""What the readers of all corpora share: the record they yield and the walk over a folder."""

import dataclasses
import os
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Protocol

from schemas.errors import UserError
from schemas.recordings import no_recording, walk
from schemas.utterance import Utterance

# If a clip is there in several forms, the first of these is used, else the first by path.
PREFERRED_SUFFIXES = (".wav", ".flac")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Found:
    """One file (of a CSV: one row) that a reader met.

    Attributes:
      path: The file, absolute.
      domain: The corpus.
      utterance: What the file is, or `None` if it is skipped.
      reason: Why it is skipped; empty if it is not.
    """

    path: Path
    domain: str
    utterance: Utterance | None = None
    reason: str = ""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Option:
    """A choice in which the literature on a corpus differs.

    Attributes:
      allowed: The values it may have; the first is the default.
      help: What it decides, in a few words.
    """

    allowed: tuple[str, ...]
    help: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class PaperRow:
    """A corpus' row of the paper's Table 1.

    Attributes:
      language: Its name, or `several`.
      elicitation: `acted`, `induced` or `natural`.
      rate_hz: The rate of its sound, as printed.
      clips: The number of clips.
    """

    language: str
    elicitation: str
    rate_hz: int
    clips: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class FullCopy:
    """What a full copy of a corpus holds as it is distributed.

    Attributes:
      rate_hz: The rate of its sound.
      clips: The number of clips of the paper's six emotions, for each way of choosing them.
    """

    rate_hz: int
    clips: tuple[int, ...]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Corpus:
    """What there is to know of a corpus, or of a format, before any file is read.

    Attributes:
      name: What the command line calls it; of a corpus, also its domain.
      display: Its usual spelling, for reports.
      layout: The path of one recording, or of a format what to give, for messages.
      licence: What is allowed, in a few words.
      citation: Whom to cite.
      languages: ISO 639-1 code to English name, of all that are spoken in it.
      elicitation: `acted`, `induced` or `natural`.
      options: What a user may choose, by name.
      paper: Its row in the paper's Table 1, if it has one.
      full_copy: What to expect of it, where it has a row.
      is_format: Whether it stands for any corpus in this format: it may be given several times,
        and labels clips with the words it finds (`schemas.labels.canonical` maps them).
      is_file: Whether a file is given, not a folder.
      may_misspell: Whether people type its labels, so that an unknown word is an error.
    """

    name: str
    display: str
    layout: str
    licence: str
    citation: str = ""
    languages: Mapping[str, str] = dataclasses.field(default_factory=dict)
    elicitation: str = ""
    options: Mapping[str, Option] = dataclasses.field(default_factory=dict)
    paper: PaperRow | None = None
    full_copy: FullCopy | None = None
    is_format: bool = False
    is_file: bool = False
    may_misspell: bool = False

    @property
    def language(self) -> str:
        """The code of its only language; empty if it has several, or any."""
        return next(iter(self.languages)) if len(self.languages) == 1 else ""

    @property
    def kind(self) -> str:
        """Language and elicitation in words, such as `German, acted`; empty of a format."""
        names = list(self.languages.values())
        language = names[0] if len(names) == 1 else f"{len(names)} languages"
        return f"{language}, {self.elicitation}" if names else ""


class Reader(Protocol):
    """What the module of a corpus offers (`corpora/readers/emodb.py` is a short example).

    Attributes:
      CORPUS: What it reads.
      LABEL_MAP: The corpus' own code of each emotion to a word of `schemas.labels.VOCABULARY`. All
        that the corpus has: Which of them are used is decided elsewhere.
      read: A function that is given the corpus' folder, or one above or inside it, and each option
        as a keyword, and yields an entry for every file. Options left out have their default.
    """

    LABEL_MAP: dict[str, str]
    CORPUS: Corpus
    read: Callable[..., Iterator[Found]]


def resolve_options(
    corpus: str, options: Mapping[str, Option], given: Mapping[str, str]
) -> dict[str, str]:
    """Returns a value for each of a reader's options: the one given, or the default.

    Args:
      corpus: The name of the corpus, for messages.
      options: Those that its reader has.
      given: Name to value, as the user wrote them.

    Raises:
      UserError: There is no such option, or it cannot have that value.
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


def folder_match(path: Path, pattern: str, *, levels: int = 4) -> re.Match[str] | None:
    """Returns the match of the nearest folder above `path` whose whole name matches `pattern`.

    The folders may lie above the one that the user gave, so that a label is found however deep
    that one is.

    Args:
      path: The path of a recording, absolute.
      pattern: A regular expression; case is ignored.
      levels: How many folders to look at. A folder far above has nothing to do with the corpus.
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
      root: The corpus, or a folder above or inside it.
      domain: The corpus' name.
      parse: A function that returns, given a recording's absolute path, its utterance, or in words
        why it is skipped.
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
