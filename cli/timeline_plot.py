"""A timeline as a picture: probabilities over time, and where the model is unsure."""

import html
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from schemas import files

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from serving.client.timeline import Timeline

FORMATS = (".png", ".svg", ".html")
_WIDTH, _HEIGHT = 11.0, 3.2  # inches, of one timeline
_UNSURE = "#c9ced4"


def write(timelines: "Sequence[tuple[str, Timeline]]", path: Path) -> None:
    """Writes a picture of some timelines, one below the other, with a title each.

    Args:
      timelines: Titles and timelines.
      path: A file whose name ends in one of `FORMATS`.
    """
    from matplotlib.figure import Figure

    from pipeline.reports import plots

    figure = Figure(figsize=(_WIDTH, _HEIGHT * len(timelines)), layout="constrained")
    axes = figure.subplots(len(timelines), 1, squeeze=False)[:, 0]
    for each, (title, timeline) in zip(axes, timelines, strict=True):
        _draw(each, timeline, title)
    kind = path.suffix.lower()
    if kind == ".png":
        with files.replacing(path, binary=True) as file:
            figure.savefig(file, format="png", dpi=130)
        return
    image = plots.svg(figure)
    with files.replacing(path, binary=True) as file:
        file.write(image if kind == ".svg" else _page(image, timelines[0][0]).encode())


def _draw(axes: "Axes", timeline: "Timeline", title: str) -> None:
    from matplotlib.ticker import MultipleLocator

    from pipeline.reports import plots

    middles = [(each.start_s + each.end_s) / 2 for each in timeline.windows]
    labels = timeline.labels
    for label, colour in zip(labels, plots.cycled(len(labels)), strict=True):
        shares = [each.probabilities.get(label, float("nan")) for each in timeline.windows]
        # A label that the domain lacks is no line.
        if any(share > 0 for share in shares):
            axes.plot(middles, shares, color=colour, lw=1.4, label=label, marker="o", ms=2)
    named: set[str] = set()
    for start_s, end_s, reason in unsure_spans(timeline):
        axes.axvspan(start_s, end_s, color=_UNSURE, alpha=0.6, lw=0,
                     label=None if named else "unsure")  # fmt: skip
        named.add(reason)
    axes.set_title(title, fontsize=10, loc="left")
    axes.set_xlim(timeline.start_s, timeline.end_s)
    axes.set_ylim(0, 1)
    axes.set_xlabel("time", fontsize=9)
    axes.set_ylabel("probability", fontsize=9)
    axes.xaxis.set_major_locator(MultipleLocator(tick_s(timeline.end_s - timeline.start_s)))
    axes.xaxis.set_major_formatter(lambda value, _: clock(value))
    plots.style_axes(axes)
    axes.legend(fontsize=8, frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))


def unsure_spans(timeline: "Timeline") -> list[tuple[float, float, str]]:
    """Returns the times in which a timeline is unsure, with the reason of each."""
    spans: list[tuple[float, float, str]] = []
    for each in timeline.windows:
        if not each.unsure:
            continue
        if spans and spans[-1][1:] == (each.from_s, each.unsure):
            spans[-1] = (spans[-1][0], each.until_s, each.unsure)
        else:
            spans.append((each.from_s, each.until_s, each.unsure))
    return spans


def tick_s(duration_s: float) -> float:
    """Returns the distance of ticks on an axis of time, such as clocks have: ten at most.

    >>> tick_s(8), tick_s(183), tick_s(3600)
    (1, 20, 600)
    """
    steps = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 900, 1_800, 3_600)
    return next((step for step in steps if duration_s / step <= 10), duration_s / 10)


def clock(time_s: float) -> str:
    """Returns a time as people read it.

    >>> clock(75), clock(3725), clock(2.5)
    ('1:15', '1:02:05', '0:02.5')
    """
    minutes, seconds = divmod(round(time_s, 1), 60)
    hours, minutes = divmod(int(minutes), 60)
    text = f"{seconds:04.1f}".removesuffix(".0")
    return f"{hours}:{minutes:02}:{text}" if hours else f"{minutes}:{text}"


def _page(image: bytes, title: str) -> str:
    svg = image.decode()
    return (
        f'<!DOCTYPE html>\n<html lang="en"><meta charset="utf-8"><title>{html.escape(title)}'
        f"</title>\n<body>\n{svg[svg.index('<svg') :]}\n</body></html>\n"
    )
