"""What is told while a pipeline runs."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from pipeline.preparation import Prepared
    from pipeline.run_study import Estimate, Plan
    from pipeline.runners.results import NodeResult

T = TypeVar("T")


class Observer:
    """Hears how far a run is, and shows nothing; who shows something overrides what it needs."""

    def track(
        self, iterable: Iterable[T], *, description: str, total: int | None = None
    ) -> Iterable[T]:
        """Yields from `iterable`, a step that takes a while before any node runs."""
        return iterable

    def on_prepared(self, prepared: "Prepared") -> None:
        """Hears that the configuration fits its manifest; no node has run yet."""

    def on_plan(self, plan: "Plan") -> None:
        """Hears what a study has to compute."""

    def on_estimate(self, estimate: "Estimate") -> None:
        """Hears how long a study's trainings will take."""

    def on_start(self, prepared: "Prepared") -> None:
        """Hears that nodes begin to run."""

    def on_node(self, node_id: str, index: int, total: int) -> None:
        """Hears that a node, the `index`-th of `total`, begins."""

    def on_message(self, message: str) -> None:
        """Hears what the running node says, for example a trainer's epochs."""

    def on_finish(self, results: "Sequence[NodeResult]") -> None:
        """Hears what became of every node."""
