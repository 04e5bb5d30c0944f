"""Answers of models as tables, CSV, JSON and Parquet."""

import sys
from pathlib import Path
from typing import IO, Any

from schemas.errors import UserError

Row = dict[str, Any]

# Of a CSV; between them stand the model's labels. The first are there where a row has them.
WHICH = ("utterance_id", "channel", "start_s", "end_s")
COLUMNS = (
    *("unsure", "duration_s", "heard_s", "windows", "window_s", "time_ms"),
    *("model", "version", "error"),
)
FORMATS = (".csv", ".jsonl", ".parquet")


def show(rows: list[Row], *, json: bool, csv: bool, title: str) -> None:
    """Prints answers, as a table unless another form is asked for."""
    if json:
        import json as encoder

        print(encoder.dumps(rows, indent=2, ensure_ascii=False))
    elif csv:
        _write_csv(rows, sys.stdout)
    elif any("error" not in row for row in rows):
        _print_table(rows, title=title)


def check_path(path: Path) -> None:
    """Checks, before anything is asked, that answers can be written to a file.

    Raises:
      UserError: Its name ends in no known format, or its folder is not there.
    """
    if path.suffix.lower() not in FORMATS:
        raise UserError(f"--out {path}: its name has to end in {', '.join(FORMATS)}")
    if not path.absolute().parent.is_dir():
        raise UserError(f"--out {path}: there is no folder {path.absolute().parent}; make it")


def write(rows: list[Row], path: Path) -> None:
    """Writes answers to a file, whole or not at all, in the format that its name ends in."""
    from schemas import files

    kind = path.suffix.lower()
    if kind == ".parquet":
        import pyarrow
        from pyarrow import parquet

        columns, flat = _flat(rows)
        table = pyarrow.table({name: [row.get(name) for row in flat] for name in columns})
        with files.replacing(path, binary=True) as file:
            parquet.write_table(table, file)
        return
    with files.replacing(path) as file:
        if kind == ".csv":
            _write_csv(rows, file)
            return
        import json

        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _labels(rows: list[Row]) -> list[str]:
    """Returns the labels of the models that answered, in the order of their outputs."""
    return list(dict.fromkeys(label for row in rows for label in row.get("probabilities", {})))


def _write_csv(rows: list[Row], file: IO[str]) -> None:
    import csv

    columns, flat = _flat(rows)
    writer = csv.DictWriter(file, columns, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(flat)


def _flat(rows: list[Row]) -> tuple[list[str], list[Row]]:
    """Returns the columns of a table, and its rows, with one column for each label."""
    there = {name for row in rows for name in row}
    front = ["file", *(name for name in WHICH if name in there), "emotion"]
    # Windows of a timeline have fewer columns than recordings; an error may always come.
    back = [name for name in COLUMNS if name in there or name == "error" or not _of_windows(rows)]
    taken = {"file", "emotion", *WHICH, *COLUMNS}
    # A team's own label may have the name of another column.
    column = {label: f"label {label}" if label in taken else label for label in _labels(rows)}
    shares = (
        {column[label]: share for label, share in row.get("probabilities", {}).items()}
        for row in rows
    )
    columns = [*front, *column.values(), *back]
    return columns, [{**row, **own} for row, own in zip(rows, shares, strict=True)]


def _of_windows(rows: list[Row]) -> bool:
    return any("start_s" in row and "emotion" in row and "duration_s" not in row for row in rows)


def _print_table(rows: list[Row], *, title: str) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    labels = _labels(rows)
    shown = [name for name in WHICH if any(name in row for row in rows)]
    timed = any("time_ms" in row for row in rows)
    doubted = any(row.get("unsure") for row in rows)
    versions = sorted({row["version"] for row in rows if "version" in row})
    table = Table(title=f"{title}, version {', '.join(map(str, versions))}")
    table.add_column("file", overflow="fold")
    for name in shown:
        table.add_column(name.removesuffix("_s"), overflow="fold")
    table.add_column("emotion")
    for label in labels:
        table.add_column(Text(label), justify="right", no_wrap=True)
    if doubted:
        table.add_column("unsure", no_wrap=True)
    if timed:
        table.add_column("ms", justify="right", no_wrap=True)
    for row in rows:
        begin = [Text(row["file"]), *(Text(_short(row.get(name))) for name in shown)]
        if "error" in row:
            table.add_row(*begin, Text("error", style="red"))
            continue
        cells: list[Any] = [_cell(row["probabilities"], label, row["emotion"]) for label in labels]
        if doubted:
            cells.append(Text(row.get("unsure", ""), style="yellow"))
        if timed:
            cells.append(f"{row['time_ms']:.0f}")
        table.add_row(*begin, Text(row["emotion"], style="bold"), *cells)
    console = Console()
    if not console.is_terminal:
        # Piped, a table of 80 columns would break the names of files.
        console = Console(width=max(80, 140 + max(len(row["file"]) for row in rows)))
    console.print(table)


def _short(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:g}" if isinstance(value, float) else str(value)


def _cell(probabilities: dict[str, float], label: str, best: str) -> str:
    """Returns one probability as printed; a label that the model or domain lacks is a dash."""
    probability = probabilities.get(label, 0.0)
    if probability == 0.0:
        return "–"
    return f"[bold]{probability:.2f}[/bold]" if label == best else f"{probability:.2f}"
