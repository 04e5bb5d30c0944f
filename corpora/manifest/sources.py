"""Where a manifest comes from: `speech.sources.json` beside `speech.csv`."""

import dataclasses
import json
import os
from collections.abc import Callable
from pathlib import Path

from schemas.errors import UserError
from schemas.files import replacing
from schemas.places import place

# The file in a folder of synthetic corpora (as corpora.synthetic.STAMP; a test compares them).
SYNTHETIC_STAMP = "synthetic.json"
SYNTHETIC_LICENCE = "synthetic speech; holds nothing of the real corpus"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Source:
    """One corpus as it was indexed.

    Attributes:
      corpus: The reader's name.
      folder: What was read, absolute; of `csv`, the file.
      domains: The domains of its utterances.
      options: The reader's options, defaults included.
      label_set: The labels that were asked for, of this and all other sources.
      words: The user's mapping of the corpus' own words, to a label or `skip`.
      licence, citation: The corpus' own.
      elicitation, language: Those of its utterances.
      synthetic: Whether its speech is synthetic (`ser corpora synthesize`).
      found, used, skipped, unreadable: Numbers of files; the first is the sum of the others.
    """

    corpus: str
    folder: str
    domains: list[str]
    options: dict[str, str]
    label_set: list[str]
    words: dict[str, str]
    licence: str
    citation: str
    elicitation: str
    language: str
    synthetic: bool
    found: int
    used: int
    skipped: int
    unreadable: int


def sources_path(path: str | os.PathLike[str]) -> Path:
    """Returns where the sources of the manifest at `path` lie: beside it, `.sources.json`."""
    return place(path).with_suffix(".sources.json")


def write(sources: list[Source], path: str | os.PathLike[str]) -> None:
    """Writes the sources as JSON, replacing `path` at once."""
    with replacing(path) as file:
        content = {"sources": [dataclasses.asdict(source) for source in sources]}
        json.dump(content, file, indent=2, ensure_ascii=False)
        file.write("\n")


def read(path: str | os.PathLike[str]) -> list[Source]:
    """Returns what `write` wrote.

    Raises:
      UserError: The file is not there or does not hold sources.
    """
    try:
        content = json.loads(place(path).read_text(encoding="utf-8"))
        return [Source(**source) for source in content["sources"]]
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; `ser corpora index` writes one") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path}: does not hold sources ({error}); index anew") from None


def synthetic_test() -> Callable[[str], bool]:
    """Returns a function that tells whether the recording at a path is synthetic.

    It is if a stamp of `ser corpora synthesize` lies in a folder above. Folders are looked at once.
    """
    stamped: dict[str, bool] = {}

    def is_stamped(folder: str) -> bool:
        if folder not in stamped:
            above = os.path.dirname(folder)
            stamped[folder] = (above != folder and is_stamped(above)) or os.path.isfile(
                os.path.join(folder, SYNTHETIC_STAMP)
            )
        return stamped[folder]

    return lambda path: is_stamped(os.path.dirname(path))
