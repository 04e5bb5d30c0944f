"""Reading configurations from YAML, overriding keys, and putting faults into words."""

import reprlib
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import pydantic

from pipeline.config import yaml_values
from pipeline.config.data import DataConfig
from pipeline.config.release import ReleaseConfig
from schemas.errors import UserError
from schemas.places import place

LARGEST_BYTES = 2**20
PRESETS = Path(__file__).parent / "presets"

Config = TypeVar("Config", bound=DataConfig)


def load(path: Path | str, overrides: Mapping[str, Any] | None = None) -> ReleaseConfig:
    """Reads and checks the configuration of a release; see `read`."""
    return read(path, overrides, kind=ReleaseConfig)


def read(
    path: Path | str, overrides: Mapping[str, Any] | None = None, *, kind: type[Config]
) -> Config:
    """Reads and checks a configuration.

    Args:
      path: A YAML file, or the name of one that comes with the package (`release`, `demo`).
      overrides: Values by dotted key, for example `{"fine_tune.epochs": 5}`.
      kind: Kind of the configuration.

    Raises:
      UserError: The file is missing or no YAML, a key is unknown, a value impossible.
    """
    file = place(path)
    if not file.suffix and not file.exists():
        file = PRESETS / f"{path}.yaml"
    try:
        values = yaml_values.load(_text(file)) or {}
    except FileNotFoundError:
        known = ", ".join(sorted(preset.stem for preset in PRESETS.glob("*.yaml")))
        raise UserError(
            f"configuration {path} does not exist; give a YAML file or one of: {known}"
        ) from None
    except OSError as error:
        raise UserError(
            f"configuration {file} cannot be read: {error.strerror}; give a YAML file"
        ) from None
    except ValueError as error:
        raise UserError(f"configuration {file} is not valid YAML: {error}") from None
    if not isinstance(values, dict):
        raise UserError(f"configuration {file} must hold keys and values, not {_short(values)}")
    return check(values, overrides, source=str(file), kind=kind)


def _text(file: Path) -> str:
    """Returns the text of a file; of one that is no configuration, as little as shows it."""
    with file.open("rb") as stream:
        content = stream.read(LARGEST_BYTES + 1)
    if len(content) > LARGEST_BYTES:
        raise ValueError(f"it is larger than a configuration can be ({LARGEST_BYTES:,} bytes)")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        raise ValueError("it is no text in UTF-8") from None


def _short(value: Any) -> str:
    """Returns a value as Python writes it, without the rest of what is long."""
    return reprlib.repr(value)


def parse(values: dict[str, Any], *, source: str) -> ReleaseConfig:
    """Checks a release's configuration given as nested dictionaries; errors name `source`."""
    return check(values, source=source, kind=ReleaseConfig)


def check(
    values: dict[str, Any],
    overrides: Mapping[str, Any] | None = None,
    *,
    source: str,
    kind: type[Config],
) -> Config:
    """Checks a configuration of any kind, given as nested dictionaries; see `read`.

    Args:
      values: The keys; `overrides` change them in place.
      overrides: Values by dotted key.
      source: What errors name.
      kind: Kind of the configuration.
    """
    for key, value in (overrides or {}).items():
        _set(values, key, value)
    return _checked(values, source=source, kind=kind)


def parse_override(text: str) -> tuple[str, Any]:
    """Splits `a.b=c`; the value is read as YAML, so `3`, `true` and `[1, 2]` are what they seem.

    >>> parse_override("validation.audit=report")
    ('validation.audit', 'report')

    Raises:
      UserError: There is no key, no equals sign, or the value is no YAML.
    """
    key, separator, value = text.partition("=")
    if not separator or not key:
        raise UserError(f"--set {text}: write it as key=value, for example fine_tune.epochs=5")
    try:
        return key, yaml_values.load(value)
    except ValueError:
        raise UserError(f"--set {text}: `{value}` is not valid YAML; put it in quotes") from None


def _set(values: dict[str, Any], key: str, value: Any) -> None:
    *parents, last = key.split(".")
    for parent in parents:
        below = values.get(parent)
        if not isinstance(below, dict):
            below = values[parent] = {}
        values = below
    values[last] = value


def _checked(values: dict[str, Any], *, source: str, kind: type[Config]) -> Config:
    try:
        return kind.model_validate(values)
    except pydantic.ValidationError as error:
        faults = "\n".join(f"  {_in_words(fault, kind)}" for fault in error.errors())
        raise UserError(f"configuration {source}:\n{faults}") from None


def _in_words(fault: Any, kind: type[DataConfig]) -> str:
    """Returns what pydantic found, with the key's path and what is allowed."""
    key = ".".join(str(part) for part in fault["loc"])
    if not key or fault["msg"].startswith(f"{key}."):
        # Of several keys together; the message names them.
        return str(fault["msg"])
    if fault["type"] == "missing":
        return f"{key}: {fault['msg']}"
    if fault["type"] != "extra_forbidden":
        return f"{key}: {fault['msg']} (it is {_short(fault['input'])})"
    return f"{key}: unknown key; there are: {', '.join(_section(kind, fault['loc'][:-1]))}"


def _section(kind: type[pydantic.BaseModel], path: tuple[str | int, ...]) -> list[str]:
    """Returns the keys of the section at `path` of a configuration."""
    below: Any = kind
    for part in path:
        if typing.get_origin(below) is dict:
            below = typing.get_args(below)[1]
        else:
            below = below.model_fields[part].annotation
        if typing.get_origin(below) in (typing.Union, types.UnionType):
            [below] = [each for each in typing.get_args(below) if each is not type(None)]
    return list(below.model_fields)
