"""What code a pipeline was compiled from, so that a task of another image says so."""

import hashlib
from pathlib import Path

from schemas.errors import UserError

_ROOT = Path(__file__).parents[2]
_PACKAGES = ("pipeline", "components", "corpora", "modules", "schemas")
# Digits of a digest in a message.
_SHORT = 12


def digest() -> str:
    """Returns the SHA-256, in hexadecimal, of all sources that tasks run."""
    total = hashlib.sha256()
    for package in _PACKAGES:
        for file in sorted((_ROOT / package).rglob("*.py")):
            total.update(str(file.relative_to(_ROOT)).encode())
            total.update(hashlib.sha256(file.read_bytes()).digest())
    return total.hexdigest()


def check(compiled_from: str) -> None:
    """Checks that this is the code that the pipeline was compiled from.

    Args:
      compiled_from: Its digest; empty where any code will do.

    Raises:
      UserError: It is another code.
    """
    if compiled_from and (own := digest()) != compiled_from:
        raise UserError(
            f"the pipeline was compiled from the code {compiled_from[:_SHORT]}, but this task's"
            f" image holds {own[:_SHORT]}: compile the pipeline with this image's `ser kubeflow"
            " compile`, submit it with the image that it was compiled from, or set the parameter"
            " code to nothing"
        )
