"""Timelines of recordings: rows of windows, summaries, pictures, label tracks."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from schemas.errors import UserError

if TYPE_CHECKING:
    from serving.client.timeline import Timeline

Row = dict[str, Any]


@dataclass(frozen=True)
class Told:
    """A timeline, and which recording it is of (`rows.which`)."""

    which: Row
    timeline: "Timeline"

    @property
    def title(self) -> str:
        """Returns the recording's name, with its channel where one was chosen."""
        channel = self.which.get("channel")
        return self.which["file"] + (f", channel {channel}" if channel else "")


def window_rows(told: Told) -> Iterator[Row]:
    """Yields a row for each window of a timeline."""
    for each in told.timeline.windows:
        yield {
            **told.which,
            "start_s": round(each.start_s, 3),
            "end_s": round(each.end_s, 3),
            "emotion": each.emotion,
            "probabilities": each.probabilities,
            "unsure": each.unsure,
            "model": told.timeline.model,
            "version": told.timeline.version,
        }


def summary_row(told: Told) -> Row:
    """Returns a timeline as one row: its answer, and how its time is shared out."""
    from serving.client.rows import answered
    from serving.client.timeline import summarise

    summary = summarise(told.timeline)
    return {
        **told.which,
        **answered(told.timeline.prediction()),
        "shares": {label: round(share, 4) for label, share in summary.shares.items()},
        "unsure_s": {reason: round(each_s, 3) for reason, each_s in summary.unsure_s.items()},
    }


def with_windows(told: Told) -> Row:
    """Returns what JSON has of a timeline: its summary and its windows."""
    kept = ("start_s", "end_s", "emotion", "probabilities", "unsure")
    rows = [{name: row[name] for name in kept} for row in window_rows(told)]
    return {**summary_row(told), "timeline": rows}


def print_summaries(all_told: list[Told], *, to_stderr: bool) -> None:
    """Prints in a few words what each timeline comes to."""
    for told in all_told:
        row = summary_row(told)
        shares = ", ".join(f"{label} {share:.0%}" for label, share in row["shares"].items())
        unsure = ", ".join(f"{reason} {each_s:.1f} s" for reason, each_s in row["unsure_s"].items())
        mean = row["probabilities"][row["emotion"]]
        print(
            f"{told.title}: {row['duration_s']:,.1f} s in {row['windows']:,} windows; on average"
            f" {row['emotion']} ({mean:.2f}); of the time: {shares or 'nothing sure'}"
            + (f"; unsure: {unsure}" if unsure else ""),
            file=sys.stderr if to_stderr else sys.stdout,
        )


def check_outputs(plot: Path | None, labels: Path | None) -> None:
    """Checks, before anything is asked, that a picture and a label track can be written.

    Raises:
      UserError: A name ends in no known format, or its folder is not there.
    """
    from cli import timeline_plot

    for option, path, formats in (
        ("--plot", plot, timeline_plot.FORMATS),
        ("--labels", labels, (".txt",)),
    ):
        if path is None:
            continue
        if path.suffix.lower() not in formats:
            raise UserError(f"{option} {path}: its name has to end in {', '.join(formats)}")
        if not path.absolute().parent.is_dir():
            raise UserError(
                f"{option} {path}: there is no folder {path.absolute().parent}; make it"
            )


def write_labels(all_told: list[Told], path: Path) -> None:
    """Writes an Audacity label track of one recording: start, end and emotion, tab-separated.

    Neighbours of the same emotion are one label; where the model is unsure, the reason stands in
    brackets. Of several channels, labels tell which.
    """
    from schemas import files

    with files.replacing(path) as file:
        for told in all_told:
            channel = told.which.get("channel") if len(all_told) > 1 else None
            prefix = f"channel {channel}: " if channel else ""
            for start_s, end_s, label in spans(told.timeline):
                file.write(f"{start_s:.6f}\t{end_s:.6f}\t{prefix}{label}\n")


def spans(timeline: "Timeline") -> list[tuple[float, float, str]]:
    """Returns the times of a timeline with one label each, neighbours of the same label joined."""
    joined: list[tuple[float, float, str]] = []
    for each in timeline.windows:
        label = f"(unsure: {each.unsure})" if each.unsure else each.emotion
        if joined and joined[-1][2] == label:
            joined[-1] = (joined[-1][0], each.until_s, label)
        else:
            joined.append((each.from_s, each.until_s, label))
    return joined
