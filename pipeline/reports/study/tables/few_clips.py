"""Learning curves: few clips of a target, with and without a network of other corpora."""

import dataclasses
import math
from collections.abc import Sequence

from modules.study.design import CURVE_APPROACH
from pipeline.reports.study.inference import compare, gain_interval
from pipeline.reports.study.layout import Column, Entry, Table, display
from pipeline.reports.study.results import Results
from pipeline.reports.study.series import elsewhere, few_adapted, few_alone
from pipeline.reports.study.tables.remarks import table
from pipeline.reports.study.tables.rows import averages, own_row
from schemas.words import listed

TRANSFERRED = f"S2-{CURVE_APPROACH}"
_AS_IT_IS = Column(key="S2-A1", name="S2-A1, no clips", measure="uar")


def clip_counts(results: Results) -> list[int]:
    """Returns the numbers of clips a class at which some target is measured, ascending."""
    return sorted({count for own in results.design.clips_per_class.values() for count in own})


def few_clips(results: Results, protocol: str) -> Table:
    """Returns UARs with few clips of a target, adapted and alone, and their ratio."""
    design, counts = results.design, clip_counts(results)
    columns = [_AS_IT_IS, *(column for count in counts for column in _panel(count))]
    own = []
    targets = [target for target in design.targets if design.clips_per_class.get(target)]
    for target in targets:
        as_it_is = elsewhere(results, protocol, target, None)
        entries = {column.key: Entry() for column in columns}
        entries[_AS_IT_IS.key] = Entry(value=as_it_is.mean, series=as_it_is)
        for count in design.clips_per_class[target]:
            alone = few_alone(results, protocol, target, count)
            adapted = few_adapted(results, protocol, target, count)
            single, transferred, ratio = (column.key for column in _panel(count))
            entries[single] = Entry(value=alone.mean, series=alone)
            entries[transferred] = Entry(value=adapted.mean, series=adapted)
            entries[ratio] = Entry(
                value=adapted.mean / alone.mean if alone.mean else math.nan,
                series=adapted,
                reference=alone,
                comparison=compare(adapted, alone),
            )
        own.append(own_row(target, entries, rank=[]))
    built = table(
        results,
        number=0,
        title="Few clips of the target",
        caption="UAR on the target's test folds with so many clips of each class from its training"
        " folds. Alone: trained on them from scratch."
        f" {TRANSFERRED}: the network that never heard the target, tuned on the same clips. Ratio:"
        f" {TRANSFERRED} over alone. S2-A1: that network without any clip of the target."
        " Marks: differs from alone.",
        protocol=protocol,
        head="target",
        columns=columns,
        rows=[*own, *averages(own, columns, rank=[])],
        domains=targets,
        notes=[
            *_ratios(results, protocol, counts),
            *_left_out(results, counts),
            "The clips are drawn anew for each fold and seed; fewer are among more. With fewer than"
            " 50 clips a class both trainings take as many times more epochs.",
        ],
    )
    return dataclasses.replace(built, slug=f"table-few-clips-{protocol}")


def _panel(count: int) -> tuple[Column, Column, Column]:
    panel = f"{count} {'clip' if count == 1 else 'clips'} a class"
    return (
        Column(key=f"{count}-alone", name="alone", measure="uar", panel=panel),
        Column(key=f"{count}-{TRANSFERRED}", name=TRANSFERRED, measure="uar", panel=panel),
        Column(key=f"{count}-ratio", name="ratio", measure="ratio", panel=panel),
    )


def _ratios(results: Results, protocol: str, counts: Sequence[int]) -> list[str]:
    """Returns the ratio over all targets for each number of clips, with its interval."""
    found = []
    for count in counts:
        pairs = [
            (
                few_adapted(results, protocol, target, count),
                few_alone(results, protocol, target, count),
            )
            for target, own in results.design.clips_per_class.items()
            if count in own
        ]
        gain = gain_interval(results.clips, pairs)
        if math.isfinite(gain.lower):
            of = f" ({len(pairs)} targets)" if len(pairs) < len(results.design.targets) else ""
            found.append(
                f"{count} clips a class{of}, UAR averaged over targets, all folds together: ratio"
                f" {1 + gain.estimate:.2f}, 95% interval {1 + gain.lower:.2f} to"
                f" {1 + gain.upper:.2f}, speakers resampled."
            )
    return found


def _left_out(results: Results, counts: Sequence[int]) -> list[str]:
    found = []
    for target in results.design.targets:
        own = results.design.clips_per_class.get(target, ())
        if lacking := [str(count) for count in counts if count not in own]:
            found.append(
                f"{display(target)}: no class has {listed(lacking)} clips in its training folds;"
                " left out."
            )
    return found
