"""Progress bars for everything that takes longer than a second or two."""

import contextlib
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

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


@contextlib.contextmanager
def seconds(description: str, *, total_s: float | None) -> Iterator[Callable[[float], None]]:
    """Shows a progress bar over seconds of sound on stderr.

    Yields:
      A function that is told how many have been heard.
    """
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.completed:,.0f} s"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(description, total=total_s)
        yield lambda heard_s: progress.update(task, completed=heard_s)
