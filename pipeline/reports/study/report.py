"""Writes a study's tables and figures: Markdown, LaTeX, CSV, SVG, and one HTML page with it all."""

import base64
import collections
import dataclasses
import datetime
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from corpora.summary import DomainSummary
from modules.networks.approaches import resolve
from modules.networks.waveform import CNN_LSTM
from modules.study.clips import Clips
from modules.study.design import Design
from modules.study.store import Store
from pipeline.reports import pages
from pipeline.reports.study import figures, formats
from pipeline.reports.study.layout import MARKS_LEGEND, PROTOCOL_WORDS, Table, display, marks, shown
from pipeline.reports.study.results import Results
from pipeline.reports.study.series import approach_order
from pipeline.reports.study.tables import all_tables, design_words
from pipeline.reports.study.verdicts import Verdict, verdicts

TEMPLATE = "report.html.jinja"
QUESTION = (
    "A network is pre-trained on several speech emotion corpora. Which of its layers should be"
    " kept, tuned or started anew for a target corpus, with or without the target in"
    " pre-training, and is it worth it against training on the target alone (TT)?"
)
SYNTHETIC = (
    "The recordings are synthetic speech.",
    "The numbers show that the study works; they say nothing about emotion recognition on people,"
    " nor about the paper's claims.",
)
# Fewer speakers than this make an interval coarse.
_FEW_SPEAKERS = 10


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Study:
    """All that the pages show."""

    title: str
    synthetic: bool
    command: str
    results: Results
    tables: Sequence[Table]
    answers: dict[str, list[Verdict]]
    plots: dict[str, list[figures.Plot]]
    embedding: figures.Plot
    caveats: Sequence[str]


def write(
    store: Store,
    clips: Clips,
    design: Design,
    out: Path,
    *,
    title: str,
    synthetic: bool,
    command: str,
    corpora_summary: Sequence[DomainSummary] | None = None,
) -> list[Path]:
    """Writes what the store holds of a design; what is missing is said, never filled in.

    Args:
      store: of the study; read only.
      clips: those of the study; waveforms may be `None`.
      design: which cells make which table.
      out: the folder; is made if it is not there. Files of an earlier report are replaced.
      title: of the pages.
      synthetic: whether the speech is synthetic, which every page then says first.
      command: that repeats the study.
      corpora_summary: from `corpora.summary.summarise`, for Table 1; without, there is none.

    Returns:
      What was written: `study.html`, `study.md`, `study.tex`, `values.csv`, `cells.csv`,
      `figures/*.svg`.

    Raises:
      UserError: the store holds clips or features of another study.
    """
    results = Results(store, clips, design)
    tables = all_tables(results, corpora_summary)
    study = _Study(
        title=title,
        synthetic=synthetic,
        command=command,
        results=results,
        tables=tables,
        answers={protocol: verdicts(results, protocol) for protocol in design.protocols},
        plots={protocol: figures.plots(results, protocol) for protocol in design.protocols},
        embedding=figures.embedding(results),
        caveats=_caveats(results, tables),
    )
    pictures = [*(plot for own in study.plots.values() for plot in own), study.embedding]
    texts: dict[str, str | bytes] = {
        "study.html": _html(study, datetime.datetime.now()),
        "study.md": _markdown(study),
        "study.tex": _latex(study),
        "values.csv": formats.values_csv(results, tables),
        "cells.csv": formats.cells_csv(results),
        **{f"figures/{plot.slug}.svg": plot.svg for plot in pictures if plot.svg},
    }
    written = []
    for name, content in texts.items():
        path = out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        written.append(path)
    return written


def _caveats(results: Results, tables: Sequence[Table]) -> list[str]:
    """Returns what a reader must know before believing the numbers."""
    design, clips, found = results.design, results.clips, []
    missing = sum(table.missing for table in tables)
    if missing:
        found.append(
            f"Not finished: {missing:,} of {sum(table.planned for table in tables):,} places in the"
            " tables have no result yet. What rests on them shows –; the same command fills them."
        )
    if "random" in design.protocols:
        found.append(
            "Random folds, as in the paper, have the same speakers in training and test: what they"
            " measure is not what new speakers would get."
        )
    if len(design.folds) < 5:
        found.append(
            f"Only {len(design.folds)} of five folds were tested on: tests have little power."
        )
    if len(design.seeds) == 1:
        found.append(
            "One seed: how much a repeated training would differ is in no test or interval."
        )
    people = {
        target: len(np.unique(clips.speakers[clips.domains == target])) for target in design.targets
    }
    few = [f"{display(name)} {count}" for name, count in people.items() if count < _FEW_SPEAKERS]
    if few:
        found.append(
            f"Few speakers ({', '.join(few)}): intervals resample speakers and are wide and coarse."
        )
    if design.preset != "paper":
        found.append(
            f"The network is the preset {design.preset}, not the paper's own convolutions; the"
            " layers and their sizes are the paper's."
        )
    if any(row.kind == "paper" for table in tables for row in table.rows):
        found.append(
            "The paper's numbers stand beside ours for orientation: its clips, selection and folds"
            " are not published, so the two differ by more than chance."
        )
    return found


def _proof(results: Results) -> list[dict[str, Any]]:
    """Counts, for each approach, in how many fine-tunings the right layer groups changed."""
    counts: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    for record in formats.records(results):
        approach = record["cell"].get("approach")
        if approach is None:
            continue
        same = set(formats.unchanged(record))
        right = same == set(resolve(approach, CNN_LSTM.groups).frozen)
        counts[approach].update({"cells": 1, "right": int(right)})
    return [
        {
            "approach": name,
            "frozen": ", ".join(resolve(name, CNN_LSTM.groups).frozen) or "nothing",
            "anew": ", ".join(resolve(name, CNN_LSTM.groups).reinitialised) or "nothing",
            "cells": counts[name]["cells"],
            "right": counts[name]["right"],
        }
        for name in approach_order(counts)
    ]


def _html(study: _Study, now: datetime.datetime) -> str:
    environment = pages.environment(Path(__file__).parent)
    environment.filters.update(image=_data_uri)
    environment.globals.update(
        shown=shown, marks=marks, protocol_words=PROTOCOL_WORDS, legend=MARKS_LEGEND
    )
    design = study.results.design
    first = next((table for table in study.tables if table.slug.startswith("table-3")), None)
    first = first or next((table for table in study.tables if table.protocol), None)
    return environment.get_template(TEMPLATE).render(
        study=study,
        written=f"{now:%Y-%m-%d %H:%M}",
        question=QUESTION,
        synthetic_words=SYNTHETIC,
        # By claim, then by protocol: every protocol speaks to the same claims.
        answers=list(zip(*study.answers.values(), strict=True)),
        design=design,
        main=first,
        by_protocol={
            protocol: [table for table in study.tables if table.protocol == protocol]
            for protocol in design.protocols
        },
        others=[table for table in study.tables if not table.protocol],
        proof=_proof(study.results),
        scope=formats.scope(design),
        settings=design_words(design),
        design_json=json.dumps(dataclasses.asdict(design), indent=2),
        identity=_identity(study.results.store),
        clip_count=int(np.isin(study.results.clips.domains, design.domains).sum()),
        digest=study.results.clips.digest,
    )


def _identity(store: Store) -> dict[str, Any]:
    return dict(json.loads((store.folder / "store.json").read_text(encoding="utf-8")))


def _data_uri(svg: bytes) -> str:
    return "data:image/svg+xml;base64," + base64.b64encode(svg).decode()


def _markdown(study: _Study) -> str:
    design = study.results.design
    lines = [f"# {study.title}", ""]
    if study.synthetic:
        lines += [f"> **{SYNTHETIC[0]}** {SYNTHETIC[1]}", ""]
    lines += ["## Question", "", QUESTION, "", f"{formats.scope(design)} {design_words(design)}"]
    lines += ["", "## Answer", ""]
    for protocol, answers in study.answers.items():
        if answers:
            lines += [f"With {PROTOCOL_WORDS[protocol]}:", ""]
            lines += [f"- **{each.answer}**: {each.claim} {each.words}" for each in answers]
            lines.append("")
    if study.caveats:
        lines += ["## Caveats", "", *(f"- {caveat}" for caveat in study.caveats), ""]
    for protocol in ("", *design.protocols):
        own = [table for table in study.tables if table.protocol == protocol]
        if not own:
            continue
        heading = f"Tables, {PROTOCOL_WORDS[protocol]}" if protocol else "Over both protocols"
        if len(own) == 1 and own[0].slug == "table-1":
            heading = "Corpora"
        lines += [f"## {heading}", "", *(formats.markdown(table) for table in own)]
        for plot in study.plots.get(protocol, ()):
            lines += [f"![{plot.title}](figures/{plot.slug}.svg)", "", f"*{plot.caption}*", ""]
    lines += [f"## {study.embedding.title}", ""]
    if study.embedding.svg:
        lines += [f"![{study.embedding.title}](figures/{study.embedding.slug}.svg)", ""]
    lines += [study.embedding.caption, "", "## Repeat it, and trace a number", ""]
    lines += ["```", study.command, "```", ""]
    lines += [
        "`values.csv` names the cells behind every number; `cells.csv` tells each cell's folds,"
        " seed, settings and weights; a cell's file in the store has its scores. The store:",
        "",
        *(f"- {name}: `{value}`" for name, value in _identity(study.results.store).items()),
    ]
    return "\n".join(lines).rstrip() + "\n"


def _latex(study: _Study) -> str:
    head = f"% {' '.join(SYNTHETIC)}\n\n" if study.synthetic else ""
    tables = [
        dataclasses.replace(table, title=f"{table.title} (synthetic speech)")
        if study.synthetic
        else table
        for table in study.tables
    ]
    return head + "\n".join(formats.latex(table) for table in tables)
