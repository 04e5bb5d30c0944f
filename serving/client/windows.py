"""Windows over long recordings: where they lie, and which time each of them stands for.

All windows are equally long and overlap or touch; the last one ends with the recording. A recording
shorter than a window is one window, as long as it is.
"""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from schemas.errors import UserError

if TYPE_CHECKING:
    import numpy as np

SHORTEST_S, LONGEST_S = 0.1, 60.0


@dataclass(frozen=True)
class Windows:
    """How a recording is divided.

    Attributes:
      window_s: Length of a window, in seconds.
      hop_s: From the beginning of one to that of the next, in seconds.

    Raises:
      UserError: They would leave gaps, or nobody can mean them.
    """

    window_s: float = 4.0
    hop_s: float = 2.0

    def __post_init__(self) -> None:
        if not SHORTEST_S <= self.window_s <= LONGEST_S:
            raise UserError(
                f"--window-s {self.window_s:g}: must be {SHORTEST_S:g} to {LONGEST_S:g} seconds"
            )
        if not SHORTEST_S <= self.hop_s <= self.window_s:
            raise UserError(
                f"--hop-s {self.hop_s:g}: must be at least {SHORTEST_S:g} seconds, and at most"
                f" --window-s ({self.window_s:g}): longer ones would leave sound out"
            )


def starts(num: int, *, size: int, hop: int) -> list[int]:
    """Returns where the windows over `num` samples begin.

    >>> starts(10, size=4, hop=2), starts(11, size=4, hop=2), starts(3, size=4, hop=2)
    ([0, 2, 4, 6], [0, 2, 4, 6, 7], [0])
    """
    if num <= size:
        return [0]
    regular = list(range(0, num - size + 1, hop))
    return regular if regular[-1] == num - size else [*regular, num - size]


def cut(
    pieces: "Iterable[np.ndarray]", *, size: int, hop: int
) -> "Iterator[tuple[int, np.ndarray]]":
    """Yields the windows over samples that come in pieces, with where they begin.

    Args:
      pieces: Arrays [samples, …]; at least one sample in all.
      size: Length of a window in samples.
      hop: From one beginning to the next, at most `size`.
    """
    import numpy as np

    kept: np.ndarray | None = None
    first = start = 0  # of what is kept, and of the next window
    for piece in pieces:
        kept = piece if kept is None else np.concatenate([kept, piece])
        while first + len(kept) >= start + size:
            yield start, kept[start - first : start - first + size]
            start += hop
        # The last window begins no earlier than the last but one.
        drop = max(start - hop - first, 0)
        kept, first = kept[drop:], first + drop
    assert kept is not None
    end = first + len(kept)
    if not start:
        yield 0, kept
    elif end > start - hop + size:
        yield end - size, kept[-size:]


def shares(starts_s: Sequence[float], ends_s: Sequence[float]) -> list[tuple[float, float]]:
    """Returns the time that each window stands for: what is nearer to its middle than to others'.

    The first begins with the first window, the last ends with the last one, and between them there
    are neither gaps nor overlaps.

    >>> shares([0.0, 2.0, 3.0], [4.0, 6.0, 7.0])
    [(0.0, 3.0), (3.0, 4.5), (4.5, 7.0)]
    """
    middles = [(start + end) / 2 for start, end in zip(starts_s, ends_s, strict=True)]
    borders = [(one + other) / 2 for one, other in itertools.pairwise(middles)]
    edges = [starts_s[0], *borders, ends_s[-1]]
    return list(itertools.pairwise(edges))
