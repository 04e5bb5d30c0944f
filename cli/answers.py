"""Answers of models as tables, CSV, JSON and Parquet."""

import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from schemas.errors import UserError

if TYPE_CHECKING:
    from serving.client.client import Prediction

Row = dict[str, Any]

# Of a CSV; the model's labels come after the first two.
COLUMNS = ("file", "emotion", "duration_s", "heard_s", "time_ms", "model", "version", "error")
FORMATS = (".csv", ".jsonl", ".parquet")


def answered(name: str, prediction: "Prediction") -> Row:
    """Returns an answer as a row."""
    return {
        "file": name,
        "emotion": prediction.emotion,
        "probabilities": prediction.probabilities,
        "duration_s": round(prediction.duration_s, 3),
        "heard_s": round(prediction.heard_s, 3),
        "time_ms": round(1000 * prediction.elapsed_s, 1),
        "model": prediction.model,
        "version": prediction.version,
    }


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
    # A team's own label may have the name of another column.
    column = {label: f"label {label}" if label in COLUMNS else label for label in _labels(rows)}
    columns = [*COLUMNS[:2], *column.values(), *COLUMNS[2:]]
    shares = (
        {column[label]: share for label, share in row.get("probabilities", {}).items()}
        for row in rows
    )
    return columns, [{**row, **own} for row, own in zip(rows, shares, strict=True)]


def _print_table(rows: list[Row], *, title: str) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    labels = _labels(rows)
    versions = sorted({row["version"] for row in rows if "version" in row})
    table = Table(title=f"{title}, version {', '.join(map(str, versions))}")
    table.add_column("file", overflow="fold")
    table.add_column("emotion")
    for label in labels:
        table.add_column(Text(label), justify="right", no_wrap=True)
    table.add_column("ms", justify="right", no_wrap=True)
    for row in rows:
        if "error" in row:
            table.add_row(Text(row["file"]), Text("error", style="red"))
            continue
        cells = [_cell(row["probabilities"], label, row["emotion"]) for label in labels]
        table.add_row(
            Text(row["file"]), Text(row["emotion"], style="bold"), *cells, f"{row['time_ms']:.0f}"
        )
    console = Console()
    if not console.is_terminal:
        # Piped, a table of 80 columns would break the names of files.
        console = Console(width=max(80, 100 + max(len(row["file"]) for row in rows)))
    console.print(table)


def _cell(probabilities: dict[str, float], label: str, best: str) -> str:
    """Returns one probability as printed; a label that the model or domain lacks is a dash."""
    probability = probabilities.get(label, 0.0)
    if probability == 0.0:
        return "–"
    return f"[bold]{probability:.2f}[/bold]" if label == best else f"{probability:.2f}"
