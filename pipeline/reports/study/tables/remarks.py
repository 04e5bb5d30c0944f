"""What must be said of a table: its facts, what is missing, and classes that folds lack."""

from collections.abc import Sequence

from modules.study.cells import Cell
from modules.study.design import Design
from pipeline.reports.study.layout import PROTOCOL_WORDS, Column, Row, Table, display
from pipeline.reports.study.results import Results
from schemas.words import listed, plural


def table(
    results: Results,
    *,
    number: int,
    title: str,
    caption: str,
    protocol: str,
    head: str,
    columns: Sequence[Column],
    rows: Sequence[Row],
    domains: Sequence[str],
    notes: Sequence[str] = (),
) -> Table:
    """Returns a table with all that must be said of it.

    Args:
      results: Results it is computed from.
      number, title, caption, protocol, head, columns, rows: As of `Table`; the title without its
        number.
      domains: Domains it is about.
      notes: Footnotes of its own.
    """
    needed: set[Cell] = set()
    for row in rows:
        for entry in row.entries.values():
            for series in (entry.series, entry.reference):
                needed |= series.needed if series else set()
    # The same design, whether or not anything of it has run.
    missing = sum(cell not in results.store for cell in needed)
    found = [*notes]
    if missing:
        found.insert(
            0, f"{missing:,} of {len(needed):,} cells are missing: what rests on them shows –."
        )
    protocols = [protocol] if protocol else list(results.design.protocols)
    for each in protocols:
        found += class_notes(results, each, domains, named=not protocol)
    return Table(
        number=number,
        slug=f"table-{number}-{protocol}",
        title=f"Table {number}. {title}" if number else title,
        caption=caption,
        protocol=protocol,
        facts=_facts(results, protocols, domains),
        head=head,
        columns=columns,
        rows=rows,
        missing=missing,
        planned=len(needed),
        notes=list(dict.fromkeys([*found, *_untested(results, rows)])),
    )


def network_name(design: Design) -> str:
    """Returns what tables call the network: the paper's name, or its front end's."""
    return "CNN+LSTM" if design.preset_without_lstm else design.network.front_end


def _facts(results: Results, protocols: Sequence[str], domains: Sequence[str]) -> list[str]:
    design = results.design
    clips = {
        domain: max(
            len(results.clips.rows(protocol, domains=(domain,), folds=design.folds))
            for protocol in protocols
        )
        for domain in domains
    }
    of_each = ", ".join(f"{display(domain)} {count:,}" for domain, count in clips.items())
    return [
        " and ".join(PROTOCOL_WORDS[protocol] for protocol in protocols),
        f"{plural(len(design.folds), 'test fold')} ({_listing(design.folds)})",
        f"{plural(len(design.seeds), 'seed')} ({_listing(design.seeds)})",
        f"{sum(clips.values()):,} test clips: {of_each}",
    ]


def _listing(values: Sequence[int]) -> str:
    return ", ".join(str(value) for value in values)


def class_notes(
    results: Results, protocol: str, domains: Sequence[str], *, named: bool = False
) -> list[str]:
    """Returns in words which labels domains lack, and which are missing in single test folds.

    Args:
      results: Results with the clips.
      protocol: Protocol of the folds.
      domains: Domains to look at.
      named: Whether to name the protocol.
    """
    clips, labels, found = results.clips, results.label_set.labels, []
    for domain in domains:
        has = set(clips.classes(domain).tolist())
        if not has:
            found.append(f"{display(domain)} has no clip at all.")
            continue
        absent = [label for i, label in enumerate(labels) if i not in has]
        if absent:
            found.append(
                f"{display(domain)} has no clip of {listed(absent)}: left out of its UAR, and never"
                " chosen."
            )
        for fold in results.design.folds:
            tested = clips.labels[clips.rows(protocol, domains=(domain,), folds=(fold,))]
            lacking = [labels[i] for i in sorted(has - set(tested.tolist()))]
            if lacking:
                where = f" ({PROTOCOL_WORDS[protocol]})" if named else ""
                found.append(
                    f"{display(domain)}, fold {fold}{where}: no test clip of {listed(lacking)};"
                    f" UAR over the other {len(has) - len(lacking)}."
                )
    return list(dict.fromkeys(found))


def _untested(results: Results, rows: Sequence[Row]) -> list[str]:
    """Names systems that could not take all clips of their test folds."""
    found = {}
    for row in rows:
        for key, entry in row.entries.items():
            series = entry.series
            if series is None:
                continue
            for (fold, _), measured in series.values.items():
                every = results.clips.rows(series.protocol, domains=(row.target,), folds=(fold,))
                if len(measured.rows) < len(every):
                    found[row.target, key, fold] = (
                        f"{key} was tested on {len(measured.rows)} of the {len(every)} clips of"
                        f" {display(row.target)}'s fold {fold}."
                    )
    return list(found.values())
