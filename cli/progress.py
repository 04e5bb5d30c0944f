"""Progress bars for everything that takes longer than a second or two."""

from collections.abc import Iterable, Iterator
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
