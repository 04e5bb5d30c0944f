"""How the reports make their pages: one base template, one style sheet, one set of words."""

from pathlib import Path

import jinja2

from schemas import words

FOLDER = Path(__file__).parent


def environment(folder: Path) -> jinja2.Environment:
    """Returns the environment of a report's templates: escaped, strict about names.

    Args:
      folder: Folder of the report's own templates, which extend `base.html.jinja`.
    """
    found = jinja2.Environment(
        loader=jinja2.FileSystemLoader([folder, FOLDER]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters.update(
        three=words.three,
        signed=words.signed,
        percent=words.percent,
        duration=words.duration,
        listed=words.listed,
        brief=words.brief,
        count=count,
    )
    return found


def count(number: int) -> str:
    """Formats a number of things.

    >>> count(1_200)
    '1,200'
    """
    return f"{number:,}"
