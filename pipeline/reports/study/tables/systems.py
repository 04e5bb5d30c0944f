"""Table 2: networks and SVM, trained on all domains and tested on each."""

import functools
from collections.abc import Callable

from modules.baselines.features import FEATURE_SETS
from modules.study.cells import Cell, Split
from pipeline.reports.study import paper
from pipeline.reports.study.inference import compare
from pipeline.reports.study.layout import Column, Entry, Table
from pipeline.reports.study.results import Results
from pipeline.reports.study.tables.remarks import network_name, table
from pipeline.reports.study.tables.rows import averages, own_row, paper_row


def table_2(results: Results, protocol: str) -> Table:
    """Returns the UAR of SVM and networks, trained on all domains and tested on each."""
    design = results.design
    systems: dict[str, Callable[[Split, int], Cell]] = {
        FEATURE_SETS[name].machine: functools.partial(design.svm, protocol, features=name)
        for name in design.baselines
    }
    network = network_name(design)
    if design.preset_without_lstm:
        systems["CNN"] = lambda split, seed: design.cnn(protocol, split, seed)
    systems[network] = lambda split, seed: design.pretraining(protocol, split, seed)
    columns = [Column(key=name, name=name, measure="uar") for name in systems]
    rows, own = [], []
    for domain in design.domains:
        series = {
            name: results.series(protocol, domain, cell_of) for name, cell_of in systems.items()
        }
        reference = series[network]
        entries = {
            name: Entry(
                value=each.mean,
                series=each,
                reference=None if each is reference else reference,
                comparison=None if each is reference else compare(each, reference),
            )
            for name, each in series.items()
        }
        own.append(own_row(domain, entries))
        rows.append(own[-1])
        if domain in paper.TABLE_2:
            # The paper has numbers of one SVM, on openSMILE's features.
            printed = {name: paper.TABLE_2[domain].get(name) for name in systems}
            rows.append(paper_row(domain, printed))
    rows += averages(own, columns)
    return table(
        results,
        number=2,
        title="Networks and SVM, trained and tested on all domains",
        caption="UAR; no adaptation. Marks: differs from " + network + ".",
        protocol=protocol,
        head="tested on",
        columns=columns,
        rows=rows,
        domains=design.domains,
    )
