"""All that the page of an adaptation shows, typed."""

import dataclasses
import datetime
import shlex

import numpy as np

from modules.adaptation.findings import ADAPTED, Figure, Findings
from pipeline.reports.adaptation import curve_plot
from pipeline.reports.adaptation.results import AdaptationResults
from pipeline.reports.plots import Picture
from pipeline.run_folder import CONFIG_FILE, LOG_FILE
from schemas.words import listed, plural, three

DIGITS = 12


@dataclasses.dataclass(frozen=True, kw_only=True)
class Row:
    """One way to a network for the domain.

    Attributes:
      name: What it is.
      words: What that means.
      figure: UAR; `None` where it is impossible.
      difference: Adapted minus this one; `None` for the adapted one itself.
    """

    name: str
    words: str
    figure: Figure | None
    difference: Figure | None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Cell:
    """How often one label was taken for another.

    Attributes:
      count: Number of clips.
      share: Of those of the true label.
      hit: Whether it is the right one.
    """

    count: int
    share: float
    hit: bool

    @property
    def background(self) -> str:
        """Colour: the darker, the larger the share."""
        return f"rgba(11, 95, 143, {0.85 * self.share:.2f})"

    @property
    def dark(self) -> bool:
        """Whether the words in it must be white."""
        return self.share > 0.6


@dataclasses.dataclass(frozen=True, kw_only=True)
class CurveRow:
    """One size of the learning curve; attributes as of `CurvePoint`, means over draws."""

    size: str
    adapted: float
    scratch: float
    ratio: float


@dataclasses.dataclass(frozen=True, kw_only=True)
class GroupRow:
    """A layer group of the network.

    Attributes:
      group: Its name.
      fate: What was to become of it.
      before, after: First digits of the SHA-256 of its weights.
      as_meant: Whether it changed if and only if it was to.
    """

    group: str
    fate: str
    before: str
    after: str
    as_meant: bool


@dataclasses.dataclass(frozen=True, kw_only=True)
class View:
    """The whole page.

    Attributes:
      results: What the run came to.
      findings: What was measured.
      written: When the page was written.
      remarks: What has to be known to read the figures.
      rows: Zero-shot, from scratch, adapted.
      confusion: Rows of the confusion matrix, in the order of the labels.
      plot: The learning curve; `None` where it has fewer than two points.
      curve: Its rows.
      groups: The layer groups.
      choice: How the approach was found, in words.
      repeat, serve, predict: Command lines.
      log: File of the logs.
    """

    results: AdaptationResults
    findings: Findings | None
    written: str
    remarks: tuple[str, ...]
    rows: tuple[Row, ...] = ()
    confusion: tuple[tuple[Cell, ...], ...] = ()
    plot: Picture | None = None
    curve: tuple[CurveRow, ...] = ()
    groups: tuple[GroupRow, ...] = ()
    choice: str = ""
    repeat: str
    serve: str
    predict: str
    log: str


def view(results: AdaptationResults, *, now: datetime.datetime) -> View:
    """Returns all that the page shows; `now` is the date it carries."""
    config, found = results.config, results.findings
    root = shlex.quote(str(config.serving_root))
    model = shlex.quote(found.domain) if found else "MODEL"
    page = View(
        results=results,
        findings=found,
        written=f"{now:%Y-%m-%d %H:%M}",
        remarks=results.remarks if found is None else (*results.remarks, *remarks(found)),
        repeat=f"ser adapt --config {shlex.quote(str(config.output / CONFIG_FILE))}",
        serve=f"ser serve --root {root}",
        predict=f"ser predict recording.wav --root {root} --model {model}",
        log=str(config.output / LOG_FILE),
    )
    if found is None:
        return page
    return dataclasses.replace(
        page,
        rows=rows(found),
        confusion=_confusion(found),
        plot=_plot(found),
        curve=_curve(found),
        groups=_groups(found),
        choice=choice(found),
    )


def rows(found: Findings) -> tuple[Row, ...]:
    """Returns what the three ways to a network for the domain reach."""
    return (
        Row(
            name="zero-shot",
            words="the base as it is, which learnt from none of these clips",
            figure=found.zero_shot,
            difference=found.difference,
        ),
        Row(
            name="from scratch",
            words="the same network, trained on these clips alone; cross-validated",
            figure=found.scratch,
            difference=found.over_scratch,
        ),
        Row(
            name="adapted",
            words="the base, adapted to these clips; cross-validated",
            figure=found.adapted,
            difference=None,
        ),
    )


def remarks(found: Findings) -> tuple[str, ...]:
    """Returns what the findings themselves say against their figures."""
    told = []
    if found.zero_shot_impossible:
        told.append(f"zero-shot is not possible: {found.zero_shot_impossible}")
    if found.resampled == "clips":
        told.append(
            f"intervals resample clips, as {plural(len(found.speakers), 'speaker')} cannot tell"
            " how speakers differ: for other speakers they are too narrow"
        )
    fewest = min(found.classes, key=lambda each: each.clips)
    if fewest.clips < 5:
        told.append(
            f"{fewest.label} has {plural(fewest.clips, 'clip')} only: from five clips a class on,"
            " figures begin to mean something"
        )
    different = sorted({fold.approach for fold in found.folds})
    if len(different) > 1:
        told.append(
            f"the parts of the cross-validation chose {listed(different)}: the choice is no sure"
            " one with these clips"
        )
    return tuple(told)


def choice(found: Findings) -> str:
    """Returns how the approach was found, in words."""
    if not found.choice:
        asked = found.asked == found.approach
        why = "was asked for" if asked else "is the only candidate that is possible"
        return f"{found.approach} {why}"
    uars = ", ".join(f"{name} {three(uar)}" for name, uar in found.choice.items())
    return f"{found.approach} did best in an inner cross-validation: {uars}"


def _confusion(found: Findings) -> tuple[tuple[Cell, ...], ...]:
    return tuple(
        tuple(
            Cell(count=count, share=count / max(sum(row.answers), 1), hit=place == own)
            for place, count in enumerate(row.answers)
        )
        for own, row in enumerate(found.classes)
    )


def _plot(found: Findings) -> Picture | None:
    if len(found.curve) < 2:
        return None
    return curve_plot.picture(
        found.curve,
        approach=found.curve_approach,
        zero_shot=found.zero_shot.value if found.zero_shot else None,
        chance=1 / len(found.labels),
    )


def _curve(found: Findings) -> tuple[CurveRow, ...]:
    return tuple(
        CurveRow(
            size=f"all ({point.clips_a_class:.0f})"
            if point.all_clips
            else f"{point.clips_a_class:.0f}",
            adapted=float(np.mean(point.adapted)),
            scratch=float(np.mean(point.scratch)),
            ratio=point.ratio,
        )
        for point in found.curve
    )


def _groups(found: Findings) -> tuple[GroupRow, ...]:
    lineage = found.lineage
    return tuple(
        GroupRow(
            group=group,
            fate=f"{fate}; nothing in it learns"
            if fate == "tuned" and lineage.before[group] == lineage.after[group]
            else fate,
            before=lineage.before[group][:DIGITS],
            after=lineage.after[group][:DIGITS],
            as_meant=fate != "frozen" or lineage.before[group] == lineage.after[group],
        )
        for group, fate in lineage.fates.items()
    )


def served(found: Findings) -> str:
    """Returns what is served, in words."""
    return "adapted network" if found.verdict.served == ADAPTED else "base, as it is"
