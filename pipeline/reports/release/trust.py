"""How far a model's answers were to be relied on: calibration, and how many were unsure."""

import dataclasses

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from modules.trust.answers import Answers
from modules.trust.calibration import Reliability
from modules.trust.record import Calibration, Trust
from pipeline.reports import plots
from pipeline.reports.plots import Picture
from pipeline.reports.release.results import ModelResult, SliceResult
from schemas import signatures
from schemas.words import listed, plural, three


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrustView:
    """What the page shows of it.

    Attributes:
      rows: What is measured, before calibration, and as served.
      calibrated: By what the probabilities were calibrated, in words.
      unsure: How many answers were unsure and why, in words.
      plot: How often answers were right by how probable they were said to be.
    """

    rows: tuple[tuple[str, float, float], ...]
    calibrated: str
    unsure: str
    plot: Picture


def trust_view(model: ModelResult, served: SliceResult | None) -> TrustView | None:
    """Returns what the page shows; `None` of evaluations that did not measure it.

    Args:
      model: The model.
      served: What was measured on the clips that it is to serve.
    """
    if served is None or served.answers is None:
        return None
    found = served.answers
    return TrustView(
        rows=(
            (
                "expected calibration error (ECE)",
                found.uncalibrated.expected_calibration_error,
                found.served.expected_calibration_error,
            ),
            ("Brier score", found.uncalibrated.brier_score, found.served.brier_score),
        ),
        calibrated=_calibrated(_calibration(model)),
        unsure=_unsure(found, served.clips),
        plot=reliability_plot(found, model.name),
    )


def _calibration(model: ModelResult) -> Calibration | None:
    """Returns that of the network that is served: in its place, the multi-domain one's."""
    served = model.pretraining if model.in_place else model.training
    trust: Trust | None = served.trust if served else None
    if trust is None:
        return None
    return (trust.for_domain(model.name) if model.in_place else trust).calibration


def _calibrated(calibration: Calibration | None) -> str:
    if calibration is None:
        return "Probabilities are as the network gives them: they were not calibrated."
    return (
        f"Temperature {calibration.temperature:.2f}, fitted on"
        f" {plural(calibration.clips, 'clip')} of {plural(calibration.speakers, 'speaker')} of the"
        " training folds, by networks that had not seen them."
    )


def _unsure(answers: Answers, clips: int) -> str:
    total = int(answers.unsure.sum())
    if not total:
        return f"None of {plural(clips, 'answer')} was unsure."
    reasons = [
        f"{reason} {count}"
        for reason, count in zip(signatures.UNSURE_REASONS, answers.unsure, strict=True)
        if count
    ]
    share = f"{100 * total / clips:.1f}%"
    verb = "was" if total == 1 else "were"
    return f"{total} of {plural(clips, 'answer')} ({share}) {verb} unsure: {listed(reasons)}."


def reliability_plot(answers: Answers, name: str) -> Picture:
    """Draws accuracy by confidence, and how many answers had which, before and as served."""
    figure = Figure(figsize=(7.6, 2.9), layout="constrained")
    rates, counts = figure.subplots(1, 2, width_ratios=(1, 1.2))
    rates.plot([0, 1], [0, 1], color=plots.INK, lw=0.9, ls=(0, (3, 2)), label="as said")
    parts = (
        (answers.uncalibrated, "before calibration", plots.GREY, "o"),
        (answers.served, "as served", plots.BLUE, "s"),
    )
    for reliability, label, colour, marker in parts:
        _draw(rates, counts, reliability, label=label, colour=colour, marker=marker)
    rates.set(xlim=(0, 1), ylim=(0, 1), aspect="equal")
    rates.set_xlabel("probability of the answer")
    rates.set_ylabel("share of right answers")
    counts.set_xlim(0, 1)
    counts.set_xlabel("probability of the answer")
    counts.set_ylabel("answers")
    counts.yaxis.set_major_locator(MaxNLocator(integer=True))
    for axes in (rates, counts):
        plots.style_axes(axes)
    handles, labels = rates.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper left", ncols=3, frameon=False, fontsize=8)
    told = "; ".join(
        f"{low:.2f} to {high:.2f}: {clips} answers, {three(right / clips)} right"
        for low, high, clips, right in _bins(answers.served)
        if clips
    )
    return Picture(
        uri=plots.data_uri(plots.svg(figure, transparent=True)),
        alt=f"Reliability of {name}, by probability of the answer as served. {told}.",
    )


def _bins(reliability: Reliability) -> list[tuple[float, float, int, int]]:
    """Returns limits, number of answers and of right ones, by bin."""
    edges = reliability.edges
    return [
        (float(low), float(high), int(clips), int(right))
        for low, high, clips, right in zip(
            edges, edges[1:], reliability.clips, reliability.right, strict=False
        )
    ]


def _draw(
    rates: Axes, counts: Axes, reliability: Reliability, *, label: str, colour: str, marker: str
) -> None:
    filled = reliability.clips > 0
    clips = reliability.clips[filled]
    rates.plot(
        reliability.confidence[filled] / clips,
        reliability.right[filled] / clips,
        color=colour,
        marker=marker,
        ms=4,
        lw=1.3,
        label=label,
    )
    counts.stairs(reliability.clips, reliability.edges, color=colour, lw=1.3, fill=False)
