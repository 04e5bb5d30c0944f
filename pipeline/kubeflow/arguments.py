"""Values of a compiled pipeline's parameters."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from schemas.errors import UserError
from schemas.words import listed

_INTEGER = "NUMBER_INTEGER"


def checked(package: Path, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Returns values of a compiled pipeline's parameters, each of its type.

    Raises:
      UserError: The file is no compiled pipeline, or a value does not fit it.
    """
    try:
        spec = next(yaml.safe_load_all(package.read_text(encoding="utf-8")))
        known = spec["root"]["inputDefinitions"]["parameters"]
    except FileNotFoundError:
        raise UserError(f"{package} does not exist; `ser kubeflow compile` writes one") from None
    except (yaml.YAMLError, UnicodeDecodeError, StopIteration, KeyError, TypeError):
        raise UserError(
            f"{package} is no compiled pipeline; `ser kubeflow compile` writes one"
        ) from None
    found: dict[str, Any] = {}
    for name, value in arguments.items():
        if name not in known:
            raise UserError(f"--param {name}: the pipeline takes {listed(sorted(known))}")
        if known[name]["parameterType"] == _INTEGER:
            if not isinstance(value, int) or isinstance(value, bool):
                raise UserError(f"--param {name}={value}: must be a whole number")
            found[name] = value
        else:
            found[name] = ",".join(map(str, value)) if isinstance(value, list) else str(value)
    return found
