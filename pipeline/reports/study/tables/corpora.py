"""Table 1: the corpora."""

from collections.abc import Mapping, Sequence
from typing import Literal

from corpora.summary import DomainSummary
from pipeline.reports.study.layout import Column, Entry, Row, Table, display
from schemas.labels import LabelSet
from schemas.words import NOTHING, kilohertz


def table_1(summaries: Sequence[DomainSummary], label_set: LabelSet) -> Table:
    """Returns the summary of the corpora, each above the paper's row."""
    names = ["language", "elicitation", "rate", "speakers", "clips", *label_set]
    rows = []
    for each in summaries:
        people = [f"{each.speakers:,}"] * bool(each.speakers)
        people += ["unknown"] * bool(each.unknown_speakers)
        values = {
            "language": each.language,
            "elicitation": each.elicitation + (", synthetic" if each.synthetic else ""),
            "rate": ", ".join(kilohertz(rate_hz) for rate_hz in each.rates_hz),
            "speakers": " + ".join(people) or NOTHING,
            "clips": f"{each.clips:,}",
            **{name: f"{each.emotions.get(name, 0):,}" for name in label_set},
        }
        rows.append(_row(each.domain, "own", values))
        if each.paper:
            values = dict.fromkeys(names, NOTHING) | {
                "language": each.paper.language,
                "elicitation": each.paper.elicitation,
                "rate": kilohertz(each.paper.rate_hz),
                "clips": f"{each.paper.clips:,}",
            }
            rows.append(_row(each.domain, "paper", values))
    return Table(
        number=1,
        slug="table-1",
        title="Table 1. The corpora",
        caption="Clips after selection, in all and by emotion.",
        protocol="",
        facts=[f"{sum(each.clips for each in summaries):,} clips of {len(summaries)} domains"],
        head="corpus",
        columns=[Column(key=name, name=name, measure="words") for name in names],
        rows=rows,
        notes=[f"{display(each.domain)}: {note}." for each in summaries for note in each.notes],
    )


def _row(domain: str, kind: Literal["own", "paper"], values: Mapping[str, str]) -> Row:
    return Row(
        name=display(domain) if kind == "own" else "paper",
        kind=kind,
        target=domain,
        entries={name: Entry(words=words) for name, words in values.items()},
    )
