"""How much memory a training may fill with clips."""

import math
import os
from pathlib import Path

from schemas.errors import UserError

KEY = "training.memory_gib"
_GIB = 2**30
_BYTES_PER_VALUE = 4
# Of the machine, where no limit is set.
_DEFAULT_SHARE = 0.25
# Linux tells here what a container may use, or "max".
_CONTAINER_LIMIT = Path("/sys/fs/cgroup/memory.max")


def limit_bytes(memory_gib: float | None) -> int:
    """Returns the limit in bytes; `None` stands for a quarter of the machine's memory."""
    if memory_gib is None:
        return int(_DEFAULT_SHARE * _machine_bytes())
    return int(memory_gib * _GIB)


def check(
    memory_gib: float | None,
    *,
    batch_size: int,
    row_shape: tuple[int, ...],
    batch_key: str = "batch_size",
) -> None:
    """Checks that a limit holds a batch, the least that a training must have in memory.

    Args:
      memory_gib: The limit, in GiB; `None` for that of `limit_bytes`, which is not checked.
      batch_size: Number of clips in a batch.
      row_shape: Shape of what the network takes of a clip.
      batch_key: Key of the batch size, for the message.

    Raises:
      UserError: It does not; the message names the least limit.
    """
    least = batch_size * math.prod(row_shape) * _BYTES_PER_VALUE
    if memory_gib is not None and memory_gib * _GIB < least:
        # Rounded up, so that the value that is printed is one that passes.
        rounded_gib = -(-least * 10_000 // _GIB) / 10_000
        raise UserError(
            f"{KEY}: {memory_gib:g} GiB is less than a batch of {batch_size} clips takes; set it"
            f" to at least {rounded_gib:g}, lower {batch_key}, or leave {KEY} out for a quarter of"
            " the machine's memory"
        )


def _machine_bytes() -> int:
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        return min(machine, int(_CONTAINER_LIMIT.read_text(encoding="ascii")))
    except (OSError, ValueError):
        return machine
