"""Results with faults that may have passed by the next run, which then makes them again."""

from collections.abc import Iterable
from typing import Any

# Of an artifact: how many recordings could not be read when their turn came.
NUM_PASSING = "num_passing_faults"


def mark(artifacts: Iterable[Any], num_passing: int) -> None:
    """Marks what a step made, where there were such faults.

    Args:
      artifacts: Of `tfx.types.Artifact`; one of a step's outputs is enough.
      num_passing: How many faults.
    """
    for artifact in artifacts if num_passing else ():
        artifact.set_int_custom_property(NUM_PASSING, num_passing)
