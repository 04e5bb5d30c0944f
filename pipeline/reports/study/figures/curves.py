"""The training loss, epoch by epoch."""

from collections.abc import Callable

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from modules.study.cells import Cell, Split
from pipeline.reports import plots
from pipeline.reports.study.approaches import fine_tuned
from pipeline.reports.study.figures.plot import Plot
from pipeline.reports.study.layout import display
from pipeline.reports.study.results import Results

# Of the paper's approaches, those that differ most in how much of the network learns.
_APPROACHES = ("A2", "A5", "A6")
# Losses of a series: float64 `[epochs]` for each fold and seed that has a result.
Losses = list[np.ndarray]


def learning_curves(results: Results, protocol: str) -> Plot | None:
    """Draws the training loss by epoch: pre-training, TT, and some approaches for each target."""
    panels = _panels(results, protocol)
    if not panels:
        return None
    figure, all_axes = plots.panels(len(panels), width=2.9, height=2.2)
    labels = list(dict.fromkeys(label for curves in panels.values() for label in curves))
    colours = dict(zip(labels, plots.cycled(len(labels)), strict=True))
    for axes, (title, curves) in zip(all_axes, panels.items(), strict=True):
        for label, losses in curves.items():
            _draw(axes, losses, colours[label])
        axes.set_title(title, fontsize=10, loc="left")
        axes.set_xlabel("epoch", fontsize=9)
        axes.set_ylim(bottom=0)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        plots.style_axes(axes, label_size=8.5)
    handles = [Line2D([], [], color=colours[label], lw=1.6) for label in labels]
    figure.legend(handles, labels, loc="outside upper left", ncols=8, frameon=False, fontsize=9)
    return Plot(
        slug=f"curves-{protocol}",
        title="Training loss by epoch",
        caption="Cross-entropy on the training clips by epoch; thin lines are single folds and"
        " seeds, thick ones their mean. A curve that still falls at its end asks for more epochs.",
        svg=plots.svg(figure),
    )


def _panels(results: Results, protocol: str) -> dict[str, dict[str, Losses]]:
    """Returns the losses by panel and curve, without what has no result."""
    design = results.design

    def pretraining(split: Split, seed: int) -> Cell:
        return design.pretraining(protocol, split, seed)

    panels = {"pre-training, all domains": {"pre-training": _losses(results, pretraining)}}
    approaches = [
        name
        for name in _APPROACHES
        if name in design.approaches and "S1" in design.scenarios and fine_tuned(name)
    ]
    for target in design.targets:

        def on_target(split: Split, seed: int, target: str = target) -> Cell:
            return design.on_target(protocol, split, seed, target=target)

        curves = {"TT": _losses(results, on_target)}
        for approach in approaches:

            def adapted(
                split: Split, seed: int, target: str = target, approach: str = approach
            ) -> Cell:
                parent = design.pretraining(protocol, split, seed)
                return design.adapted(parent, target=target, approach=approach)

            curves[f"S1-{approach}"] = _losses(results, adapted)
        panels[display(target)] = curves
    present = {
        title: {label: losses for label, losses in curves.items() if losses}
        for title, curves in panels.items()
    }
    return {title: curves for title, curves in present.items() if curves}


def _losses(results: Results, cell_of: Callable[[Split, int], Cell]) -> Losses:
    found = []
    for fold in results.design.folds:
        for seed in results.design.seeds:
            cell = cell_of(Split.outer(fold), seed)
            if cell in results.store:
                history = results.store.get(cell).get("history", [])
                found.append(np.array([epoch["loss"] for epoch in history], float))
    return [losses for losses in found if len(losses)]


def _draw(axes: Axes, losses: Losses, colour: str) -> None:
    """Draws each fold and seed thin, and their mean thick."""
    length = max(len(each) for each in losses)
    padded = np.full((len(losses), length), np.nan)
    for row, each in zip(padded, losses, strict=True):
        row[: len(each)] = each
        axes.plot(np.arange(1, len(each) + 1), each, color=colour, lw=0.5, alpha=0.3)
    axes.plot(
        np.arange(1, length + 1),
        np.nanmean(padded, axis=0),
        color=colour,
        lw=1.6,
        # A run of one epoch is a point, which a line alone would not show.
        marker="." if length == 1 else None,
    )
