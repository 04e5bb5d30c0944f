"""Tables of the documentation that the program's own registries fill."""

import ast
import inspect
import itertools
import textwrap
import types
import typing
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pydantic

from corpora import readers
from modules.networks.approaches import APPROACHES, AUTO
from modules.networks.registry import FRONT_ENDS
from pipeline.config.adaptation import AdaptationConfig
from pipeline.config.release import ReleaseConfig
from pipeline.config.study import StudyConfig

_PLAIN = {int: "whole number", float: "number", bool: "`true`, `false`", str: "text", Path: "path"}
_BOUNDS = (("ge", "≥"), ("gt", ">"), ("le", "≤"), ("lt", "<"))


def corpora() -> str:
    """Returns the table of corpora that have a reader."""
    rows = []
    for corpus in readers.corpora():
        options = "; ".join(
            f"`{corpus.name}.{name}` = {', '.join(f'`{value}`' for value in option.allowed)}"
            for name, option in corpus.options.items()
        )
        rows.append(
            [f"`{corpus.name}`", corpus.display, corpus.kind, f"`{corpus.layout}`", options]
        )
    header = ["name", "corpus", "language, elicitation", "a recording", "options (default first)"]
    return _table(header, rows)


def approaches() -> str:
    """Returns the table of transfer approaches."""
    rows = [[f"`{name}`", approach.summary] for name, approach in APPROACHES.items()]
    best = "of all these, the one that does best on an inner split"
    return _table(["approach", "layer groups"], [*rows, [f"`{AUTO}`", best]])


def front_ends() -> str:
    """Returns the table of front ends."""
    return _table(
        ["front end", "network", "presets", "input"],
        [
            [
                f"`{found.name}`",
                found.summary,
                "; ".join(f"`{name}`: {summary}" for name, summary in found.presets.items()),
                f"{found.input_s:g} s",
            ]
            for found in FRONT_ENDS.values()
        ],
    )


def release_settings() -> str:
    """Returns the table of the keys of `ser run`'s configuration."""
    return _settings(ReleaseConfig)


def study_settings() -> str:
    """Returns the table of the keys of `ser study`'s configuration."""
    return _settings(StudyConfig)


def adaptation_settings() -> str:
    """Returns the table of the keys of `ser adapt`'s configuration."""
    return _settings(AdaptationConfig)


# By the name that a page asks for.
TABLES: dict[str, Callable[[], str]] = {
    table.__name__: table
    for table in (
        approaches,
        front_ends,
        corpora,
        release_settings,
        study_settings,
        adaptation_settings,
    )
}


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(_escaped(cell) for cell in line)} |" for line in lines)


def _escaped(cell: str) -> str:
    return " ".join(cell.replace("|", "\\|").split())


def _settings(section: type[pydantic.BaseModel]) -> str:
    rows = [[f"`{key}`", *row] for key, *row in _keys(section, "")]
    return _table(["key", "default", "allowed", ""], rows)


def _keys(section: type[pydantic.BaseModel], prefix: str) -> Iterator[tuple[str, str, str, str]]:
    """Yields key, default, what is allowed and a description for each key of a section."""
    words = _descriptions(section)
    for name, field in section.model_fields.items():
        key, inner = f"{prefix}{name}", _section_in(field.annotation)
        default = None if field.is_required() else field.get_default(call_default_factory=True)
        if inner is None or default is None or isinstance(default, tuple):
            allowed = _allowed(field) if inner is None else _of_keys(inner, default)
            yield key, _shown(field, default), allowed, words.get(name, "")
        elif isinstance(default, dict):  # by domain, or by step
            for row in _keys(inner, f"{key}.NAME."):
                yield row
        else:
            for row in _keys(type(default), f"{key}."):
                yield (row[0], _value_at(default, row[0][len(key) + 1 :]), *row[2:])


def _of_keys(section: type[pydantic.BaseModel], default: Any) -> str:
    """Returns what a field of one section, or of a list of them, may be."""
    names = "" if default is None else f": {', '.join(section.model_fields)}"
    return f"{'' if default is None else 'list: '}keys of `{section.__name__}`{names}"


def _value_at(section: pydantic.BaseModel, key: str) -> str:
    """Returns the value of a key within a section, which may differ from its class' default."""
    value: Any = section
    for part in key.split("."):
        if isinstance(value, dict):
            return ""
        value = getattr(value, part)
    return _text(value)


def _section_in(annotation: Any) -> type[pydantic.BaseModel] | None:
    """Returns the section that a field holds, by itself, by name or optionally."""
    if isinstance(annotation, type) and issubclass(annotation, pydantic.BaseModel):
        return annotation
    return next(filter(None, map(_section_in, typing.get_args(annotation))), None)


def _shown(field: pydantic.fields.FieldInfo, default: Any) -> str:
    return "needed" if field.is_required() else _text(default)


def _text(value: Any) -> str:
    if value is None or value in ((), {}):
        return ""
    if isinstance(value, tuple):
        return f"`[{', '.join(map(str, value))}]`"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _allowed(field: pydantic.fields.FieldInfo) -> str:
    """Returns what a field may be, as its own error says it."""
    kind: Any = field.annotation
    if field.metadata:
        annotated: Any = typing.Annotated
        parts = (kind, *field.metadata)
        kind = annotated[parts]
    adapter = pydantic.TypeAdapter(kind)
    for impossible in ("?", ["?"]):
        try:
            adapter.validate_python(impossible)
        except pydantic.ValidationError as error:
            for fault in error.errors():
                if fault["type"] == "one_of":
                    return ", ".join(f"`{word}`" for word in fault["ctx"]["allowed"].split(", "))
                if fault["type"] == "literal_error":
                    return fault["ctx"]["expected"].replace("'", "`").replace(" or ", ", ")
    found = [
        f"{sign} {getattr(bound, name):g}"
        for bound in field.metadata
        for name, sign in _BOUNDS
        if getattr(bound, name, None) is not None
    ]
    return ", ".join([_kind(field.annotation), *found])


def _kind(annotation: Any) -> str:
    if typing.get_origin(annotation) is tuple:
        return f"list: {_kind(typing.get_args(annotation)[0])}"
    if typing.get_origin(annotation) is dict:
        return "words by name"
    if isinstance(annotation, types.UnionType) or typing.get_origin(annotation) is typing.Union:
        return _kind(next(kind for kind in typing.get_args(annotation) if kind is not type(None)))
    if typing.get_origin(annotation) is typing.Annotated:
        return _kind(typing.get_args(annotation)[0])
    return _PLAIN[annotation]


def _descriptions(section: type[pydantic.BaseModel]) -> dict[str, str]:
    """Returns the texts below the attributes of a class and of those it inherits from."""
    found: dict[str, str] = {}
    for owner in reversed(section.__mro__):
        if not issubclass(owner, pydantic.BaseModel) or owner is pydantic.BaseModel:
            continue
        (node,) = ast.parse(textwrap.dedent(inspect.getsource(owner))).body
        assert isinstance(node, ast.ClassDef)
        for field, text in itertools.pairwise(node.body):
            if (
                isinstance(field, ast.AnnAssign)
                and isinstance(field.target, ast.Name)
                and isinstance(text, ast.Expr)
                and isinstance(text.value, ast.Constant)
                and isinstance(text.value.value, str)
            ):
                found[field.target.id] = text.value.value
    return found
