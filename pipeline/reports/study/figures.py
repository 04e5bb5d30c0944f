"""The study's figures, as SVG; the same results give the same bytes."""

import dataclasses
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib
import matplotlib.lines
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from modules.metrics.uar import recalls
from modules.networks.approaches import AUTO, PAPER_APPROACHES
from modules.study.cells import Split
from pipeline.reports.study import paper
from pipeline.reports.study.inference import gain_interval
from pipeline.reports.study.layout import display
from pipeline.reports.study.results import Results, Series
from pipeline.reports.study.series import adapted, approach_order, on_target, relative_gain, without
from schemas.errors import UserError
from schemas.labels import EMOTIONS

FEATURES = "features.npz"

_INK, _SOFT = "#1d2733", "#8a96a3"
_SCENARIO_COLOURS = {"S1": "#0b5f8f", "S2": "#d08a1e"}
# Distinct in lightness too, for print and for colour-blind eyes (Okabe & Ito).
_COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#333333", "#999999")
_CURVES = ("TT", "A2", "A5", "A6")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Plot:
    """A figure.

    Attributes:
      slug: names its file.
      title, caption: in words; the caption says what to see and what it rests on.
      svg: the picture; empty where there is none, and the caption says why.
    """

    slug: str
    title: str
    caption: str
    svg: bytes = b""


def plots(results: Results, protocol: str) -> list[Plot]:
    """Returns the figures of a protocol; those without any result are left out."""
    design, found = results.design, []
    if 3 in design.tables:
        found += [gains(results, protocol), learning_curves(results, protocol)]
        found.append(confusions(results, protocol))
    if 4 in design.tables:
        found.append(ablation(results, protocol))
    return [plot for plot in found if plot is not None]


def gains(results: Results, protocol: str) -> Plot | None:
    """Draws the relative gain of each approach over TT, with intervals, a panel for each target."""
    design = results.design
    approaches = approach_order(design.approaches)
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
    figure, panels = _panels(len(design.targets), width=1.6 + 0.26 * len(approaches), height=2.7)
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
        axes.axhline(0, color=_INK, lw=0.9)
        axes.set_xticks(range(len(approaches)), approaches)
        if any(len(name) > 4 for name in approaches):
            axes.tick_params(axis="x", rotation=60)
        axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        axes.set_title(display(target), fontsize=10, loc="left")
        _calm(axes)
    handles = [
        matplotlib.lines.Line2D([], [], color=_SCENARIO_COLOURS[name], marker="o", ms=4.5, lw=1.2)
        for name in design.scenarios
    ]
    labels = list(design.scenarios)
    if any(target in paper.TT for target in design.targets):
        handles.append(matplotlib.lines.Line2D([], [], color=_SOFT, marker="x", ls="", ms=4.5))
        labels.append("the paper's value")
    figure.legend(handles, labels, loc="outside upper left", ncols=3, frameon=False, fontsize=9)
    return Plot(
        slug=f"gains-{protocol}",
        title="Gain over training on the target, by approach",
        caption="Points: relative gain of UAR averaged over folds, as in Table 3. Lines: 95%"
        " bootstrap intervals, speakers resampled, of the gain over all folds together, so a point"
        " may lie off the middle. Above 0 adaptation helps; a line that crosses 0 may be chance.",
        svg=_svg(figure),
    )


def ablation(results: Results, protocol: str) -> Plot | None:
    """Draws how UAR changes on each target when a source is left out, for A2 or the first one."""
    design = results.design
    approaches = [name for name in approach_order(design.approaches) if name in PAPER_APPROACHES]
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
    )
    for (i, j), value in np.ndenumerate(matrix):
        same = design.targets[i] == design.domains[j]
        text = f"{value:+.3f}" if against else f"{value:.3f}"
        text = "" if same else text.replace("-", "−") if np.isfinite(value) else "–"
        dark = np.isfinite(value) and abs(value) > 0.65 * limit
        colour = "white" if dark else _INK
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
        svg=_svg(figure),
    )


def learning_curves(results: Results, protocol: str) -> Plot | None:
    """Draws the training loss by epoch: pre-training, TT, and some approaches for each target."""
    design = results.design

    def histories(cell_of: Any) -> list[np.ndarray]:
        found = []
        for fold in design.folds:
            for seed in design.seeds:
                cell = cell_of(Split.outer(fold), seed)
                if cell in results.store:
                    history = results.store.get(cell).get("history", [])
                    found.append(np.array([epoch["loss"] for epoch in history], float))
        return [losses for losses in found if len(losses)]

    names: dict[str, dict[str, list[np.ndarray]]] = {}
    pretraining = histories(lambda split, seed: design.pretraining(protocol, split, seed))
    if pretraining:
        names["pre-training, all domains"] = {"pre-training": pretraining}
    for target in design.targets:
        own = {}
        for name in _CURVES:
            if name == "TT":
                losses = histories(
                    lambda split, seed, target=target: design.on_target(
                        protocol, split, seed, target=target
                    )
                )
            elif name in design.approaches and "S1" in design.scenarios:
                losses = histories(
                    lambda split, seed, target=target, name=name: design.adapted(
                        design.pretraining(protocol, split, seed), target=target, approach=name
                    )
                )
            else:
                losses = []
            if losses:
                own[name if name == "TT" else f"S1-{name}"] = losses
        if own:
            names[display(target)] = own
    if not names:
        return None
    figure, panels = _panels(len(names), width=2.9, height=2.2)
    every = list(dict.fromkeys(label for own in names.values() for label in own))
    colours = dict(zip(every, _COLOURS, strict=False))
    for axes, (title, own) in zip(panels, names.items(), strict=True):
        for label, losses in own.items():
            length = max(len(each) for each in losses)
            for each in losses:
                axes.plot(
                    np.arange(1, len(each) + 1), each, color=colours[label], lw=0.5, alpha=0.3
                )
            padded = np.full((len(losses), length), np.nan)
            for row, each in zip(padded, losses, strict=True):
                row[: len(each)] = each
            mean = np.nanmean(padded, axis=0)
            marker = "." if length == 1 else None
            axes.plot(
                np.arange(1, length + 1),
                mean,
                color=colours[label],
                lw=1.6,
                marker=marker,
                label=label,
            )
        axes.set_title(title, fontsize=10, loc="left")
        axes.set_xlabel("epoch", fontsize=9)
        axes.set_ylim(bottom=0)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        _calm(axes)
    handles = [matplotlib.lines.Line2D([], [], color=colours[name], lw=1.6) for name in every]
    figure.legend(handles, every, loc="outside upper left", ncols=8, frameon=False, fontsize=9)
    return Plot(
        slug=f"curves-{protocol}",
        title="Learning curves",
        caption="Cross-entropy on the training clips by epoch; thin lines are single folds and"
        " seeds, thick ones their mean. A curve that still falls at its end asks for more epochs.",
        svg=_svg(figure),
    )


def confusions(results: Results, protocol: str) -> Plot | None:
    """Draws confusion matrices over all folds, for TT and S1-A2, a column for each target."""
    design = results.design
    systems = {"TT": lambda target: on_target(results, protocol, target)}
    if "S1" in design.scenarios and "A2" in design.approaches:
        systems["S1-A2"] = lambda target: adapted(results, protocol, target, "S1", "A2")
    found: dict[tuple[str, str], Series] = {}
    for name, series_of in systems.items():
        for target in design.targets:
            series = series_of(target)
            if series.values:
                found[name, target] = series
    if not found:
        return None
    columns = min(len(design.targets), 4)
    blocks = -(-len(design.targets) // columns)
    figure = Figure(
        figsize=(2.75 * columns, 2.55 * blocks * len(systems) + 0.3), layout="constrained"
    )
    grid = figure.subplots(blocks * len(systems), columns, squeeze=False)
    for axes in grid.flat:
        axes.set_visible(False)
    for i, target in enumerate(design.targets):
        classes = results.clips.classes(target)
        short = [EMOTIONS[k][:3] for k in classes]
        for j, name in enumerate(systems):
            if (name, target) not in found:
                continue
            axes = grid[(i // columns) * len(systems) + j, i % columns]
            axes.set_visible(True)
            series = found[name, target]
            counts = series.confusion()[np.ix_(classes, classes)]
            totals = counts.sum(axis=1, keepdims=True)
            shares = np.divide(counts, totals, out=np.zeros(counts.shape), where=totals > 0)
            axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
            for (row, column), share in np.ndenumerate(shares):
                colour = "white" if share > 0.55 else _INK
                axes.text(
                    column,
                    row,
                    f"{100 * share:.0f}",
                    ha="center",
                    va="center",
                    fontsize=7.5,
                    color=colour,
                )
            axes.set_xticks(range(len(classes)), short)
            axes.set_yticks(range(len(classes)), short)
            axes.tick_params(length=0, labelsize=8)
            axes.spines[:].set_visible(False)
            mean = np.nanmean(recalls(series.confusion()))
            partly = "" if series.complete else ", some folds"
            axes.set_title(f"{display(target)}, {name}: {mean:.2f}{partly}", fontsize=9)
    return Plot(
        slug=f"confusions-{protocol}",
        title="What is taken for what",
        caption="Percent of the true emotion (rows, from anger to surprise) recognised as each"
        " (columns), all test folds and seeds together; above each matrix its UAR, which can differ"
        " a little from the mean of the folds' UARs.",
        svg=_svg(figure),
    )


def embedding(results: Results, *, seed: int = 0) -> Plot:
    """Draws the clips by the network's 1,000 features (paper, section 2): PCA, then t-SNE.

    Takes `features.npz` in the store: `utterance_ids` str `[n]`, `features` float32 `[n, 1000]`.

    Args:
      results: with the store.
      seed: of t-SNE.

    Raises:
      UserError: the file is broken, or its clips are not the study's.
    """
    title = "The network's features in two dimensions"
    file = results.store.folder / FEATURES
    if not file.exists():
        return Plot(
            slug="embedding",
            title=title,
            caption=f"Not drawn: the store holds no {FEATURES} with the outputs of the LSTM.",
        )
    names, features = _read_features(file)
    rows = {name: row for row, name in enumerate(results.clips.utterance_ids.tolist())}
    unknown = [name for name in names if name not in rows]
    if unknown:
        raise UserError(
            f"{file}: holds {unknown[0]}, which is not among the study's clips; write the features"
            " of this study's clips, or remove the file"
        )
    if len(names) < 4:
        return Plot(
            slug="embedding",
            title=title,
            caption=f"Not drawn: {FEATURES} holds {len(names)} clips, too few for a map.",
        )
    places = project(features, seed=seed)
    order = np.array([rows[name] for name in names])
    domains = results.clips.domains[order]
    emotions = np.array(EMOTIONS)[results.clips.labels[order]]
    figure = Figure(figsize=(10.4, 4.6), layout="constrained")
    for axes, groups, heading in zip(
        figure.subplots(1, 2), (domains, emotions), ("by domain", "by emotion"), strict=True
    ):
        present = [name for name in EMOTIONS if name in set(groups)] or np.unique(groups).tolist()
        for colour, name in zip(_cycled(len(present)), present, strict=True):
            own = places[groups == name]
            axes.scatter(
                own[:, 0],
                own[:, 1],
                s=7,
                color=colour,
                alpha=0.7,
                lw=0,
                label=display(name),
                # Thousands of points would be megabytes of SVG.
                rasterized=True,
            )
        axes.set_title(heading, fontsize=10, loc="left")
        axes.set_xticks([])
        axes.set_yticks([])
        axes.spines[:].set_color("#d9e0e6")
        axes.legend(
            loc="upper center",
            bbox_to_anchor=(0.5, -0.01),
            ncols=6,
            frameon=False,
            fontsize=8.5,
            markerscale=2,
            handletextpad=0.1,
            columnspacing=1.0,
        )
    return Plot(
        slug="embedding",
        title=title,
        caption=f"{len(names):,} clips by the 1,000 outputs of the LSTM, reduced by PCA and t-SNE"
        f" (seed {seed}). Near means alike; distances between far groups mean nothing. Domains that"
        " form islands: the network tells corpora apart. Emotions that do: they carry over.",
        svg=_svg(figure),
    )


def _read_features(file: Path) -> tuple[list[str], np.ndarray]:
    try:
        with np.load(file, allow_pickle=False) as arrays:
            names, features = arrays["utterance_ids"].tolist(), arrays["features"]
    except (OSError, ValueError, KeyError) as error:
        raise UserError(
            f"{file}: not readable as arrays utterance_ids and features ({error}); write it anew,"
            " or remove it to go without the map"
        ) from error
    if features.ndim != 2 or len(features) != len(names):
        raise UserError(
            f"{file}: {len(names)} utterance_ids, but features of shape {list(features.shape)};"
            " one row is needed for each"
        )
    return names, features


def project(features: np.ndarray, *, seed: int) -> np.ndarray:
    """Returns float32 `[n, 2]` from features float `[n, d]`: 50 components, then t-SNE."""
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE

    count = min(50, *features.shape)
    components = PCA(count, svd_solver="full").fit_transform(features)
    perplexity = min(30.0, (len(features) - 1) / 3)
    return TSNE(perplexity=perplexity, init="pca", random_state=seed).fit_transform(components)


def _cycled(count: int) -> list[str]:
    return [_COLOURS[i % len(_COLOURS)] for i in range(count)]


def _panels(count: int, *, width: float, height: float) -> tuple[Figure, Sequence[Any]]:
    """Returns a figure with `count` axes, three or fewer in a row, sizes in inches each."""
    columns = min(count, max(1, int(10.8 // width)))
    rows = -(-count // columns)
    figure = Figure(figsize=(max(width * columns, 3.6), height * rows + 0.35), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes in grid.flat[count:]:
        axes.set_visible(False)
    return figure, list(grid.flat[:count])


def _calm(axes: Any) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(_SOFT)
    axes.tick_params(color=_SOFT, labelsize=8.5)
    axes.grid(axis="y", color="#e3e8ed", lw=0.8)
    axes.set_axisbelow(True)


def _svg(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    with matplotlib.rc_context({"svg.hashsalt": "ser"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None}, dpi=160)
    return buffer.getvalue()
