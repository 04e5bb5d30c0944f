"""How UAR changes where a source is left out of pre-training."""

import numpy as np
from matplotlib.figure import Figure

from pipeline.reports import plots
from pipeline.reports.study.approaches import PAPER_APPROACHES, in_order
from pipeline.reports.study.figures.plot import Plot
from pipeline.reports.study.layout import display
from pipeline.reports.study.results import Results
from pipeline.reports.study.series import adapted, without


def ablation(results: Results, protocol: str) -> Plot | None:
    """Draws how UAR changes on each target when a source is left out, for A2 or the first one."""
    design = results.design
    approaches = [name for name in in_order(design.approaches) if name in PAPER_APPROACHES]
    if not approaches:
        return None
    approach = "A2" if "A2" in approaches else approaches[0]
    matrix = np.full((len(design.targets), len(design.domains)), np.nan)
    against = 3 in design.tables and "S1" in design.scenarios
    for i, target in enumerate(design.targets):
        full = adapted(results, protocol, target, "S1", approach).mean if against else 0.0
        for j, source in enumerate(design.domains):
            if source != target:
                matrix[i, j] = without(results, protocol, target, source, approach).mean - full
    if not np.isfinite(matrix).any():
        return None
    figure = Figure(
        figsize=(2.4 + 1.0 * len(design.domains), 1.3 + 0.5 * len(design.targets)),
        layout="constrained",
    )
    axes = figure.add_subplot()
    limit = max(0.02, float(np.nanmax(np.abs(matrix)))) if against else 1.0
    image = axes.imshow(
        matrix,
        cmap="RdBu" if against else "Blues",
        vmin=-limit if against else 0.0,
        vmax=limit,
        aspect="auto",
        interpolation="none",
    )
    for (i, j), value in np.ndenumerate(matrix):
        same = design.targets[i] == design.domains[j]
        text = f"{value:+.3f}" if against else f"{value:.3f}"
        text = "" if same else text.replace("-", "−") if np.isfinite(value) else "–"
        dark = np.isfinite(value) and abs(value) > 0.65 * limit
        colour = "white" if dark else plots.INK
        axes.text(j, i, text, ha="center", va="center", fontsize=9, color=colour)
    axes.set_xticks(range(len(design.domains)), [display(name) for name in design.domains])
    axes.set_yticks(range(len(design.targets)), [display(name) for name in design.targets])
    axes.set_xlabel("source left out")
    axes.set_ylabel("target")
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0, labelsize=9)
    figure.colorbar(image, label="change of UAR" if against else "UAR", fraction=0.05)
    what = (
        "Change of UAR on the target. Red: the source was worth having; blue: the target does"
        " better without it."
        if against
        else "UAR on the target."
    )
    return Plot(
        slug=f"ablation-{protocol}",
        title=f"A source left out of pre-training ({approach})",
        caption=f"{what} The numbers behind it, and all approaches, are in Table 4.",
        svg=plots.svg(figure),
    )
