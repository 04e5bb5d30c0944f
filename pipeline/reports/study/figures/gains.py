"""What each approach gains over training on the target alone."""

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.ticker import PercentFormatter

from pipeline.reports import plots
from pipeline.reports.study import paper
from pipeline.reports.study.approaches import AUTO, in_order
from pipeline.reports.study.figures.plot import Plot
from pipeline.reports.study.inference import gain_interval
from pipeline.reports.study.layout import display
from pipeline.reports.study.results import Results
from pipeline.reports.study.series import adapted, on_target, relative_gain

_SCENARIO_COLOURS = {"S1": plots.BLUE, "S2": "#d08a1e"}


def gains(results: Results, protocol: str) -> Plot | None:
    """Draws the relative gain of each approach over TT, with intervals, a panel for each target."""
    design = results.design
    approaches = in_order(design.approaches)
    points = {}
    for target in design.targets:
        baseline = on_target(results, protocol, target)
        for scenario in design.scenarios:
            for place, approach in enumerate(approaches):
                series = adapted(results, protocol, target, scenario, approach)
                value = relative_gain(series, baseline)
                if np.isfinite(value):
                    interval = gain_interval(results.clips, [(series, baseline)])
                    points[target, scenario, place] = (value, interval)
    if not points:
        return None
    figure, panels = plots.panels(
        len(design.targets), width=1.6 + 0.26 * len(approaches), height=2.7
    )
    for axes, target in zip(panels, design.targets, strict=True):
        for i, scenario in enumerate(design.scenarios):
            colour = _SCENARIO_COLOURS[scenario]
            shift = 0.3 * (i - (len(design.scenarios) - 1) / 2)
            for place, approach in enumerate(approaches):
                theirs = None if approach == AUTO else paper.gain(scenario, target, approach)
                if theirs is not None:
                    axes.plot(place + shift, theirs, "x", color=colour, ms=4.5, mew=1.1, alpha=0.7)
                if (target, scenario, place) not in points:
                    continue
                value, interval = points[target, scenario, place]
                axes.plot(place + shift, value, "o", color=colour, ms=4.5)
                if np.isfinite(interval.lower):
                    axes.vlines(place + shift, interval.lower, interval.upper, color=colour, lw=1.2)
        axes.axhline(0, color=plots.INK, lw=0.9)
        axes.set_xticks(range(len(approaches)), approaches)
        if any(len(name) > 4 for name in approaches):
            axes.tick_params(axis="x", rotation=60)
        axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        axes.set_title(display(target), fontsize=10, loc="left")
        plots.style_axes(axes, label_size=8.5)
    handles = [
        Line2D([], [], color=_SCENARIO_COLOURS[name], marker="o", ms=4.5, lw=1.2)
        for name in design.scenarios
    ]
    labels = list(design.scenarios)
    if any(target in paper.TT for target in design.targets):
        handles.append(Line2D([], [], color=plots.SOFT, marker="x", ls="", ms=4.5))
        labels.append("the paper's value")
    figure.legend(handles, labels, loc="outside upper left", ncols=3, frameon=False, fontsize=9)
    return Plot(
        slug=f"gains-{protocol}",
        title="Gain over training on the target, by approach",
        caption="Points: relative gain of UAR averaged over folds, as in Table 3. Lines: 95%"
        " bootstrap intervals, speakers resampled, of the gain over all folds together, so a point"
        " may lie off the middle. Above 0 adaptation helps; a line that crosses 0 may be chance.",
        svg=plots.svg(figure),
    )
