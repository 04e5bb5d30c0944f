"""Table 3: training on the target alone, and what each approach gains over it."""

import math
from collections.abc import Sequence

import numpy as np

from pipeline.reports.study import paper
from pipeline.reports.study.approaches import alike, in_order, starts_anew
from pipeline.reports.study.inference import compare
from pipeline.reports.study.layout import Column, Entry, Row, Table, display
from pipeline.reports.study.results import Results
from pipeline.reports.study.series import adapted, on_target, relative_gain
from pipeline.reports.study.tables.remarks import table
from pipeline.reports.study.tables.rows import averages, own_row, paper_row, with_best
from schemas.words import listed

_SCENARIOS = {
    "S1": "the target's training folds are part of pre-training",
    "S2": "the target is no part of pre-training",
}
_TT = Column(key="TT", name="TT", measure="uar")


def table_3(results: Results, protocol: str) -> Table:
    """Returns TT and what each approach gains over it, for each target, under S1 and S2."""
    design = results.design
    gains = [
        Column(
            key=f"{scenario}-{approach}",
            name=approach,
            measure="gain",
            panel=f"{scenario}: {_SCENARIOS[scenario]}",
            scenario=scenario,
            approach=approach,
        )
        for scenario in design.scenarios
        for approach in in_order(design.approaches)
    ]
    keys = [column.key for column in gains]
    rows, own = [], []
    chosen: dict[str, list[str]] = {}
    for target in design.targets:
        baseline = on_target(results, protocol, target)
        entries = {_TT.key: Entry(value=baseline.mean, series=baseline)}
        for column in gains:
            series = adapted(results, protocol, target, column.scenario, column.approach)
            entries[column.key] = Entry(
                value=relative_gain(series, baseline),
                series=series,
                reference=baseline,
                comparison=compare(series, baseline),
            )
            if series.choices:
                times = ", ".join(
                    f"{name} {count}×" for name, count in sorted(series.choices.items())
                )
                chosen.setdefault(column.scenario, []).append(f"{display(target)} {times}")
        own.append(own_row(target, entries, rank=keys))
        rows.append(own[-1])
        if target in paper.TT:
            theirs = {
                column.key: paper.gain(column.scenario, target, column.approach) for column in gains
            }
            rows.append(paper_row(target, {_TT.key: paper.TT[target], **theirs}, rank=keys))
    rows += averages(own, [_TT, *gains])
    if len(own) > 1 and any(row.kind == "paper" for row in rows):
        rows += _paper_averages(gains)
    return table(
        results,
        number=3,
        title="Training on the target (TT), and what adaptation gains over it",
        caption="TT: UAR. The others: relative gain over TT, (adapted − TT) / TT, of UAR averaged"
        " over folds. Bold: the best gain of the row, over all panels. Marks: differs from TT.",
        protocol=protocol,
        head="target",
        columns=[_TT, *gains],
        rows=rows,
        domains=design.targets,
        notes=[
            *_alike(results),
            *(
                f"auto under {scenario} chose: {'; '.join(times)}."
                for scenario, times in chosen.items()
            ),
        ],
    )


def _alike(results: Results) -> list[str]:
    """Returns which approaches come to the same on the network, and which transfer nothing."""
    network, found = results.design.network, []
    together = alike(network, results.design.approaches)
    same = [f"{listed(names)} come to the same" for names in together if len(names) > 1]
    if same:
        found.append(f"{', '.join(same)}: the network holds {listed(network.held)} as they came.")
    anew = [name for names in together for name in names if starts_anew(network, name)]
    if anew:
        found.append(
            f"{listed(anew)}: all that the network does not hold starts anew, so nothing of any"
            " pre-training is left."
        )
    return found


def _paper_averages(gains: Sequence[Column]) -> list[Row]:
    """Returns the paper's average over its own six domains, whichever ours are."""
    known = list(paper.TT.values())
    means = {_TT.key: Entry(value=float(np.mean(known)))}
    spreads = {_TT.key: Entry(value=float(np.std(known, ddof=1)))}
    for column in gains:
        average = paper.average_gain(column.scenario, column.approach) or (math.nan, math.nan)
        means[column.key], spreads[column.key] = (Entry(value=value) for value in average)
    ranked = with_best(means, [column.key for column in gains])
    return [
        Row(name="paper, average of its six", kind="paper", entries=ranked),
        Row(name="paper, standard deviation", kind="paper", entries=spreads, signed=False),
    ]
