"""The summary of an adaptation that the command line prints."""

from rich.console import Group
from rich.table import Table
from rich.text import Text

from modules.adaptation.findings import Figure, Findings
from pipeline.reports.adaptation.results import AdaptationResults
from pipeline.reports.adaptation.view import choice, remarks, rows
from schemas.words import NOTHING, plural, signed, three


def summary(results: AdaptationResults) -> Group:
    """Returns what each way to a network reached, the learning curve, and what was pushed."""
    found = results.findings
    if found is None:
        return Group(*(Text(f"{node.node_id}: {node.error}") for node in results.failures))
    told = [f"! {remark}" for remark in (*results.remarks, *remarks(found))]
    pushed = f"pushed to {results.pushed_to}" if results.pushed else "not pushed"
    parts = [_figures(found), *([_curve(found)] if found.curve else [])]
    if found.forgotten:
        parts.append(_forgotten(found))
    return Group(
        *parts,
        Text(f"approach: {choice(found)}"),
        *map(Text, told),
        Text(f"{results.verdict}; {pushed}"),
    )


def _figures(found: Findings) -> Table:
    what = "whole speakers tested" if found.by_speaker else "clips of known speakers tested"
    table = Table(
        title=f"{found.domain}: UAR, {plural(found.clips, 'clip')} of"
        f" {plural(len(found.speakers), 'speaker')}, {what}"
    )
    for column in ("", "UAR", "95% interval", "adapted less this", "95% interval"):
        table.add_column(column, no_wrap=True)
    for row in rows(found):
        table.add_row(
            row.name,
            three(row.figure.value) if row.figure else "not possible",
            _interval(row.figure),
            signed(row.difference.value) if row.difference else "",
            _interval(row.difference, sign=True) if row.difference else "",
        )
    return table


def _curve(found: Findings) -> Table:
    table = Table(title=f"Learning curve ({found.curve_approach})")
    for column in ("clips a class", "adapted", "from scratch", "ratio"):
        table.add_column(column, no_wrap=True)
    for point in found.curve:
        size = f"{point.clips_a_class:.0f}"
        table.add_row(
            f"all ({size})" if point.all_clips else size,
            three(sum(point.adapted) / len(point.adapted)),
            three(sum(point.scratch) / len(point.scratch)),
            f"{point.ratio:.2f}",
        )
    return table


def _forgotten(found: Findings) -> Table:
    table = Table(title="The base's domains, on clips that it was not trained on")
    for column in ("domain", "clips", "base", "adapted network", "difference", "95% interval"):
        table.add_column(column, no_wrap=True)
    for each in found.forgotten:
        table.add_row(
            each.domain,
            str(each.clips),
            three(each.base),
            three(each.adapted),
            signed(each.difference.value) if each.difference else NOTHING,
            _interval(each.difference, sign=True),
        )
    return table


def _interval(figure: Figure | None, *, sign: bool = False) -> str:
    if figure is None:
        return ""
    shown = signed if sign else three
    return f"{shown(figure.low)} to {shown(figure.high)}"
