"""What the command line shows of a pipeline's run: progress on stderr, a study's plan on stdout."""

from collections.abc import Iterable, Sequence
from typing import TypeVar

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)

from cli.progress import track
from pipeline.execution import failures
from pipeline.observer import Observer
from pipeline.preparation import Prepared
from pipeline.run_folder import LOG_FILE
from pipeline.run_study import Estimate, Plan
from pipeline.runners.results import STATUSES, NodeResult

T = TypeVar("T")

# Ids of changed or missing recordings that are named.
_MOST_NAMED = 3


class Display(Observer):
    """Shows a run's progress, what its nodes say, and what became of them.

    Use as a context manager, so that the progress bar goes whatever happens.
    """

    def __init__(self) -> None:
        self.console = Console(stderr=True)
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=self.console,
        )
        self._task = self._progress.add_task("starting", total=None, start=False)

    def __enter__(self) -> "Display":
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    def track(
        self, iterable: Iterable[T], *, description: str, total: int | None = None
    ) -> Iterable[T]:
        """Shows a progress bar of its own."""
        return track(iterable, description=description, total=total)

    def on_prepared(self, prepared: Prepared) -> None:
        """Tells what does harm, and which recordings are not as they were indexed."""
        for warning in prepared.warnings:
            self.console.print(f"warning: {warning}", markup=False, highlight=False)
        for label, ids in (("changed", prepared.changed), ("missing", prepared.missing)):
            if ids:
                self.console.print(
                    f"{len(ids)} recording(s) {label} since the manifest was made: "
                    f"{', '.join(ids[:_MOST_NAMED])}{' …' if len(ids) > _MOST_NAMED else ''}"
                )

    def on_plan(self, plan: Plan) -> None:
        """Prints how many cells there are of each kind, and how many are done."""
        for count in plan.counts:
            print(f"{count.kind}: {count.planned:,}, of which {count.done:,} are done", flush=True)

    def on_estimate(self, estimate: Estimate) -> None:
        """Prints how long the missing cells will take, from this machine's speed."""
        print(
            f"about {estimate.duration_s / 60:,.0f} minutes of training:"
            f" {estimate.clips:,.0f} clips to learn from,"
            f" at {estimate.clips_per_s:,.0f} a second as measured just now",
            flush=True,
        )

    def on_start(self, prepared: Prepared) -> None:
        """Tells where everything goes, and shows the bar."""
        output = prepared.config.output
        self.console.print(f"writing to {output}, logs in {output / LOG_FILE}")
        self._progress.start()
        self._progress.start_task(self._task)

    def on_node(self, node_id: str, index: int, total: int) -> None:
        """Shows that a node has begun."""
        if not self.console.is_terminal:
            self.console.print(f"[{index + 1}/{total}] {node_id}", markup=False, highlight=False)
        self._progress.update(self._task, description=node_id, completed=index, total=total)

    def on_message(self, message: str) -> None:
        """Shows the latest message of the running node."""
        if not self.console.is_terminal:
            self.console.print(f"  {message}", markup=False, highlight=False)
        self._progress.update(self._task, description=message)

    def on_finish(self, results: Sequence[NodeResult]) -> None:
        """Shows what failed, and how many nodes there were of each status."""
        self._progress.update(self._task, description="done", completed=len(results))
        self._stop()
        for result in failures(results):
            self.console.print(
                f"{result.node_id} failed: {result.error}", markup=False, highlight=False
            )
        counts = {status: sum(result.status == status for result in results) for status in STATUSES}
        self.console.print(
            "nodes: " + ", ".join(f"{count} {status}" for status, count in counts.items())
        )

    def _stop(self) -> None:
        """Stops the bar if it runs; rich prints an empty line for one that does not."""
        if self._progress.live.is_started:
            self._progress.stop()
