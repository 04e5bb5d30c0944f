"""The registry of corpora. Adding one: a file in this folder, and a line below."""

from corpora.readers import (
    afew,
    audformat_db,
    cremad,
    csv_file,
    emodb,
    emovo,
    enterface,
    iemocap,
    ravdess,
    rml,
    savee,
    tess,
    urdu,
)
from corpora.readers.base import Found, Option, Reader

READERS: dict[str, Reader] = {
    "afew": afew,
    "emodb": emodb,
    "emovo": emovo,
    "enterface": enterface,
    "iemocap": iemocap,
    "rml": rml,
    "cremad": cremad,
    "ravdess": ravdess,
    "savee": savee,
    "tess": tess,
    "urdu": urdu,
    "csv": csv_file,
    "audformat": audformat_db,
}

__all__ = ["READERS", "Found", "Option", "Reader"]
