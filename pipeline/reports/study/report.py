"""Writes a study's tables and figures: Markdown, LaTeX, CSV, SVG, and one HTML page with it all."""

import datetime
from collections.abc import Sequence
from pathlib import Path

from corpora.summary import DomainSummary
from modules.study.clips import Clips
from modules.study.design import Design
from modules.study.store import Store
from pipeline.reports.study import csv_files, latex, markdown, page
from pipeline.reports.study.content import content
from pipeline.reports.study.results import Results


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
    remarks: Sequence[str] = (),
) -> list[Path]:
    """Writes what the store holds of a design; what is missing is said, never filled in.

    Args:
      store: Store of the study; read only.
      clips: Clips of the study; inputs may be `None`.
      design: Which cells make which table.
      out: Folder; is made if it is not there. Files of an earlier report are replaced.
      title: Title of the pages.
      synthetic: Whether the speech is synthetic, which every page then says first.
      command: Command line that repeats the study.
      corpora_summary: From `corpora.summary.summarise`, for Table 1; without, there is none.
      remarks: Further caveats.

    Returns:
      What was written: `study.html`, `study.md`, `study.tex`, `values.csv`, `cells.csv`,
      `figures/*.svg`.

    Raises:
      UserError: The store holds clips or features of another study.
    """
    results = Results(store, clips, design)
    study = content(
        results,
        title=title,
        synthetic=synthetic,
        command=command,
        summaries=corpora_summary,
        remarks=remarks,
    )
    texts: dict[str, str | bytes] = {
        "study.html": page.html(study, now=datetime.datetime.now()),
        "study.md": markdown.document(study),
        "study.tex": latex.document(study),
        "values.csv": csv_files.values_csv(results, study.tables),
        "cells.csv": csv_files.cells_csv(results),
        **{f"figures/{plot.slug}.svg": plot.svg for plot in study.pictures},
    }
    written = []
    for name, text in texts.items():
        path = out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        written.append(path)
    return written
