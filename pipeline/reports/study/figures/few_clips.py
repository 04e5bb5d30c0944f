"""UAR by how many clips of the target there are."""

from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from modules.metrics.statistics import Interval
from pipeline.reports import plots
from pipeline.reports.study.figures.plot import Plot
from pipeline.reports.study.inference import uar_interval
from pipeline.reports.study.layout import display
from pipeline.reports.study.results import Results, Series
from pipeline.reports.study.series import elsewhere, few_adapted, few_alone
from pipeline.reports.study.tables.few_clips import TRANSFERRED, clip_counts

_COLOURS = {TRANSFERRED: plots.BLUE, "alone": "#d08a1e"}
_SERIES: dict[str, Callable[[Results, str, str, int], Series]] = {
    TRANSFERRED: few_adapted,
    "alone": few_alone,
}
# The axis is logarithmic: beside each other by this factor, intervals do not cover each other.
_APART = 1.03


def few_clips(results: Results, protocol: str) -> Plot | None:
    """Draws UAR over clips a class, adapted and alone: a panel for each target, and the average."""
    design, counts = results.design, clip_counts(results)
    targets = [name for name in design.targets if design.clips_per_class.get(name)]
    panels: dict[str, list[str]] = {display(target): [target] for target in targets}
    if len(targets) > 1:
        panels["average"] = targets
    curves = {
        (title, name): [
            (count, *_point(results, [series_of(results, protocol, t, count) for t in own]))
            for count in counts
            if all(count in design.clips_per_class[target] for target in own)
        ]
        for title, own in panels.items()
        for name, series_of in _SERIES.items()
    }
    if not any(np.isfinite(uar) for points in curves.values() for _, uar, _ in points):
        return None
    figure, all_axes = plots.panels(len(panels), width=2.15, height=2.4)
    for axes, (title, own) in zip(all_axes, panels.items(), strict=True):
        start = _point(results, [elsewhere(results, protocol, t, None) for t in own])[0]
        if np.isfinite(start):
            axes.axhline(start, color=plots.SOFT, lw=1.1, ls="--")
        for i, name in enumerate(_SERIES):
            _draw(axes, curves[title, name], _COLOURS[name], _APART ** (1 - 2 * i))
        axes.set_xscale("log")
        axes.set_xticks(counts, [str(count) for count in counts])
        axes.set_xticks([], minor=True)
        axes.set_xlim(counts[0] / 1.25, counts[-1] * 1.25)
        axes.set_title(title, fontsize=10, loc="left")
        axes.set_xlabel("clips a class", fontsize=9)
        plots.style_axes(axes, label_size=8.5)
    # One scale, so that panels compare.
    limits = np.array([axes.get_ylim() for axes in all_axes])
    for axes in all_axes:
        axes.set_ylim(limits.min(), limits.max())
    handles = [Line2D([], [], color=_COLOURS[name], marker="o", ms=4.5, lw=1.4) for name in _SERIES]
    handles.append(Line2D([], [], color=plots.SOFT, ls="--", lw=1.1))
    labels = [TRANSFERRED, "alone", "S2-A1, no clips of the target"]
    figure.legend(handles, labels, loc="outside upper left", ncols=3, frameon=False, fontsize=9)
    return Plot(
        slug=f"few-clips-{protocol}",
        title="UAR by clips of the target",
        caption="Points: UAR averaged over folds and seeds, of the network that never heard the"
        f" target, tuned on so many clips of each of its classes ({TRANSFERRED}), and of one"
        " trained on the same clips alone. Lines up and down: 95% bootstrap intervals, speakers"
        " resampled, of all folds together, so a point may lie off the middle. Dashed: without any"
        " clip of the target.",
        svg=plots.svg(figure),
    )


def _point(results: Results, of_targets: Sequence[Series]) -> tuple[float, Interval]:
    """Returns the UAR averaged over folds, seeds and targets, and its interval."""
    mean = float(np.mean([series.mean for series in of_targets]))
    return mean, uar_interval(results.clips, *of_targets)


def _draw(
    axes: Axes, points: Sequence[tuple[int, float, Interval]], colour: str, shift: float
) -> None:
    """Draws a curve with its intervals, shifted by a factor; what is missing is left out."""
    known = [(count * shift, uar, interval) for count, uar, interval in points if np.isfinite(uar)]
    if not known:
        return
    places, uars, intervals = zip(*known, strict=True)
    axes.plot(places, uars, "o-", color=colour, ms=4.5, lw=1.4)
    for place, interval in zip(places, intervals, strict=True):
        if np.isfinite(interval.lower):
            axes.vlines(place, interval.lower, interval.upper, color=colour, lw=1.2, alpha=0.7)
