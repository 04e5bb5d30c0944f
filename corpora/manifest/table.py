"""Strict CSV tables: rows that know where they stand, and errors that say so."""

import csv
import dataclasses
import io
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from schemas import files
from schemas.errors import UserError
from schemas.splits import NUM_FOLDS


@dataclasses.dataclass(frozen=True, kw_only=True)
class Row:
    """One row of a CSV, with where it stands, for messages."""

    file: Path
    line: int
    values: dict[str, str]

    def get(self, column: str) -> str:
        """Returns the column's text without surrounding spaces; empty if there is none."""
        return (self.values.get(column) or "").strip()

    def require(self, column: str) -> str:
        """Returns the column's text.

        Raises:
          UserError: It is empty.
        """
        if value := self.get(column):
            return value
        raise self.error(f"`{column}` is empty; every row needs one")

    def one_of(self, column: str, allowed: tuple[str, ...]) -> str:
        """Returns the column's text in lower case.

        Raises:
          UserError: It is not among `allowed`.
        """
        value = self.get(column).lower()
        if value in allowed:
            return value
        names = ", ".join(name or "empty" for name in allowed)
        raise self.error(f"{column} `{self.get(column)}` does not exist; allowed: {names}")

    def number(self, column: str, *, default: float | None, least: float = 0) -> float | None:
        """Returns the column as a number, `default` if it is empty.

        Raises:
          UserError: It is no number, or smaller than `least`.
        """
        text = self.get(column)
        if not text:
            return default
        try:
            value = float(text)
        except ValueError:
            raise self.error(f"`{column}` must be a number, not `{text}`") from None
        if not least <= value < float("inf"):
            raise self.error(f"`{column}` must be at least {least:g}, not {text}")
        return value

    def whole_number(self, column: str, *, default: int, least: int = 0) -> int:
        """Returns the column as a whole number; otherwise as `number`."""
        value = self.number(column, default=default, least=least)
        assert value is not None
        if value != int(value):
            raise self.error(f"`{column}` must be a whole number, not `{self.get(column)}`")
        return int(value)

    def fold(self, column: str) -> int:
        """Returns the fold, -1 if it is not assigned."""
        value = self.whole_number(column, default=-1, least=-1)
        if value >= NUM_FOLDS:
            raise self.error(f"`{column}` must be 0 to {NUM_FOLDS - 1}, or -1, not {value}")
        return value

    def resolved_path(self) -> Path:
        """Returns the recording's absolute path; a relative one is relative to the CSV."""
        return Path(os.path.abspath(self.file.parent / self.require("path")))

    def error(self, message: str) -> UserError:
        """Returns the error `message` with the file and the line before it."""
        return UserError(f"{self.file}, line {self.line}: {message}")


def rows(path: str | os.PathLike[str], *, required: tuple[str, ...]) -> Iterator[Row]:
    """Yields the rows of a CSV that has at least the `required` columns.

    Raises:
      UserError: There is no such file, it is not UTF-8 text, or it lacks a column.
    """
    path = Path(path)
    try:
        # "utf-8-sig": spreadsheets put a byte-order mark in front of the first column's name.
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; `ser corpora index --out` writes one") from None
    except IsADirectoryError:
        raise UserError(f"{path}: is a folder, a CSV file is needed") from None
    except UnicodeDecodeError:
        raise UserError(f"{path}: is not a CSV file in UTF-8") from None
    if "\0" in text:
        raise UserError(f"{path}: is not a CSV file, but binary")
    reader = csv.DictReader(io.StringIO(text, newline=""))
    columns = [name.strip() for name in reader.fieldnames or ()]
    if lacking := [name for name in required if name not in columns]:
        raise UserError(
            f"{path}: has no column {', '.join(lacking)}; the first line must name the columns,"
            f" separated by commas, at least {', '.join(required)}; it reads"
            f" `{text.partition(chr(10))[0][:100]}`"
        )
    reader.fieldnames = columns
    for values in reader:
        row = Row(file=path, line=reader.line_num, values=values)
        if None in values:
            raise row.error(f"has more values than the {len(columns)} columns; quote commas")
        yield row


def write_rows(
    records: Iterable[Mapping[str, object]], columns: tuple[str, ...], path: str | os.PathLike[str]
) -> None:
    """Writes a CSV, replacing `path` at once: nobody ever reads half of it."""
    with files.replacing(path) as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(records)
