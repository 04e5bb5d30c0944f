"""What became of every file that an index met: `speech.account.csv` beside `speech.csv`."""

import dataclasses
import os
from collections.abc import Iterable
from pathlib import Path

from schemas import table
from schemas.places import place


@dataclasses.dataclass(frozen=True, kw_only=True)
class Entry:
    """What became of one file that a reader met. `status` is used, skipped or unreadable."""

    path: str
    domain: str
    status: str
    reason: str = ""


COLUMNS: tuple[str, ...] = tuple(field.name for field in dataclasses.fields(Entry))


def account_path(path: str | os.PathLike[str]) -> Path:
    """Returns where the account of the manifest at `path` lies: beside it, `.account.csv`."""
    return place(path).with_suffix(".account.csv")


def write_account(account: Iterable[Entry], path: str | os.PathLike[str]) -> None:
    """Writes what became of every file that was met, as CSV (path, domain, status, reason)."""
    table.write_rows((dataclasses.asdict(entry) for entry in account), COLUMNS, path)


def read_account(path: str | os.PathLike[str]) -> list[Entry]:
    """Returns what `write_account` wrote.

    Raises:
      UserError: The file is not there or is not an account.
    """
    return [
        Entry(**{name: row.values[name] for name in COLUMNS})
        for row in table.rows(path, required=COLUMNS)
    ]
