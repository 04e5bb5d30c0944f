"""Table 4: what each source is worth, by leaving it out of pre-training."""

from pipeline.reports.study.approaches import PAPER_APPROACHES, in_order
from pipeline.reports.study.inference import compare
from pipeline.reports.study.layout import Column, Entry, Table, display
from pipeline.reports.study.results import Results
from pipeline.reports.study.series import adapted, without
from pipeline.reports.study.tables.remarks import table
from pipeline.reports.study.tables.rows import own_row


def table_4(results: Results, protocol: str) -> Table:
    """Returns the UAR on each target after one source was left out of pre-training."""
    design = results.design
    approaches = [name for name in in_order(design.approaches) if name in PAPER_APPROACHES]
    # Cells of Table 3, which Table 4 alone does not plan.
    planned_in_full = 3 in design.tables and "S1" in design.scenarios
    rows = []
    for target in design.targets:
        group = display(target)
        full = {
            name: adapted(results, protocol, target, "S1", name)
            for name in approaches
            if planned_in_full
        }
        if full:
            entries = {name: Entry(value=s.mean, series=s) for name, s in full.items()}
            rows.append(own_row(target, entries, name="none left out", group=group))
        for source in design.domains:
            if source == target:
                continue
            entries = {}
            for name in approaches:
                series = without(results, protocol, target, source, name)
                reference = full.get(name)
                entries[name] = Entry(
                    value=series.mean,
                    series=series,
                    reference=reference,
                    comparison=compare(series, reference) if reference else None,
                )
            rows.append(own_row(target, entries, name=f"without {display(source)}", group=group))
    return table(
        results,
        number=4,
        title="One source left out of pre-training",
        caption="UAR on the target. All other domains, the target's training folds included, are"
        " part of pre-training."
        + (" Marks: differs from the same approach with none left out." if planned_in_full else ""),
        protocol=protocol,
        head="target, source left out",
        columns=[Column(key=name, name=name, measure="uar", approach=name) for name in approaches],
        rows=rows,
        domains=design.targets,
    )
