"""The clips by the network's features, in two dimensions."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from pipeline.reports import plots
from pipeline.reports.study.figures.plot import Plot
from pipeline.reports.study.layout import display
from pipeline.reports.study.results import Results
from schemas.errors import UserError

FEATURES = "features.npz"


def embedding(results: Results, *, seed: int = 0) -> Plot:
    """Draws the clips by what the network's dense layers are given: PCA, then t-SNE.

    Takes `features.npz` in the store: `utterance_ids` str `[n]`, `features` float32 `[n, …]`; of
    the paper's network, the 1,000 features of its section 2.

    Args:
      results: Results with the store.
      seed: Seed of t-SNE.

    Raises:
      UserError: The file is broken, or its clips are not the study's.
    """
    title = "The network's features in two dimensions"
    file = results.store.folder / FEATURES
    if not file.exists():
        return Plot(
            slug="embedding",
            title=title,
            caption=f"Not drawn: the store holds no {FEATURES} with what the dense layers are"
            " given.",
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
    emotions = np.array(results.label_set.labels)[results.clips.labels[order]]
    figure = Figure(figsize=(10.4, 4.6), layout="constrained")
    occurring = [label for label in results.label_set if label in set(emotions)]
    for axes, groups, present, heading in zip(
        figure.subplots(1, 2),
        (domains, emotions),
        (np.unique(domains).tolist(), occurring),
        ("by domain", "by emotion"),
        strict=True,
    ):
        for colour, name in zip(plots.cycled(len(present)), present, strict=True):
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
        caption=f"{len(names):,} clips by the {features.shape[1]:,} outputs of"
        f" {_lowest_given(results)}, reduced by PCA and t-SNE"
        f" (seed {seed}). Near means alike; distances between far groups mean nothing. Domains that"
        " form islands: the network tells corpora apart. Emotions that do: they carry over.",
        svg=plots.svg(figure),
    )


def _lowest_given(results: Results) -> str:
    """Returns in words the layers whose outputs the dense layers are given."""
    below = list(results.design.network.groups)[-2]
    return "the LSTM" if below == "lstm" else f"the group {below}"


def _read_features(file: Path) -> tuple[list[str], np.ndarray]:
    try:
        with file.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
            names, features = arrays["utterance_ids"].tolist(), arrays["features"]
    except (OSError, ValueError, KeyError) as error:
        raise UserError(
            f"{file}: not readable as arrays utterance_ids and features ({error}); write it anew,"
            " or remove it to go without the map"
        ) from error
    if features.ndim < 2 or len(features) != len(names):
        raise UserError(
            f"{file}: {len(names)} utterance_ids, but features of shape {list(features.shape)};"
            " one row is needed for each"
        )
    # Outputs over time, of a single frame where they were pooled.
    return names, features.reshape(len(names), -1)


def project(features: np.ndarray, *, seed: int) -> np.ndarray:
    """Returns float32 `[n, 2]` from features float `[n, d]`: 50 components, then t-SNE."""
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE

    count = min(50, *features.shape)
    components = PCA(count, svd_solver="full").fit_transform(features)
    perplexity = min(30.0, (len(features) - 1) / 3)
    return TSNE(perplexity=perplexity, init="pca", random_state=seed).fit_transform(components)
