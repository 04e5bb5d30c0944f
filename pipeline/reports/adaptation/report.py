"""The report of an adaptation: one self-contained HTML page."""

import datetime
from pathlib import Path

from pipeline.reports import pages
from pipeline.reports.adaptation.results import AdaptationResults
from pipeline.reports.adaptation.view import served, view
from schemas import files

TEMPLATE = "report.html.jinja"


def write(results: AdaptationResults, path: Path) -> Path:
    """Writes the report of an adaptation, and returns its path."""
    with files.replacing(path) as file:
        file.write(render(results, now=datetime.datetime.now()))
    return path


def render(results: AdaptationResults, *, now: datetime.datetime) -> str:
    """Returns the page; `now` is the date it carries."""
    environment = pages.environment(Path(__file__).parent)
    environment.globals["served"] = served
    return environment.get_template(TEMPLATE).render(page=view(results, now=now))
