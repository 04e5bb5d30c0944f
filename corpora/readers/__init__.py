"""The registry of corpora. Adding one: a file in this folder, and a line below."""

import importlib
from typing import cast

from corpora.readers.base import Corpus, Found, Option, Reader

# In the order of messages and help; the paper's six first.
MODULES = (
    "afew",
    "emodb",
    "emovo",
    "enterface",
    "iemocap",
    "rml",
    "cremad",
    "ravdess",
    "savee",
    "tess",
    "urdu",
    "csv_file",
    "audformat_db",
)


def _readers() -> dict[str, Reader]:
    """Returns name to reader. They import little, so that the command line can list them."""
    modules = [importlib.import_module(f"corpora.readers.{name}") for name in MODULES]
    return {module.CORPUS.name: cast(Reader, module) for module in modules}


READERS: dict[str, Reader] = _readers()


def corpora() -> list[Corpus]:
    """Returns what is known of each corpus, without the formats."""
    return [each.CORPUS for each in READERS.values() if not each.CORPUS.is_format]


def language_name(code: str) -> str:
    """Returns the English name of a language that some corpus has; of others the code itself.

    >>> language_name("it"), language_name("tlh")
    ('Italian', 'tlh')
    """
    names = {code: name for corpus in corpora() for code, name in corpus.languages.items()}
    return names.get(code, code)


def display(domain: str) -> str:
    """Returns the usual spelling of a corpus; other names of domains stay as they are.

    >>> display("emodb"), display("calls")
    ('Emo-DB', 'calls')
    """
    return READERS[domain].CORPUS.display if domain in READERS else domain


__all__ = [
    "READERS",
    "Corpus",
    "Found",
    "Option",
    "Reader",
    "corpora",
    "display",
    "language_name",
]
