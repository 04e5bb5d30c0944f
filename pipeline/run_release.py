"""Runs a release: from a request to pushed models and a report."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline import config as configs
from pipeline import execution
from pipeline.config import ReleaseConfig
from pipeline.observer import Observer
from pipeline.preparation import Prepared, prepare
from pipeline.request import Request

if TYPE_CHECKING:
    from pipeline.reports.release.results import RunResults

REPORT_FILE = "report.html"


@dataclasses.dataclass(frozen=True, kw_only=True)
class ReleaseResult:
    """What a release came to.

    Attributes:
      prepared: The configuration, and the manifest it ran on.
      found: What became of nodes and models.
      report: The page that shows it.
    """

    prepared: Prepared[ReleaseConfig]
    found: "RunResults"
    report: Path

    @property
    def complete(self) -> bool:
        """Whether every model was pushed."""
        return self.found.complete

    @property
    def failed(self) -> bool:
        """Whether a node failed; a model that its gate kept back is no failure."""
        return bool(execution.failures(self.found.nodes))


def run(request: Request, *, observer: Observer) -> ReleaseResult:
    """Runs a release on this machine; what did not change since the last run is not repeated.

    Args:
      request: Where the release's configuration comes from.
      observer: Hears how far the run is.

    Raises:
      UserError: The configuration or its manifest is at fault, or another run uses the folder.
    """
    config = configs.load(request.config, request.overrides)
    prepared = prepare(config, track=observer.track)
    observer.on_prepared(prepared)

    from pipeline import release

    execution.execute(prepared, release.build, observer=observer)

    from pipeline.reports.release import report
    from pipeline.reports.release.collect import collect

    found = collect(config.output)
    return ReleaseResult(
        prepared=prepared, found=found, report=report.write(found, config.output / REPORT_FILE)
    )
