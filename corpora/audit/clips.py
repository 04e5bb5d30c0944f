"""What an audit looks at: the rows of a manifest, or of a list of folds made elsewhere."""

import dataclasses
import os
from collections.abc import Iterable
from pathlib import Path

from corpora.manifest import columns as names
from schemas import table
from schemas.errors import UserError
from schemas.utterance import Utterance

# The columns of a fold list that allow further checks, and which.
OPTIONAL = ("domain", "speaker", "emotion", "sentence", "licence")
COLUMNS = names.of_fold_list(("path", "fold", *OPTIONAL, "start_s", "end_s", "channel"))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Clip:
    """One labelled recording as an audit sees it; what is unknown is empty.

    Attributes: as of `schemas.utterance.Utterance`; `fold` is a name, such as `0` or `train`.
    """

    utterance_id: str
    path: str
    fold: str
    domain: str
    speaker: str = ""
    emotion: str = ""
    sentence: str = ""
    licence: str = ""
    start_s: float | None = None
    end_s: float | None = None
    channel: str = ""

    def __str__(self) -> str:
        return f"{self.utterance_id} (fold {self.fold or 'none'})"


def from_utterances(utterances: Iterable[Utterance], protocol: str) -> list[Clip]:
    """Returns the clips of a manifest, sorted by id, with their folds under the protocol."""
    clips = []
    for utterance in utterances:
        fold = utterance.fold(protocol)
        clips.append(
            Clip(
                utterance_id=utterance.utterance_id,
                path=utterance.path,
                fold=str(fold) if fold >= 0 else "",
                domain=utterance.domain,
                speaker=utterance.speaker,
                emotion=utterance.emotion,
                sentence=utterance.sentence,
                licence=utterance.licence,
                start_s=utterance.start_s,
                end_s=utterance.end_s,
                channel=utterance.channel,
            )
        )
    return sorted(clips, key=lambda clip: clip.utterance_id)


def from_fold_list(path: str | os.PathLike[str]) -> tuple[list[Clip], frozenset[str]]:
    """Reads a CSV with the columns path and fold, and any of `OPTIONAL`, start_s and end_s.

    Folds, speakers and emotions have whatever names they have there. A relative path is relative
    to the CSV's folder.

    Returns:
      The clips, sorted by id, which is the path as it stands there; the optional columns it has.

    Raises:
      UserError: The file, or a row of it, is not as it must be; names the line.
    """
    clips, columns = [], frozenset[str]()
    lines: dict[str, int] = {}
    for row in table.rows(path, required=("path", "fold"), columns=COLUMNS):
        columns = frozenset(row.values) & frozenset(OPTIONAL)
        start_s, end_s = row.seconds("start_s"), row.seconds("end_s")
        segment = ""
        if start_s is not None or end_s is not None:
            segment = f"@{start_s or 0:g}-" + ("" if end_s is None else f"{end_s:g}")
        name = row.require("path") + segment
        if name in lines:
            raise row.error(f"the same recording as line {lines[name]}: {name}; list it once")
        lines[name] = row.line
        clips.append(
            Clip(
                utterance_id=name,
                path=row.recording_path(),
                fold=row.require("fold"),
                domain=row.get("domain") or Path(path).stem,
                speaker=row.get("speaker"),
                emotion=row.get("emotion").lower(),
                sentence=row.get("sentence"),
                licence=row.get("licence"),
                start_s=start_s,
                end_s=end_s,
                channel=row.channel(),
            )
        )
    if not clips:
        raise UserError(f"{path}: lists no recording")
    return sorted(clips, key=lambda clip: clip.utterance_id), columns
