"""Which tables a design has."""

from collections.abc import Callable, Sequence

from corpora.summary import DomainSummary
from pipeline.reports.study.layout import Table
from pipeline.reports.study.results import Results
from pipeline.reports.study.tables.adaptation import table_3
from pipeline.reports.study.tables.adaptive_svm import table_5
from pipeline.reports.study.tables.corpora import table_1
from pipeline.reports.study.tables.leakage import leakage
from pipeline.reports.study.tables.sources import table_4
from pipeline.reports.study.tables.systems import table_2

BUILDERS: dict[int, Callable[[Results, str], Table]] = {
    2: table_2,
    3: table_3,
    4: table_4,
    5: table_5,
}


def all_tables(results: Results, summaries: Sequence[DomainSummary] | None) -> list[Table]:
    """Returns Table 1, if there are summaries, and the design's tables for each protocol."""
    design = results.design
    found = [table_1(summaries, results.label_set)] if summaries else []
    found += [
        BUILDERS[number](results, protocol)
        for protocol in design.protocols
        for number in sorted(BUILDERS.keys() & set(design.tables))
    ]
    if len(design.protocols) > 1:
        found.append(leakage(results))
    return found
