"""The summary of a run: what each domain's two models reached, side by side."""

import dataclasses
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from components.adaptation_gate.comparison import Measured
from pipeline.reports import plots
from pipeline.reports.plots import Picture
from pipeline.reports.release.adaptations import Adaptation, adaptation
from pipeline.reports.release.outcomes import Outcome, outcome
from pipeline.reports.release.results import ModelResult, RunResults, SliceResult, domain_slice
from schemas.labels import LabelSet
from schemas.words import is_known, signed, three


@dataclasses.dataclass(frozen=True, kw_only=True)
class SummaryRow:
    """One domain.

    Attributes:
      domain: Its name.
      clips: Number of its test clips; `None` if none of its models was evaluated.
      common, own: What the multi-domain model and the one that it serves reached on them.
      adapted: UAR of the adapted network, served or not; `None` where it was not compared.
      gain: UAR of the adapted network minus the multi-domain model's.
      gain_words: The gain's interval.
      repeats: How far repeated trainings of the adapted network differ; empty for one.
      change: UAR of its own model minus the last blessed one's.
      chance: UAR of guessing among the domain's labels.
      adaptation: How its own model was adapted.
      lacks: Labels of the set of which it has no training clips.
      untested: Labels it was trained on and of which the test fold has no clip.
      outcome: What became of its own model.
    """

    domain: str
    clips: int | None
    common: SliceResult | None
    own: SliceResult | None
    adapted: float | None
    gain: float | None
    gain_words: str
    repeats: str
    change: float | None
    chance: float | None
    adaptation: Adaptation
    lacks: tuple[str, ...]
    untested: tuple[str, ...]
    outcome: Outcome


@dataclasses.dataclass(frozen=True, kw_only=True)
class Average:
    """UARs averaged over the `domains` for which both models were measured."""

    domains: int
    common: float
    own: float

    @property
    def gain(self) -> float:
        """What the models that are served gained on average."""
        return self.own - self.common


def summary_row(model: ModelResult, results: RunResults) -> SummaryRow:
    """Returns the row of a domain's model."""
    key, multi = domain_slice(model.name), results.multi_domain
    own, common = model.slices.get(key), multi.slices.get(key) if multi else None
    shown = own or common
    trained = _trained_labels(model.name, results)
    tested = _tested(shown, results.labels) if shown else ()
    classes = len(tested if trained is None else trained)
    baseline = model.baseline_uar.get(key)
    return SummaryRow(
        domain=model.name,
        clips=shown.clips if shown else None,
        common=common,
        own=own,
        adapted=_adapted(model, own),
        gain=_gain(model, own, common),
        gain_words=_gain_words(model),
        repeats=repeats(model.comparison.adapted) if model.comparison else "",
        change=own.uar - baseline if own and baseline is not None else None,
        chance=1 / classes if classes else None,
        adaptation=adaptation(model, results.config),
        lacks=_without(results.labels, trained) if trained is not None else (),
        untested=_without(trained or (), tested) if shown else (),
        outcome=outcome(model, results),
    )


def _adapted(model: ModelResult, own: SliceResult | None) -> float | None:
    if model.comparison:
        return model.comparison.adapted.uar
    return own.uar if own else None


def _gain(model: ModelResult, own: SliceResult | None, common: SliceResult | None) -> float | None:
    if model.comparison:
        return model.comparison.difference
    return own.uar - common.uar if own and common else None


def _gain_words(model: ModelResult) -> str:
    found = model.comparison
    if not found or not is_known(found.low) or not is_known(found.high):
        return ""
    return f"{signed(found.low)} to {signed(found.high)} over {found.resampled}"


def repeats(measured: Measured) -> str:
    """Returns how far a network's members differ by themselves; empty for a single one."""
    if len(measured.members) < 2:
        return ""
    return f"alone: {three(min(measured.members))} to {three(max(measured.members))}"


def _trained_labels(domain: str, results: RunResults) -> tuple[str, ...] | None:
    """Returns the labels a domain has training clips of; `None` if nothing was trained."""
    for model in results.models:
        if model.training and domain in model.training.domain_labels:
            return model.training.domain_labels[domain]
    return None


def _tested(result: SliceResult, labels: LabelSet) -> tuple[str, ...]:
    totals = np.asarray(result.confusion).sum(axis=1)
    return tuple(label for label, total in zip(labels, totals, strict=True) if total)


def _without(labels: Sequence[str] | LabelSet, others: Sequence[str]) -> tuple[str, ...]:
    return tuple(label for label in labels if label not in others)


def average(rows: Sequence[SummaryRow]) -> Average | None:
    """Averages over the domains for which both models were measured; `None` if there are none."""
    pairs = [(row.common.uar, row.own.uar) for row in rows if row.common and row.own]
    both = [(common, own) for common, own in pairs if is_known(own - common)]
    if not both:
        return None
    common, own = np.mean(both, axis=0)
    return Average(domains=len(both), common=float(common), own=float(own))


def uar_plot(rows: Sequence[SummaryRow]) -> Picture | None:
    """Draws UAR per domain: both models with their intervals, and chance."""
    rows = [row for row in rows if row.own or row.common]
    if not rows:
        return None
    figure = Figure(figsize=(min(11.0, 2.6 + 1.5 * len(rows)), 3.5), layout="constrained")
    axes = figure.add_subplot()
    _bars(axes, [row.common for row in rows], "multi-domain model", -0.2, plots.GREY, "black")
    _bars(axes, [row.own for row in rows], "served model", 0.2, plots.BLUE, "white")
    for place, row in enumerate(rows):
        if row.chance:
            axes.hlines(
                row.chance,
                place - 0.46,
                place + 0.46,
                colors=plots.INK,
                linestyles=(0, (3, 2)),
                lw=1.4,
                # Matplotlib's word for: not in the legend again.
                label="_" if place else "chance",
            )
    axes.set_xticks(range(len(rows)), [row.domain for row in rows])
    axes.set_xlim(-0.6, len(rows) - 0.4)
    axes.set_ylim(0, 1)
    axes.set_ylabel("UAR")
    plots.style_axes(axes)
    figure.legend(loc="outside upper left", ncols=3, frameon=False, fontsize=9)
    alt = "; ".join(
        f"{row.domain}: multi-domain {three(row.common.uar if row.common else None)}, served "
        f"{three(row.own.uar if row.own else None)}, chance {three(row.chance)}"
        for row in rows
    )
    return Picture(
        uri=plots.data_uri(plots.svg(figure, transparent=True)), alt=f"UAR per domain. {alt}."
    )


def _bars(
    axes: Axes,
    results: Sequence[SliceResult | None],
    label: str,
    shift: float,
    colour: str,
    ink: str,
) -> None:
    """Draws one model's bar for each domain, with its interval and its value at the foot."""
    drawn = [(place + shift, result) for place, result in enumerate(results) if result]
    places, values = [place for place, _ in drawn], [result.uar for _, result in drawn]
    axes.bar(places, values, width=0.36, color=colour, label=label)
    whiskers = [
        [_distance(result.uar, result.uar_lower) for _, result in drawn],
        [_distance(result.uar_upper, result.uar) for _, result in drawn],
    ]
    axes.errorbar(places, values, yerr=whiskers, fmt="none", ecolor=plots.INK, capsize=3, lw=1.1)
    for place, value in zip(places, values, strict=True):
        if is_known(value):
            axes.text(
                place, 0.015, f"{value:.2f}", ha="center", va="bottom", fontsize=8.5, color=ink
            )


def _distance(upper: float, lower: float) -> float:
    """Returns the length of a whisker; 0 where a limit is unknown."""
    return max(upper - lower, 0.0) if is_known(upper - lower) else 0.0
