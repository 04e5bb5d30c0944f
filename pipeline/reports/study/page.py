"""The report of a study as one HTML page with it all."""

import dataclasses
import datetime
import json
from pathlib import Path

import numpy as np

from pipeline.reports import pages, plots
from pipeline.reports.study.content import (
    NO_ANSWER,
    QUESTION,
    SYNTHETIC,
    Content,
    identity,
    scope,
    settings_words,
)
from pipeline.reports.study.layout import MARKS_LEGEND, PROTOCOL_WORDS, marks, shown

TEMPLATE = "report.html.jinja"


def html(content: Content, *, now: datetime.datetime) -> str:
    """Returns the page; `now` is the date it carries."""
    environment = pages.environment(Path(__file__).parent)
    environment.filters.update(image=plots.data_uri)
    environment.globals.update(
        shown=shown, marks=marks, protocol_words=PROTOCOL_WORDS, legend=MARKS_LEGEND
    )
    results, design = content.results, content.results.design
    return environment.get_template(TEMPLATE).render(
        study=content,
        written=f"{now:%Y-%m-%d %H:%M}",
        question=QUESTION,
        synthetic_words=SYNTHETIC,
        no_answer=NO_ANSWER,
        # By claim, then by protocol: every protocol speaks to the same claims.
        answers=list(zip(*content.answers.values(), strict=True)),
        design=design,
        label_set=results.label_set,
        by_protocol={protocol: content.of_protocol(protocol) for protocol in design.protocols},
        others=content.of_protocol(""),
        scope=scope(design),
        settings=settings_words(design),
        design_json=json.dumps(dataclasses.asdict(design), indent=2),
        identity=identity(results.store),
        clip_count=int(np.isin(results.clips.domains, design.domains).sum()),
        digest=results.clips.digest,
    )
