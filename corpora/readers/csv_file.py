"""Any corpus as a CSV with at least path, domain, speaker and emotion; a manifest is one."""

from collections.abc import Iterator
from pathlib import Path

from corpora.manifest import manifest, table
from corpora.readers.base import Found, Option
from schemas.labels import EMOTIONS

LABEL_MAP = {emotion: emotion for emotion in EMOTIONS}
LAYOUT = "a CSV with the columns path, domain, speaker, emotion"
CITATION = ""
LICENCE = "as of the recordings it lists"
LANGUAGE = ""
ELICITATION = ""
OPTIONS: dict[str, Option] = {}

# Rows with these are corpora's usual company and are skipped by name; any other unknown emotion
# is an error, because it may be a misspelling of one that was meant.
SKIPPED_EMOTIONS = ("neutral", "boredom", "calm")


def read(root: Path) -> Iterator[Found]:
    """Yields every row of the CSV file `root`.

    Raises:
      UserError: a column is missing, or a row holds what it may not.
    """
    for row in table.rows(root, required=manifest.REQUIRED):
        utterance = manifest.utterance_of(row)
        path, domain, emotion = Path(utterance.path), utterance.domain, utterance.emotion
        if emotion in SKIPPED_EMOTIONS:
            yield Found(path=path, domain=domain, reason=emotion)
        elif emotion not in EMOTIONS:
            raise row.error(f"emotion `{emotion}` does not exist; allowed: {', '.join(EMOTIONS)}")
        else:
            yield Found(path=path, domain=domain, utterance=utterance)
