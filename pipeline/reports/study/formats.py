"""Tables as Markdown, LaTeX and long CSV, in which every number names the cells behind it."""

import csv
import io
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from modules.networks.approaches import resolve
from modules.networks.waveform import CNN_LSTM
from modules.study.cells import from_json, key
from modules.study.design import Design
from pipeline.reports.study.inference import difference_interval, gain_interval, uar_interval
from pipeline.reports.study.layout import (
    MARKS_LEGEND,
    Column,
    Entry,
    Row,
    Table,
    display,
    marks,
    shown,
)
from pipeline.reports.study.results import Results, Series

VALUES_HEAD = (
    "table",
    "protocol",
    "row",
    "target",
    "column",
    "measure",
    "fold",
    "seed",
    "value",
    "cells",
)


def row_name(row: Row) -> str:
    """Returns a row's name, with its group's."""
    return f"{row.group}, {row.name}" if row.group else row.name


# Markdown.


def markdown(table: Table, *, level: int = 3) -> str:
    """Returns a table under a heading of `level`, with its facts and notes."""
    lines = [f"{'#' * level} {table.title}", "", table.caption, "", f"*{'; '.join(table.facts)}.*"]
    for panel in table.panels:
        if panel:
            lines += ["", f"**{panel}**"]
        columns = table.panel(panel)
        align = ["---" if column.measure == "words" else "---:" for column in columns]
        lines += [
            "",
            _pipes([table.head, *(column.name for column in columns)]),
            _pipes(["---", *align]),
        ]
        for row in table.rows:
            name = f"*{row_name(row)}*" if row.kind != "own" else row_name(row)
            lines.append(_pipes([name, *(_markdown(row, column) for column in columns)]))
    if table.marked:
        lines += ["", MARKS_LEGEND.replace("* p", r"\* p", 1)]
    if table.notes:
        lines += ["", *(f"- {note}" for note in table.notes)]
    return "\n".join(lines) + "\n"


def _pipes(values: Iterable[str]) -> str:
    return f"| {' | '.join(value.replace('|', '/') for value in values)} |"


def _markdown(row: Row, column: Column) -> str:
    entry = row.entries[column.key]
    text = shown(row, column)
    text = f"**{text}**" if entry.best else text
    return text + marks(entry).replace("*", r"\*")


# LaTeX.

_LATEX = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "−": "$-$",
    "–": "--",
    "≤": r"$\le$",
    "×": r"$\times$",
    "†": r"$\dagger$",
    "α": r"$\alpha$",
    "γ": r"$\gamma$",
    "…": r"\dots{}",
}


def tex(text: str) -> str:
    r"""Escapes a text for LaTeX.

    >>> tex("5% of a_b")
    '5\\% of a\\_b'
    """
    return "".join(_LATEX.get(character, character) for character in text)


def latex(table: Table) -> str:
    """Returns a table in the style of booktabs, a tabular for each panel."""
    lines = [
        rf"% {table.title}. Needs \usepackage{{booktabs,graphicx}}.",
        r"\begin{table}",
        r"\centering\small",
        rf"\caption{{{tex(f'{table.title}. {table.caption}')}}}",
        rf"\label{{tab:{table.slug}}}",
    ]
    for panel in table.panels:
        columns = table.panel(panel)
        align = "".join("l" if column.measure == "words" else "r" for column in columns)
        if panel:
            lines += [rf"\par\smallskip {tex(panel)}\par"]
        lines += [
            # Wide tables shrink, narrow ones keep their size.
            r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%",
            rf"\begin{{tabular}}{{l{align}}}",
            r"\toprule",
            _ampersands([tex(table.head), *(tex(column.name) for column in columns)]),
            r"\midrule",
        ]
        group = table.rows[0].group if table.rows else ""
        for row in table.rows:
            if row.kind == "average" or row.group != group:
                lines.append(r"\midrule")
                group = row.group
            name = tex(row_name(row))
            name = rf"\textit{{{name}}}" if row.kind != "own" else name
            lines.append(_ampersands([name, *(_latex(row, column) for column in columns)]))
        lines += [r"\bottomrule", r"\end{tabular}}"]
    notes = [*table.facts, *([MARKS_LEGEND] if table.marked else []), *table.notes]
    lines += [rf"\par\smallskip\footnotesize {tex('. '.join(n.rstrip('.') for n in notes))}."]
    return "\n".join([*lines, r"\end{table}"]) + "\n"


def _ampersands(values: Iterable[str]) -> str:
    return " & ".join(values) + r" \\"


def _latex(row: Row, column: Column) -> str:
    entry = row.entries[column.key]
    text = tex(shown(row, column))
    text = rf"\textbf{{{text}}}" if entry.best else text
    found = marks(entry)
    return text + (f"$^{{{found.replace('†', chr(92) + 'dagger')}}}$" if found else "")


# CSV.


def values_csv(results: Results, tables: Sequence[Table]) -> str:
    """Returns all numbers in long form, under `VALUES_HEAD`.

    A `uar` with a fold and a seed is one cell's; without, it is the mean over them. Every other
    number names all cells that it is computed from. `cells` are keys, the files' names in the
    store, parted by blanks. Missing numbers have no row.
    """
    return _csv(VALUES_HEAD, (row for table in tables for row in _value_rows(results, table)))


def _value_rows(results: Results, table: Table) -> Iterator[tuple[Any, ...]]:
    for row in table.rows:
        for column in table.columns:
            entry = row.entries[column.key]
            start = (table.slug, table.protocol, row_name(row), row.target, column.key)
            if row.kind != "own":
                if math.isfinite(entry.value):
                    yield (*start, f"{row.kind} {column.measure}", "", "", f"{entry.value:.6f}", "")
                continue
            for measure, fold, seed, value, keys in _entry_rows(results, entry, column):
                if math.isfinite(value):
                    yield (*start, measure, fold, seed, f"{value:.6f}", " ".join(keys))


def _entry_rows(results: Results, entry: Entry, column: Column) -> Iterator[tuple[Any, ...]]:
    if entry.series is None:
        return
    own = _keys(entry.series)
    # Differences are between protocols, whose own values stand in their own tables.
    if column.measure != "difference":
        for (fold, seed), measured in sorted(entry.series.values.items()):
            yield "uar", fold, seed, measured.uar, measured.keys
        yield "uar", "", "", entry.series.mean, own
        interval = uar_interval(results.clips, entry.series)
        yield "uar, pooled", "", "", interval.estimate, own
        yield "uar, pooled, 95% lower", "", "", interval.lower, own
        yield "uar, pooled, 95% upper", "", "", interval.upper, own
    if entry.reference is None:
        return
    both = [*own, *(name for name in _keys(entry.reference) if name not in own)]
    if column.measure != "uar":
        yield column.measure, "", "", entry.value, both
    if column.measure in ("gain", "difference"):
        of_pair = gain_interval if column.measure == "gain" else difference_interval
        interval = of_pair(results.clips, [(entry.series, entry.reference)])
        yield f"{column.measure}, pooled", "", "", interval.estimate, both
        yield f"{column.measure}, pooled, 95% lower", "", "", interval.lower, both
        yield f"{column.measure}, pooled, 95% upper", "", "", interval.upper, both
    if entry.comparison is not None:
        yield "difference", "", "", entry.comparison.difference, both
        yield "p, paired t-test", "", "", entry.comparison.p_paired, both
        yield "p, corrected t-test", "", "", entry.comparison.p_corrected, both
        yield "p, corrected t-test, Holm", "", "", entry.comparison.p_holm, both
        yield "effect size d_z (Hedges)", "", "", entry.comparison.effect_size, both


def _keys(series: Series) -> list[str]:
    return list(
        dict.fromkeys(name for _, found in sorted(series.values.items()) for name in found.keys)
    )


CELLS_HEAD = (
    "cell",
    "kind",
    "protocol",
    "train_folds",
    "test_fold",
    "seed",
    "domains",
    "target",
    "approach",
    "parent",
    "train_clips",
    "test_clips",
    "train_s",
    "backend",
    "frozen",
    "unchanged",
    "weights_before",
    "weights_after",
)


def cells_csv(results: Results) -> str:
    """Returns a row for each cell of the design that has a result, under `CELLS_HEAD`.

    `frozen` is what the approach demands, `unchanged` what the hashes of the weights tell.
    """
    return _csv(CELLS_HEAD, (_cell_row(record) for record in records(results)))


def records(results: Results) -> Iterator[dict[str, Any]]:
    """Yields what the store holds of the design's cells, without scores."""
    for cell in results.design.plan():
        if cell in results.store:
            record = results.store.get(cell)
            record["clips"] = len(record.pop("tested"))
            del record["scores"]
            yield record


def unchanged(record: dict[str, Any]) -> list[str]:
    """Returns the layer groups whose weights are the same before and after a fine-tuning."""
    before = record.get("weight_hashes_before", {})
    return [group for group, digest in before.items() if record["weight_hashes"][group] == digest]


def _cell_row(record: dict[str, Any]) -> tuple[Any, ...]:
    cell = record["cell"]
    parent = cell.get("parent", {})
    whole = {**parent, **{name: value for name, value in cell.items() if value is not None}}
    approach = cell.get("approach", "")
    return (
        record["key"],
        cell["kind"],
        whole["protocol"],
        " ".join(map(str, whole["split"]["train"])),
        whole["split"]["test"],
        whole.get("seed", whole.get("settings", {}).get("seed", "")),
        " ".join(whole.get("domains", whole.get("sources", ()))),
        cell.get("target", ""),
        approach,
        key(from_json({"kind": "training", **parent})) if parent else "",
        _pairs(record.get("train_clips", {})),
        record["clips"],
        record.get("train_s", ""),
        record.get("backend", ""),
        " ".join(resolve(approach, CNN_LSTM.groups).frozen) if approach else "",
        " ".join(unchanged(record)),
        _pairs(record.get("weight_hashes_before", {})),
        _pairs(record.get("weight_hashes", {})),
    )


def _pairs(values: dict[str, Any]) -> str:
    return " ".join(f"{name}={value}" for name, value in values.items())


def _csv(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(rows)
    return buffer.getvalue()


def scope(design: Design) -> str:
    """Returns what the study covers, in a sentence."""
    names = ", ".join(display(name) for name in design.domains)
    return f"Domains: {names}. Targets: {', '.join(display(name) for name in design.targets)}."
