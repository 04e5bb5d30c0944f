"""The cross-corpus matrix: networks trained on one domain, tested on another."""

import dataclasses
import math

import numpy as np

from pipeline.reports.study.inference import compare
from pipeline.reports.study.layout import Column, Entry, Row, Table, display
from pipeline.reports.study.results import Results
from pipeline.reports.study.series import elsewhere, on_target
from pipeline.reports.study.tables.remarks import table
from pipeline.reports.study.tables.rows import own_row
from schemas.words import bare

ALL_OTHERS = "all others"


def cross_corpus(results: Results, protocol: str) -> Table:
    """Returns the UAR on each target of networks trained on each domain, and on all but it."""
    design = results.design
    columns = [Column(key=name, name=display(name), measure="uar") for name in design.domains]
    columns.append(Column(key=ALL_OTHERS, name=ALL_OTHERS, measure="uar"))
    own = []
    for target in design.targets:
        alone = on_target(results, protocol, target)
        entries = {}
        for column in columns:
            source = None if column.key == ALL_OTHERS else column.key
            series = elsewhere(results, protocol, target, source)
            itself = source == target
            entries[column.key] = Entry(
                value=series.mean,
                series=series,
                reference=None if itself else alone,
                comparison=None if itself else compare(series, alone),
            )
        rank = [column.key for column in columns if column.key != target]
        own.append(own_row(target, entries, rank=rank))
    built = table(
        results,
        number=0,
        title="Trained on one corpus, tested on another",
        caption="UAR on the row's test folds of the network trained on the column's training folds"
        " alone, as it is; on the diagonal TT. Last, trained on all corpora but the row's (S2-A1)."
        " What a corpus has no clips of, its network cannot answer. Bold: the best without the"
        " target. Marks: differs from TT.",
        protocol=protocol,
        head="tested on",
        columns=columns,
        rows=own,
        domains=design.targets,
        notes=[words for words in [_averages(own)] if words],
    )
    return dataclasses.replace(built, slug=f"table-cross-corpus-{protocol}")


def _averages(own: list[Row]) -> str:
    """Returns what targets reach on average, in a sentence; nothing where a number is missing."""
    single = [
        float(
            np.mean(
                [
                    entry.value
                    for key, entry in row.entries.items()
                    if key not in (row.target, ALL_OTHERS)
                ]
            )
        )
        for row in own
    ]
    alone = [row.entries[row.target].value for row in own]
    others = [row.entries[ALL_OTHERS].value for row in own]
    means = [float(np.mean(values)) for values in (alone, single, others)]
    if not all(map(math.isfinite, means)):
        return ""
    return (
        f"On average over the targets: trained on the target {bare(means[0])}, on one other corpus"
        f" {bare(means[1])}, on all others {bare(means[2])}."
    )
