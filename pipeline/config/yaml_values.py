"""YAML read as plain values, of bounded size."""

from typing import Any

import yaml

# Of all values together, each counted wherever an alias repeats it.
MOST_VALUES = 20_000


def load(text: str) -> Any:
    """Returns the values of a YAML text.

    Raises:
      ValueError: It is no YAML, nested too deeply, or its aliases make more of it than a
        configuration can hold.
    """
    try:
        values = yaml.safe_load(text)
        size = _size(values, {})
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from None
    except RecursionError:
        raise ValueError("it is nested too deeply, or an alias is a part of itself") from None
    if size > MOST_VALUES:
        raise ValueError(
            f"it holds {size:,} values, aliases followed, and a configuration {MOST_VALUES:,} at"
            " most"
        )
    return values


def _size(value: Any, known: dict[int, int]) -> int:
    """Returns the number of values in `value`; those counted already are in `known`, by id."""
    if not isinstance(value, dict | list | set | tuple):
        return 1
    if id(value) not in known:
        below = [*value.keys(), *value.values()] if isinstance(value, dict) else value
        known[id(value)] = 1 + sum(_size(each, known) for each in below)
    return known[id(value)]
