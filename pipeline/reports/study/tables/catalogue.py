"""Which tables a design has."""

from collections.abc import Callable, Sequence

from corpora.summary import DomainSummary
from pipeline.reports.study.layout import Table
from pipeline.reports.study.results import Results
from pipeline.reports.study.tables.adaptation import table_3
from pipeline.reports.study.tables.adaptive_svm import table_5
from pipeline.reports.study.tables.corpora import table_1
from pipeline.reports.study.tables.cross_corpus import cross_corpus
from pipeline.reports.study.tables.few_clips import few_clips
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
    for protocol in design.protocols:
        numbers = sorted(BUILDERS.keys() & set(design.tables))
        found += [BUILDERS[number](results, protocol) for number in numbers]
        if design.cross_corpus:
            found.append(cross_corpus(results, protocol))
        if design.clips_per_class:
            found.append(few_clips(results, protocol))
    if len(design.protocols) > 1 and design.tables:
        found.append(leakage(results))
    return found
