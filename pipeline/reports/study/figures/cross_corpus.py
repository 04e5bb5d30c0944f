"""The cross-corpus matrix as a picture."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from pipeline.reports import plots
from pipeline.reports.study.figures.plot import Plot
from pipeline.reports.study.layout import display
from pipeline.reports.study.results import Results
from pipeline.reports.study.series import elsewhere
from schemas.words import bare


def cross_corpus(results: Results, protocol: str) -> Plot | None:
    """Draws the UAR on each target of networks trained on each domain, and on all but it."""
    design = results.design
    sources: list[str | None] = [*design.domains, None]
    matrix = np.array(
        [
            [elsewhere(results, protocol, target, source).mean for source in sources]
            for target in design.targets
        ]
    )
    if not np.isfinite(matrix).any():
        return None
    figure = Figure(
        figsize=(2.4 + 1.0 * len(sources), 1.3 + 0.5 * len(design.targets)), layout="constrained"
    )
    axes = figure.add_subplot()
    highest = float(np.nanmax(matrix))
    image = axes.imshow(
        matrix, cmap="Blues", vmin=0.0, vmax=highest, aspect="auto", interpolation="none"
    )
    for (i, j), value in np.ndenumerate(matrix):
        dark = np.isfinite(value) and value > 0.65 * highest
        colour = "white" if dark else plots.INK
        axes.text(j, i, bare(value), ha="center", va="center", fontsize=9, color=colour)
        if sources[j] == design.targets[i]:
            axes.add_patch(
                Rectangle((j - 0.46, i - 0.44), 0.92, 0.88, fill=False, ec="#d08a1e", lw=1.6)
            )
    # What was trained on several domains stands apart.
    axes.axvline(len(sources) - 1.5, color="white", lw=3)
    names = [display(source) if source else "all others" for source in sources]
    axes.set_xticks(range(len(names)), names)
    axes.set_yticks(range(len(design.targets)), [display(name) for name in design.targets])
    axes.set_xlabel("trained on")
    axes.set_ylabel("tested on")
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0, labelsize=9)
    figure.colorbar(image, label="UAR", fraction=0.05)
    return Plot(
        slug=f"cross-corpus-{protocol}",
        title="Trained on one corpus, tested on another",
        caption="UAR averaged over folds and seeds. Framed: trained on the target itself (TT). The"
        " number of labels differs by corpus, and with it what chance would give.",
        svg=plots.svg(figure),
    )
