"""Progress bars for everything that takes longer than a second or two."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from rich.console import Console

T = TypeVar("T")


def track(iterable: Iterable[T], *, description: str, total: int | None = None) -> Iterator[T]:
    """Yields from `iterable` while showing a progress bar on stderr.

    Lower layers take a function of this shape as their `track` argument and know nothing of rich.
    """
    from rich.console import Console
    from rich.progress import track as rich_track

    yield from rich_track(
        iterable, description=description, total=total, console=Console(stderr=True)
    )


class NodeProgress:
    """A progress bar over the nodes of a pipeline, with what the running node reports.

    Use as a context manager; `on_node` and `on_message` are what `pipeline.execute` calls.
    """

    def __init__(self, console: "Console"):
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            SpinnerColumn,
            TextColumn,
            TimeElapsedColumn,
        )

        self._console = console
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
        )
        self._task = self._progress.add_task("starting", total=None)

    def __enter__(self) -> "NodeProgress":
        self._progress.start()
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        total = self._progress.tasks[0].total
        if kind is None and total:
            self._progress.update(self._task, description="done", completed=total)
        self._progress.stop()

    def on_node(self, name: str, index: int, total: int) -> None:
        """Shows that node `name`, the `index`-th of `total`, has begun."""
        if not self._console.is_terminal:
            self._console.print(f"[{index + 1}/{total}] {name}", markup=False, highlight=False)
        self._progress.update(self._task, description=name, completed=index, total=total)

    def on_message(self, message: str) -> None:
        """Shows the latest message of the running node."""
        if not self._console.is_terminal:
            self._console.print(f"  {message}", markup=False, highlight=False)
        self._progress.update(self._task, description=message)
