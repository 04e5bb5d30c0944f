"""Processes of their own, in which a part of the project runs beside this process."""

import os
from pathlib import Path

_ROOT = Path(__file__).parents[1]
_TAIL_LINES = 10


def environment(**more: str) -> dict[str, str]:
    """Returns the environment of one that can import the project, and leaves GPUs alone.

    Args:
      more: Further variables.
    """
    paths = [str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(paths),
        "CUDA_VISIBLE_DEVICES": "-1",
        "TF_CPP_MIN_LOG_LEVEL": "2",
        **more,
    }


def end_of(text: str) -> str:
    """Returns the last lines that one wrote, where faults tell what they are."""
    return "\n".join(text.strip().splitlines()[-_TAIL_LINES:])
