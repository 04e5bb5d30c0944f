"""The registry of corpora. Adding one: a file in this folder, and a line below."""

from corpora.readers import csv_file, emodb, emovo, ravdess, urdu
from corpora.readers.base import Found, Option, Reader

READERS: dict[str, Reader] = {
    "csv": csv_file,
    "emodb": emodb,
    "emovo": emovo,
    "ravdess": ravdess,
    "urdu": urdu,
}

__all__ = ["READERS", "Found", "Option", "Reader"]
