"""Utterances to leave out, from a CSV like that of `ser corpora audit --write-exclusions`."""

import os
from pathlib import Path

from schemas import table
from schemas.columns import Columns
from schemas.utterance import Utterance

_COLUMNS = Columns({"utterance_id": ("utt_id",), "path": ("file", "filename"), "reason": ()})


class Exclusions:
    """Reads which utterances to leave out, and tells which of them were not met.

    Args:
      path: A CSV with the column utterance_id or path (absolute, or relative to the CSV's folder;
        all utterances of that recording) and, optionally, reason. A row with both columns goes by
        its utterance_id.

    Raises:
      UserError: There is no such file, or a row names no utterance.
    """

    def __init__(self, path: str | os.PathLike[str]):
        self.path = Path(path)
        self._reasons: dict[str, str] = {}
        self._met: set[str] = set()
        for row in table.rows(path, required=(), columns=_COLUMNS):
            if not (row.get("utterance_id") or row.get("path")):
                raise row.error("names no utterance: fill the column utterance_id or path")
            name = row.get("utterance_id") or row.recording_path()
            self._reasons.setdefault(name, row.get("reason") or f"listed in {self.path.name}")

    def reason(self, utterance: Utterance) -> str:
        """Returns why the utterance is left out; empty if it is not."""
        for name in (utterance.utterance_id, utterance.path):
            if name in self._reasons:
                self._met.add(name)
                return f"excluded: {self._reasons[name]}"
        return ""

    def unmet(self) -> list[str]:
        """Returns the utterances and paths that `reason` was never asked about."""
        return [name for name in self._reasons if name not in self._met]
