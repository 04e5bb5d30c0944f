"""The report of a run: one self-contained HTML page, the most important things first."""

import datetime
from pathlib import Path

from pipeline.reports import pages
from pipeline.reports.release.results import RunResults
from pipeline.reports.release.view import view
from schemas import files

TEMPLATE = "report.html.jinja"


def write(results: RunResults, path: Path) -> Path:
    """Writes the report of a run.

    Args:
      results: From `pipeline.reports.release.collect.collect`.
      path: The HTML file; its folder is made.

    Returns:
      `path`.
    """
    with files.replacing(path) as file:
        file.write(render(results, now=datetime.datetime.now()))
    return path


def render(results: RunResults, *, now: datetime.datetime) -> str:
    """Returns the page; `now` is the date it carries."""
    template = pages.environment(Path(__file__).parent).get_template(TEMPLATE)
    return template.render(page=view(results, now=now))
