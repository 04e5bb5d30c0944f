"""The learning curve as a picture."""

from collections.abc import Sequence

import numpy as np

from modules.adaptation.curve import CurvePoint
from pipeline.reports import plots
from pipeline.reports.plots import BLUE, DISTINCT, GREY, SOFT, Picture

# Width over the largest number of clips, in logarithms, that the words at the right take.
_ROOM = 1.6


def picture(
    curve: Sequence[CurvePoint], *, approach: str, zero_shot: float | None, chance: float
) -> Picture:
    """Returns UAR over clips a class: adapted, from scratch, and the base as it is.

    Args:
      curve: At least one point.
      approach: Approach of the adapted networks.
      zero_shot: UAR of the base; `None` if it does not know the labels.
      chance: UAR of guessing.
    """
    figure, (axes,) = plots.panels(1, width=7.4, height=3.4)
    sizes = [point.clips_a_class for point in curve]
    for name, colour, values in (
        (f"adapted ({approach})", BLUE, [point.adapted for point in curve]),
        ("from scratch", DISTINCT[5], [point.scratch for point in curve]),
    ):
        means = [float(np.mean(draws)) for draws in values]
        axes.plot(sizes, means, color=colour, marker="o", ms=5, lw=1.8)
        for size, draws in zip(sizes, values, strict=True):
            axes.plot([size] * len(draws), draws, ".", color=colour, ms=4, alpha=0.5)
        axes.annotate(
            name,
            (sizes[-1], means[-1]),
            xytext=(8, 0),
            textcoords="offset points",
            color=colour,
            va="center",
            fontsize=9,
        )
    for name, level in (("zero-shot", zero_shot), ("chance", chance)):
        if level is not None:
            axes.axhline(level, color=GREY, lw=1.2, ls=(0, (4, 3)))
            axes.annotate(
                name,
                (0, level),
                xycoords=("axes fraction", "data"),
                xytext=(4, 3),
                textcoords="offset points",
                color=SOFT,
                fontsize=8.5,
            )
    axes.set_xscale("log")
    axes.set_xlim(min(sizes) / 1.15, max(sizes) * _ROOM)
    axes.set_xticks(sizes, [f"{size:.0f}" for size in sizes])
    axes.minorticks_off()
    axes.set_xlabel("clips a class that were trained on (logarithmic)", fontsize=9)
    axes.set_ylabel("UAR", fontsize=9)
    axes.set_ylim(0, 1)
    plots.style_axes(axes)
    words = "; ".join(
        f"{point.clips_a_class:.0f} clips a class: adapted {np.mean(point.adapted):.3f},"
        f" from scratch {np.mean(point.scratch):.3f}"
        for point in curve
    )
    return Picture(uri=plots.data_uri(plots.svg(figure)), alt=f"Learning curve. {words}.")
