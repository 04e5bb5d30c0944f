"""How the reports make their pages."""

from pathlib import Path

import jinja2


def environment(folder: Path) -> jinja2.Environment:
    """Returns the environment of the templates in `folder`: escaped, strict about names."""
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
