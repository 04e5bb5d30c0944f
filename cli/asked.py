"""What `ser predict` is asked about: files, folders, manifests, standard input, a microphone."""

import argparse
import collections
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from modules.audio.contents import Contents
    from schemas.table import Row
    from serving.client.question import Question, Refused

# Stands for the sound that another program writes to this one.
STANDARD_INPUT = "-"
# What `channel` may be beside `schemas.channels`.
FIRST_BY_NAME, EACH = "first", "each"


def channel(text: str) -> str:
    """Returns the channel that a text names; a type of arguments."""
    from schemas.channels import ALLOWED, is_channel

    name = {FIRST_BY_NAME: "", "center": "centre"}.get(text.lower(), text.lower())
    if not text or not (name == EACH or is_channel(name)):
        raise argparse.ArgumentTypeError(f"`{text}`: must be first, {ALLOWED}, or each")
    return name


def of_paths(paths: Iterable[Path], channel: str) -> "list[Question | Refused]":
    """Returns a question for each file; see `expand`, which has found them."""
    from serving.client.question import Question, Refused

    asked: list[Question | Refused] = []
    for path in paths:
        if str(path) == STANDARD_INPUT:
            contents = _standard_input()
            asked.append(Question(name="standard input", contents=contents, channel=channel))
        elif path.is_dir():
            asked.append(Refused(str(path), "no audio files in this folder"))
        else:
            asked.append(Question(name=str(path), path=str(path), channel=channel))
    return asked


def of_manifest(path: Path, channel: str) -> "list[Question | Refused]":
    """Returns a question for each row of a manifest, or of any CSV with a column `path`.

    Args:
      path: The CSV; of its columns, start_s, end_s, channel and utterance_id count.
      channel: The channel of rows that name none.

    Raises:
      UserError: It is no CSV, or has no rows.
    """
    from corpora.manifest.manifest import KNOWN
    from schemas import table
    from schemas.errors import UserError
    from serving.client.question import Refused

    rows = list(table.rows(path, required=("path",), columns=KNOWN))
    if not rows:
        raise UserError(f"{path}: names no recording")
    asked: list[Question | Refused] = []
    for row in rows:
        try:
            asked.append(_of_row(row, channel))
        except UserError as error:
            asked.append(Refused(row.get("path") or f"{path}, line {row.line}", str(error)))
    return asked


def of_microphone(duration_s: float) -> "Question":
    """Returns a question about what a microphone hears from now on; errors as of `record`."""
    from serving.client.microphone import record
    from serving.client.question import Question

    print(f"listening for {duration_s:g} s …", file=sys.stderr)
    return Question(name="microphone", contents=record(duration_s))


def _of_row(row: "Row", channel: str) -> "Question":
    from serving.client.question import Question

    start_s, end_s = row.seconds("start_s"), row.seconds("end_s")
    if end_s is not None and end_s <= (start_s or 0):
        raise row.error(f"`end_s` {end_s:g} is not after `start_s` {start_s or 0:g}")
    own = row.get("channel").lower()
    name = row.recording_path()
    return Question(
        name=name,
        path=name,
        start_s=start_s,
        end_s=end_s,
        channel=own if own == EACH else row.channel() if own else channel,
        utterance_id=row.get("utterance_id"),
    )


def _standard_input() -> "Contents":
    """Returns what comes from standard input; much of it lies in a temporary file."""
    import os
    import shutil
    import tempfile

    from modules.audio.contents import MOST_BYTES_IN_MEMORY, FileContents

    with tempfile.TemporaryFile() as file:
        shutil.copyfileobj(sys.stdin.buffer, file, 2**20)
        file.flush()
        size = file.tell()
        descriptor = os.dup(file.fileno())  # Stays open as long as this process.
    contents = FileContents(descriptor, size)
    return contents[:] if size <= MOST_BYTES_IN_MEMORY else contents


def expand(paths: Iterable[Path]) -> tuple[list[Path], dict[str, int]]:
    """Returns the files to ask about, and how many in folders are left out for which reason.

    Of a folder these are the recordings below it, found as indexing finds them; the folder itself
    if it has none.
    """
    from schemas.recordings import no_recording, not_regular, walk

    files: list[Path] = []
    left_out: collections.Counter[str] = collections.Counter()
    for path in paths:
        if not path.is_dir():
            files.append(path)
            continue
        closed: list[OSError] = []
        found = []
        for file in walk(path, onerror=closed.append):
            if reason := no_recording(file) or not_regular(file):
                left_out[reason] += 1
            else:
                found.append(file)
        left_out.update(f"folder cannot be opened: {error.strerror}" for error in closed)
        files += found or [path]
    return files, dict(left_out)


def tell_left_out(left_out: Mapping[str, int]) -> None:
    """Prints what `expand` left out."""
    if left_out:
        told = "; ".join(f"{count:,}: {reason}" for reason, count in sorted(left_out.items()))
        print(f"left out of the folders: {told}", file=sys.stderr)
