"""Any corpus as a CSV with at least path, domain, speaker and emotion; a manifest is one."""

from collections.abc import Iterator
from pathlib import Path

from corpora.readers.base import Corpus, Found
from schemas import labels

LABEL_MAP = labels.SYNONYMS
CORPUS = Corpus(
    name="csv",
    display="CSV",
    layout="a CSV file with at least the columns path, domain, speaker, emotion",
    licence="as of the recordings it lists",
    is_format=True,
    is_file=True,
    may_misspell=True,
)


def read(root: Path) -> Iterator[Found]:
    """Yields every row of the CSV file `root`, labelled with the row's own word.

    Raises:
      UserError: A column is missing, or a row holds what it may not.
    """
    # What manifests need is slow to import, and this module is imported for `--help`.
    from corpora.manifest import manifest
    from schemas import table

    for row in table.rows(root, required=manifest.REQUIRED, columns=manifest.KNOWN):
        utterance = manifest.utterance_of(row)
        yield Found(path=Path(utterance.path), domain=utterance.domain, utterance=utterance)


def notes(root: Path) -> list[str]:
    """Returns in words what became of the columns of the CSV file `root`."""
    from corpora.manifest import manifest
    from schemas import table

    return table.read(root, required=manifest.REQUIRED, columns=manifest.KNOWN).notes()
