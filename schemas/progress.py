"""How long work tells how far it is, without knowing who listens."""

import logging
from collections.abc import Iterable, Iterator
from typing import Protocol, TypeVar

T = TypeVar("T")

# What steps of a pipeline report; whoever runs them shows it.
MESSAGES = logging.getLogger("ser.progress")


class Track(Protocol):
    """A function that yields from an iterable and shows progress over it."""

    def __call__(
        self, iterable: Iterable[T], *, description: str, total: int | None = None
    ) -> Iterable[T]:
        """Yields the items of `iterable`, of which there are `total` where it cannot tell."""
        ...


def no_track(iterable: Iterable[T], *, description: str, total: int | None = None) -> Iterator[T]:
    """Yields from `iterable` and shows nothing."""
    yield from iterable
