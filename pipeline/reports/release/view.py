"""All that the page shows, typed, section by section."""

import dataclasses
import datetime
import importlib.metadata
import platform
import shlex
from pathlib import Path

from corpora.manifest import account_path
from corpora.manifest.sources import Source
from pipeline.config import ReleaseConfig
from pipeline.reports.plots import Picture
from pipeline.reports.release import data, summary
from pipeline.reports.release.data import AuditView, Comparison, DataRow, NotUsed
from pipeline.reports.release.models import ModelView, model_view
from pipeline.reports.release.outcomes import Outcome, outcome
from pipeline.reports.release.results import RunResults, SliceResult
from pipeline.reports.release.summary import Average, SummaryRow
from pipeline.run_folder import CONFIG_FILE, LOG_FILE
from pipeline.runners.results import STATUSES, NodeResult, Status
from schemas.labels import LabelSet
from schemas.signatures import MULTI_DOMAIN


@dataclasses.dataclass(frozen=True, kw_only=True)
class SummarySection:
    """What each domain's two models reached.

    Attributes:
      rows: One row a domain.
      average: Over the domains for which both models were measured.
      has_baseline: Whether a model was blessed before one of these.
      multi_outcome: What became of the multi-domain model; `None` if the run names none.
      multi_overall: What it reached over all test clips.
      pushed: Number of models pushed.
      plot: UAR per domain; `None` if no model was evaluated.
    """

    rows: tuple[SummaryRow, ...]
    average: Average | None
    has_baseline: bool
    multi_outcome: Outcome | None
    multi_overall: SliceResult | None
    pushed: int
    plot: Picture | None


@dataclasses.dataclass(frozen=True, kw_only=True)
class DataSection:
    """Where the recordings went, and what the checks before training said.

    Attributes:
      rows: One row a domain; empty if there is no account of the recordings.
      not_used: Recordings that were not used.
      index_account: File that tells what never came into the manifest.
      sources: Corpora as they were indexed.
      audit, anomalies, comparison: What the checks said; `None` where one was not made.
    """

    rows: tuple[DataRow, ...]
    not_used: NotUsed
    index_account: Path
    sources: tuple[Source, ...]
    audit: AuditView | None
    anomalies: tuple[str, ...] | None
    comparison: Comparison | None

    @property
    def found(self) -> int:
        """Number of recordings in the manifest."""
        return sum(row.found for row in self.rows)

    @property
    def used(self) -> int:
        """Number of recordings used."""
        return sum(row.used for row in self.rows)


@dataclasses.dataclass(frozen=True, kw_only=True)
class NodeSection:
    """What became of the pipeline's nodes.

    Attributes:
      nodes: One result a node, in order.
      counts: Number of nodes by status, of those that occur.
      total_s: Wall time of all of them in seconds.
      log: File of the logs.
    """

    nodes: tuple[NodeResult, ...]
    counts: dict[Status, int]
    total_s: float
    log: Path


@dataclasses.dataclass(frozen=True, kw_only=True)
class Commands:
    """Command lines that repeat the run, serve its models, and ask one of them."""

    run: str
    serve: str
    predict: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class View:
    """The whole page.

    Attributes:
      config: The run's configuration.
      written: When the page was written.
      labels: The run's label set.
      summary, outcomes, models, data, nodes, commands: Its sections.
      versions: What made the numbers, by distribution.
    """

    config: ReleaseConfig
    written: str
    labels: LabelSet
    summary: SummarySection
    outcomes: tuple[Outcome, ...]
    models: tuple[ModelView, ...]
    data: DataSection
    nodes: NodeSection
    commands: Commands
    versions: dict[str, str]


def view(results: RunResults, *, now: datetime.datetime) -> View:
    """Returns all that the page shows; `now` is the date it carries."""
    return View(
        config=results.config,
        written=f"{now:%Y-%m-%d %H:%M}",
        labels=results.labels,
        summary=_summary(results),
        outcomes=tuple(outcome(model, results) for model in results.models),
        models=tuple(model_view(model, results) for model in results.models),
        data=_data(results),
        nodes=_nodes(results),
        commands=_commands(results),
        versions=_versions(),
    )


def _summary(results: RunResults) -> SummarySection:
    rows = tuple(summary.summary_row(model, results) for model in results.adapted)
    multi = results.multi_domain
    return SummarySection(
        rows=rows,
        average=summary.average(rows),
        has_baseline=any(row.change is not None for row in rows),
        multi_outcome=outcome(multi, results) if multi else None,
        multi_overall=multi.slices.get(()) if multi else None,
        pushed=sum(model.status == "pushed" for model in results.models),
        plot=summary.uar_plot(rows),
    )


def _data(results: RunResults) -> DataSection:
    return DataSection(
        rows=tuple(data.data_rows(results)),
        not_used=data.not_used(results.not_used),
        index_account=Path(account_path(results.config.manifest)),
        sources=results.sources,
        audit=data.audit_view(results),
        anomalies=data.anomalies(results),
        comparison=data.comparison(results),
    )


def _nodes(results: RunResults) -> NodeSection:
    counts = {status: sum(node.status == status for node in results.nodes) for status in STATUSES}
    return NodeSection(
        nodes=results.nodes,
        counts={status: count for status, count in counts.items() if count},
        total_s=sum(node.duration_s for node in results.nodes),
        log=results.config.output / LOG_FILE,
    )


def _commands(results: RunResults) -> Commands:
    config = results.config
    root = shlex.quote(str(config.serving_root))
    pushed = [model.name for model in results.models if model.status == "pushed"]
    adapted = [name for name in pushed if name != MULTI_DOMAIN]
    model = next(iter(adapted or pushed), "MODEL")
    return Commands(
        run=f"ser run --config {shlex.quote(str(config.output / CONFIG_FILE))}",
        serve=f"ser serve --root {root}",
        predict=f"ser predict recording.wav --root {root} --model {shlex.quote(model)}",
    )


def _versions() -> dict[str, str]:
    """Returns the versions of what made the numbers, by distribution."""
    versions = {"Python": platform.python_version()}
    for name in ("ser-tfx", "tfx", "tensorflow", "keras"):
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions
