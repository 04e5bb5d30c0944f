"""What a domain may be called: its name becomes a model's, a folder's, a node's and a key's."""

import re
import unicodedata

from schemas.signatures import MULTI_DOMAIN

MOST_CHARACTERS = 60
# What the program calls its own models, nodes and data sets.
RESERVED = frozenset({MULTI_DOMAIN, "pretrain", "all"})
_RESERVED_PREFIX = "pretrain-"
ALLOWED = (
    f"letters (of any script), digits, - and _, at least one letter, at most {MOST_CHARACTERS}"
    " characters, none of - and _ first"
)


def problem(name: str) -> str:
    """Returns in words why a domain cannot have a name; empty if it can.

    >>> problem("calls-2"), problem("звонки"), problem("हिन्दी")
    ('', '', '')
    >>> problem("pretrain")
    'the program itself uses that name'
    """
    lowered = name.casefold()
    if lowered in RESERVED or lowered.startswith(_RESERVED_PREFIX):
        return "the program itself uses that name"
    categories = [unicodedata.category(character) for character in name]
    fits = all(
        category[0] in "LM" or category == "Nd" or character in "-_"
        for category, character in zip(categories, name, strict=True)
    )
    starts = bool(categories) and (categories[0][0] == "L" or categories[0] == "Nd")
    has_letter = any(category[0] == "L" for category in categories)
    if fits and starts and has_letter and len(name) <= MOST_CHARACTERS:
        return ""
    return f"allowed are {ALLOWED}{_suggestion(name)}"


def _suggestion(name: str) -> str:
    better = re.sub(r"[^\w-]+", "_", name).strip("_-")[:MOST_CHARACTERS]
    return f"; write {better}" if better and better != name and not problem(better) else ""
