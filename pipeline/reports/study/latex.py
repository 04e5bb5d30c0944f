"""The tables of a study as LaTeX, in the style of booktabs."""

import dataclasses
from collections.abc import Iterable

from pipeline.reports.study.content import SYNTHETIC, Content
from pipeline.reports.study.layout import MARKS_LEGEND, Column, Row, Table, marks, shown

_ESCAPES = {
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


def document(content: Content) -> str:
    """Returns all tables, whose titles say so if the speech is synthetic."""
    head = f"% {' '.join(SYNTHETIC)}\n\n" if content.synthetic else ""
    tables = [
        dataclasses.replace(table, title=f"{table.title} (synthetic speech)")
        if content.synthetic
        else table
        for table in content.tables
    ]
    return head + "\n".join(table_text(table) for table in tables)


def tex(text: str) -> str:
    r"""Escapes a text for LaTeX.

    >>> tex("5% of a_b")
    '5\\% of a\\_b'
    """
    return "".join(_ESCAPES.get(character, character) for character in text)


def table_text(table: Table) -> str:
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
            name = tex(row.full_name)
            name = rf"\textit{{{name}}}" if row.kind != "own" else name
            lines.append(_ampersands([name, *(_number(row, column) for column in columns)]))
        lines += [r"\bottomrule", r"\end{tabular}}"]
    notes = [*table.facts, *([MARKS_LEGEND] if table.marked else []), *table.notes]
    lines += [rf"\par\smallskip\footnotesize {tex('. '.join(n.rstrip('.') for n in notes))}."]
    return "\n".join([*lines, r"\end{table}"]) + "\n"


def _ampersands(values: Iterable[str]) -> str:
    return " & ".join(values) + r" \\"


def _number(row: Row, column: Column) -> str:
    entry = row.entries[column.key]
    text = tex(shown(row, column))
    text = rf"\textbf{{{text}}}" if entry.best else text
    found = marks(entry)
    return text + (f"$^{{{found.replace('†', chr(92) + 'dagger')}}}$" if found else "")
