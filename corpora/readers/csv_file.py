"""Any corpus as a CSV with at least path, domain, speaker and emotion; a manifest is one."""

from collections.abc import Iterator
from pathlib import Path

from corpora.readers.base import Corpus, Found, Option
from schemas import channels, labels
from schemas.places import place

LABEL_MAP = labels.SYNONYMS
# In place of a channel: both of two are utterances.
EACH = "each"
CORPUS = Corpus(
    name="csv",
    display="CSV",
    layout="a CSV file with at least the columns path, domain, speaker, emotion",
    licence="as of the recordings it lists",
    options={
        "channel": Option(
            allowed=("first", *channels.NAMES, EACH),
            numbers=True,
            help="the channel that is heard, where the column channel is empty; each makes an"
            " utterance of either of two",
        )
    },
    is_format=True,
    is_file=True,
    may_misspell=True,
)


def read(root: Path, *, channel: str = "first") -> Iterator[Found]:
    """Yields every row of the CSV file `root`, labelled with the row's own word.

    Args:
      root: The file.
      channel: The channel of rows that name none; of `each`, a row is two utterances.

    Raises:
      UserError: A column is missing, or a row holds what it may not.
    """
    # What manifests need is slow to import, and this module is imported for `--help`.
    from corpora.manifest import manifest
    from schemas import table

    default = channels.FIRST if channel == "first" else channel
    for row in table.rows(root, required=manifest.REQUIRED, columns=manifest.KNOWN):
        own = row.get("channel").lower() or default
        for side in ("1", "2") if own == EACH else ("",):
            heard = row.channel(side or own)
            utterance = manifest.utterance_of(row, channel=heard, side=side)
            yield Found(path=place(utterance.path), domain=utterance.domain, utterance=utterance)


def notes(root: Path) -> list[str]:
    """Returns in words what became of the columns of the CSV file `root`."""
    from corpora.manifest import manifest
    from schemas import table

    return table.read(root, required=manifest.REQUIRED, columns=manifest.KNOWN).notes()
