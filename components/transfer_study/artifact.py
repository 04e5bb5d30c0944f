"""What TransferStudy leaves, and what tells whether it is still good."""

import hashlib

from tfx.types import artifact

KEYS_FILE = "cells.json"


class StudyResults(artifact.Artifact):
    """Which results of the store belong to the study: `cells.json` lists their keys."""

    TYPE_NAME = "StudyResults"


def data_digest(*parts: str) -> str:
    """Returns one digest for the manifest, the configuration and the code that made the clips."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
