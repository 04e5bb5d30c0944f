"""Strict CSV tables: rows that know where they stand, and errors that say so.

Every CSV that the project reads goes through here. A line that cannot be what its writer meant (a
quotation mark that is never closed, more values than columns) is an error with its place: a lenient
reader would swallow rows without a word.
"""

import csv
import dataclasses
import io
import os
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from schemas import channels, files, recordings, splits
from schemas.columns import Columns
from schemas.errors import UserError
from schemas.places import is_remote, place
from schemas.splits import NUM_FOLDS
from schemas.times import parse_seconds

_LINE_END = re.compile(r"\r\n|\r|\n")
# The first is tried first; Excel writes the others in many countries.
_DELIMITERS = (",", ";", "\t")
_UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Row:
    """One row of a CSV, with where it stands, for messages."""

    file: Path
    line: int
    values: dict[str, str]
    decimal_comma: bool = False

    def get(self, column: str) -> str:
        """Returns the column's text without surrounding spaces; empty if there is none.

        Letters with accents are composed: names that look the same are the same.
        """
        return unicodedata.normalize("NFC", (self.values.get(column) or "").strip())

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
            value = float(text.replace(",", ".") if self.decimal_comma else text)
        except ValueError:
            raise self.error(f"`{column}` must be a number, not `{text}`") from None
        if not least <= value < float("inf"):
            raise self.error(f"`{column}` must be at least {least:g}, not {text}")
        return value

    def seconds(self, column: str) -> float | None:
        """Returns the column, a time, in seconds; `None` if it is empty.

        Raises:
          UserError: It is no time (`schemas.times.parse_seconds`), or negative.
        """
        text = self.get(column)
        if not text or text.lower() == "nat":  # as pandas writes a missing time
            return None
        value = parse_seconds(text, decimal_comma=self.decimal_comma)
        if value is None:
            raise self.error(
                f"`{column}` must be a number of seconds, HH:MM:SS.mmm or a Timedelta like"
                f" `0 days 00:00:01.500`, not `{text}`"
            )
        if not 0 <= value < float("inf"):
            raise self.error(f"`{column}` must be at least 0, not {text}")
        return value

    def channel(self, text: str | None = None) -> str:
        """Returns which channel of its recording the row is.

        Args:
          text: What stands there; that of the column where it is left out.

        Raises:
          UserError: It is none of `schemas.channels`.
        """
        text = self.get("channel").lower() if text is None else text
        value = {"center": channels.CENTRE, "first": channels.FIRST}.get(text, text)
        if channels.is_channel(value):
            return value
        raise self.error(f"`channel` must be {channels.ALLOWED}, not `{text}`")

    def partition(self) -> str:
        """Returns the official part that the row is of: train, dev, test, or none.

        Raises:
          UserError: It is another one.
        """
        text = self.get("partition").lower()
        if not text or text in splits.PARTS:
            return text
        for part, names in splits.PART_NAMES.items():
            if text in names:
                return part
        raise self.error(f"`partition` must be {', '.join(splits.PARTS)} or empty, not `{text}`")

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

    def recording_path(self) -> str:
        """Returns the recording's absolute path; a relative one is relative to the CSV.

        Addresses such as `gs://bucket/a.wav` stay as they are. Names that are there in another
        Unicode form are spelled as there.

        Raises:
          UserError: It is empty.
        """
        stripped = self.require("path")
        if recordings.is_uri(stripped):
            return stripped
        if is_remote(self.file):
            return str(self.file.parent / stripped)
        # A name may end in a space.
        for text in (self.values["path"], stripped):
            path = recordings.existing(os.path.abspath(self.file.parent / text))
            if os.path.lexists(path):
                break
        return path

    def error(self, message: str) -> UserError:
        """Returns the error `message` with the file and the line before it."""
        return UserError(f"{self.file}, line {self.line}: {message}")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Table:
    """A CSV whose header was read.

    Attributes:
      file: Where it lies, for messages.
      columns: Its columns in order, near names resolved (`schemas.columns`); those that are not
        used have their own names.
      renamed: Near name, as it stands there, to the column that it was taken for.
      ignored: Columns that mean nothing here.
    """

    file: Path
    columns: tuple[str, ...]
    renamed: dict[str, str]
    ignored: tuple[str, ...]
    _text: str
    _delimiter: str
    _skipped_lines: int

    def notes(self) -> list[str]:
        """Returns in words which columns were taken for others, and which are not used."""
        notes = [
            f"{self.file}: column {own} is taken for {name}" for own, name in self.renamed.items()
        ]
        if self.ignored:
            notes.append(f"{self.file}: columns not used: {', '.join(self.ignored)}")
        return notes

    def rows(self) -> Iterator[Row]:
        """Yields the rows; those without any value are none.

        Raises:
          UserError: A row is not strict CSV; names the line.
        """
        lines = _LINE_END.split(self._text)
        reader = _records(self.file, self._text, self._delimiter)
        next(reader, None)
        for first, last, values in reader:
            line = first + self._skipped_lines
            row = Row(
                file=self.file,
                line=line,
                values=dict(zip(self.columns, values, strict=False)),
                decimal_comma=self._delimiter == ";",
            )
            if not any(value.strip() for value in values):
                continue
            for inner in lines[first : last - 1]:
                if inner.count(self._delimiter) >= max(len(self.columns) - 1, 1):
                    raise row.error(
                        "a quotation mark that opens here swallows the rows up to line"
                        f" {last + self._skipped_lines}; close it, or double it if it is text"
                    )
            if len(values) > len(self.columns):
                raise row.error(
                    f"has more values than the {len(self.columns)} columns; quote values that hold"
                    f" `{self._delimiter}`"
                )
            yield row


def read(
    path: str | os.PathLike[str], *, required: tuple[str, ...], columns: Columns | None = None
) -> Table:
    """Reads a CSV that has at least the `required` columns.

    Commas separate its values, or semicolons or tabs, whichever the header is in.

    Args:
      path: The file, in UTF-8, or UTF-16 with a byte-order mark.
      required: Columns that it must have.
      columns: All that mean something, with names that are taken for them; if there are none, a
        column has the name that stands there.

    Raises:
      UserError: There is no such file, it is no text, it lacks a column, has one twice, or has one
        whose name is nearly that of a column.
    """
    path = place(path)
    return parse(_text(path), path, required=required, columns=columns)


def parse(
    text: str, file: Path, *, required: tuple[str, ...], columns: Columns | None = None
) -> Table:
    """As `read`, of a text; `file` is where it comes from, for messages."""
    skipped = 0
    delimiters: Sequence[str] = _DELIMITERS
    if told := re.match(r"sep=(.)(\r\n|\r|\n)", text):  # Excel's
        delimiters, text, skipped = [told[1]], text[told.end() :], 1
    headers = {each: _header(file, text, each) for each in delimiters}
    meaning = columns or Columns(dict.fromkeys(required, ()))
    delimiter = max(headers, key=lambda each: meaning.known(headers[each]))
    header = headers[delimiter]
    if lacking := meaning.lacking(header, required):
        raise UserError(
            f"{file}: has no column {', '.join(lacking)}; the first line must name the columns,"
            f" separated by commas, semicolons or tabs, at least {', '.join(required)}; it reads"
            f" `{_LINE_END.split(text, 1)[0][:100]}`"
        )
    try:
        resolved = meaning.resolve(header) if columns else _distinct(header)
    except UserError as error:
        raise UserError(f"{file}, line {1 + skipped}: {error}") from None
    return Table(
        file=file,
        columns=resolved,
        renamed={
            own: name
            for own, name in zip(header, resolved, strict=True)
            if columns and name in columns.names and own.lower() != name
        },
        ignored=tuple(name for name in resolved if columns and name and name not in columns.names),
        _text=text,
        _delimiter=delimiter,
        _skipped_lines=skipped,
    )


def rows(
    path: str | os.PathLike[str], *, required: tuple[str, ...], columns: Columns | None = None
) -> Iterator[Row]:
    """Yields the rows of a CSV; arguments and errors as of `read`."""
    yield from read(path, required=required, columns=columns).rows()


def write_rows(
    records: Iterable[Mapping[str, object]], columns: tuple[str, ...], path: str | os.PathLike[str]
) -> None:
    """Writes a CSV, replacing `path` at once: nobody ever reads half of it."""
    with files.replacing(path) as file:
        file.write(line(columns))
        file.writelines(line([record[name] for name in columns]) for record in records)


def line(values: Iterable[object]) -> str:
    r"""Returns one line of a CSV, with its end.

    Python's writer leaves a carriage return unquoted, where readers end the line.

    >>> line(["a", 1.5, None, "x, y", "b\rc"])
    'a,1.5,,"x, y","b\rc"\n'
    """
    return ",".join(map(_quoted, values)) + "\n"


def _quoted(value: object) -> str:
    text = "" if value is None else str(value)
    if not any(character in text for character in ',"\r\n'):
        return text
    return '"' + text.replace('"', '""') + '"'


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; `ser corpora index --out` writes one") from None
    except IsADirectoryError:
        raise UserError(f"{path}: is a folder, a CSV file is needed") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from None
    encoding = "utf-16" if content[:2] in _UTF_16_MARKS else "utf-8-sig"
    try:
        # "-sig": spreadsheets put a byte-order mark in front of the first column's name.
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        number = 1 + len(_LINE_END.findall(content[: error.start].decode("latin-1")))
        raise UserError(
            f"{path}, line {number}: is not a CSV file in UTF-8; if it is in Latin-1 (Western"
            f" European), `iconv -f LATIN1 -t UTF-8 {path} > NEW.csv` converts it"
        ) from None
    if "\0" in text:
        raise UserError(f"{path}: is not a CSV file, but binary")
    return text


def _header(file: Path, text: str, delimiter: str) -> tuple[str, ...]:
    first = next(_records(file, text, delimiter), None)
    return tuple(name.strip() for name in first[2]) if first else ()


def _distinct(header: tuple[str, ...]) -> tuple[str, ...]:
    """Returns the header. Raises UserError where it has a name twice."""
    if twice := [name for name in header if name and header.count(name) > 1]:
        raise UserError(f"the column {twice[0]} is there twice; keep one of them")
    return header


def _records(file: Path, text: str, delimiter: str) -> Iterator[tuple[int, int, list[str]]]:
    """Yields the records of a CSV with the numbers of their first and last lines.

    Raises:
      UserError: A quotation mark is not closed, or text follows one that closes.
    """
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    first = 1
    try:
        for values in reader:
            if values:
                yield first, reader.line_num, values
            first = reader.line_num + 1
    except csv.Error as error:
        if "field limit" in str(error):
            reason = f"has a value of more than {csv.field_size_limit():,} characters"
        elif "unexpected end" in str(error):
            reason = "a quotation mark that opens here is never closed"
        else:
            reason = f"text follows a closing quotation mark (up to line {reader.line_num})"
        raise UserError(
            f"{file}, line {first}: {reason}; quote a value as a whole, and double the quotation"
            " marks in it"
        ) from None
