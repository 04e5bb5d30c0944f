"""Shows the examples of docstrings as code: a part of the docs' site, loaded by mkdocstrings."""

import re
from typing import Any

import griffe

# From a prompt up to an empty line or the end.
_EXAMPLE = re.compile(r"^>>> .*?(?=\n\s*\n|\Z)", re.MULTILINE | re.DOTALL)


class FencedExamples(griffe.Extension):
    """Puts a fence around each example, so that Markdown does not take it for a quotation."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Changes the docstring of one object."""
        if obj.docstring:
            obj.docstring.value = _EXAMPLE.sub(r"```pycon\n\g<0>\n```", obj.docstring.value)
