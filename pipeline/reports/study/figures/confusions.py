"""What is taken for what: confusion matrices."""

from collections.abc import Callable, Iterable

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from modules.metrics.uar import recalls
from pipeline.reports import plots
from pipeline.reports.study.figures.plot import Plot
from pipeline.reports.study.layout import display
from pipeline.reports.study.results import Results, Series
from pipeline.reports.study.series import adapted, on_target

# Above it white text is read better than dark.
_DARK_SHARE = 0.55
# A matrix of six labels has this side, in inches; one of more labels grows with them.
_SIDE = 2.55
_LABELS = 6


def confusions(results: Results, protocol: str) -> Plot | None:
    """Draws confusion matrices over all folds, for TT and S1-A2, a column for each target."""
    design, labels = results.design, results.label_set
    systems = _systems(results, protocol)
    found = {
        (name, target): series
        for name, series_of in systems.items()
        for target in design.targets
        if (series := series_of(target)).values
    }
    if not found:
        return None
    most = max(len(results.clips.classes(target)) for target in design.targets)
    scale = max(1.0, most / _LABELS)
    columns = min(len(design.targets), max(1, int(4 / scale)))
    blocks = -(-len(design.targets) // columns)
    figure = Figure(
        figsize=(2.75 * scale * columns, _SIDE * scale * blocks * len(systems) + 0.3),
        layout="constrained",
    )
    grid = figure.subplots(blocks * len(systems), columns, squeeze=False)
    for axes in grid.flat:
        axes.set_visible(False)
    names = short_names(labels)
    for i, target in enumerate(design.targets):
        for j, name in enumerate(systems):
            if (name, target) not in found:
                continue
            axes = grid[(i // columns) * len(systems) + j, i % columns]
            axes.set_visible(True)
            classes = results.clips.classes(target)
            series = found[name, target]
            _draw(axes, series, classes, [names[k] for k in classes])
            mean = np.nanmean(recalls(series.confusion()))
            partly = "" if series.complete else ", some folds"
            axes.set_title(f"{display(target)}, {name}: {mean:.2f}{partly}", fontsize=9)
    return Plot(
        slug=f"confusions-{protocol}",
        title="What is taken for what",
        caption=f"Percent of the true emotion (rows, from {labels.labels[0]} to"
        f" {labels.labels[-1]}) recognised as each"
        " (columns), all test folds and seeds together; above each matrix its UAR, which can differ"
        " a little from the mean of the folds' UARs.",
        svg=plots.svg(figure),
    )


def _systems(results: Results, protocol: str) -> dict[str, Callable[[str], Series]]:
    systems = {"TT": lambda target: on_target(results, protocol, target)}
    if "S1" in results.design.scenarios and "A2" in results.design.approaches:
        systems["S1-A2"] = lambda target: adapted(results, protocol, target, "S1", "A2")
    return systems


def _draw(axes: Axes, series: Series, classes: np.ndarray, names: list[str]) -> None:
    """Draws the matrix of a target's classes."""
    counts = series.confusion()[np.ix_(classes, classes)]
    totals = counts.sum(axis=1, keepdims=True)
    shares = np.divide(counts, totals, out=np.zeros(counts.shape), where=totals > 0)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, interpolation="none")
    for (row, column), share in np.ndenumerate(shares):
        axes.text(
            column,
            row,
            f"{100 * share:.0f}",
            ha="center",
            va="center",
            fontsize=7.5,
            color="white" if share > _DARK_SHARE else plots.INK,
        )
    axes.set_xticks(range(len(classes)), names)
    axes.set_yticks(range(len(classes)), names)
    axes.tick_params(length=0, labelsize=8)
    axes.spines[:].set_visible(False)


def short_names(labels: Iterable[str]) -> list[str]:
    """Returns the beginnings of labels, three letters or as many as tell them apart.

    >>> short_names(["anger", "neutral"]), short_names(["calm", "contempt", "content"])
    (['ang', 'neu'], ['calm', 'contem', 'conten'])
    """
    words = list(labels)
    length = 3
    while len({word[:length] for word in words}) < len(words):
        length += 1
    return [word[:length] for word in words]
