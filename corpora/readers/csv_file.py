"""Any corpus as a CSV with at least path, domain, speaker and emotion; a manifest is one."""

from collections.abc import Iterator
from pathlib import Path

from corpora import manifest
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
    for row in manifest.rows(root):
        emotion = row.get("emotion").lower()
        if emotion in SKIPPED_EMOTIONS:
            domain = row.require("domain")
            yield Found(path=row.resolved_path(), domain=domain, reason=emotion)
        else:
            utterance = row.utterance()
            yield Found(path=Path(utterance.path), domain=utterance.domain, utterance=utterance)
