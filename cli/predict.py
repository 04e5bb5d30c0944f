"""`ser predict`: the emotion in recordings, from a served model."""

import argparse
import collections
import contextlib
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from schemas.places import place

if TYPE_CHECKING:
    from serving.client.client import Client, Prediction

# Where `ser run` pushes to by default; the first is for folders that several runs share.
DEFAULT_ROOTS = (Path("out", "serving"), Path("out", "release", "serving"))
# Of a CSV; the model's labels come after the first two.
COLUMNS = ("file", "emotion", "duration_s", "heard_s", "time_ms", "model", "version", "error")


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """Adds the subcommand's parser."""
    from schemas.signatures import MULTI_DOMAIN

    parser = subparsers.add_parser(
        "predict",
        help="recognise the emotion in recordings with a served model",
        description="Asks a served model for the emotion in each recording. A network hears the "
        "first seconds of a recording, after silence (3.375 s with the front end waveform, 10 s "
        "with whisper): cut longer ones into utterances. The exit status is 1 if some of them "
        "could not be answered.",
    )
    parser.add_argument(
        "files",
        nargs="+",
        type=Path,
        metavar="FILE",
        help="recordings (wav, flac, mp3, ogg, aiff, videos with sound), or folders of them",
    )
    parser.add_argument(
        "--model",
        default=MULTI_DOMAIN,
        help=f"name of the served model, for example emodb (default: {MULTI_DOMAIN})",
    )
    parser.add_argument(
        "--speaker",
        type=Path,
        metavar="FILE",
        help="who speaks: a file of `ser enrol`, for a model for known speakers",
    )
    add_server_arguments(parser)
    output = parser.add_mutually_exclusive_group()
    output.add_argument("--json", action="store_true", help="print one JSON array")
    output.add_argument("--csv", action="store_true", help="print CSV")
    return parser


def add_root_argument(parser: argparse.ArgumentParser) -> None:
    """Adds the option that names the serving folder; see `default_root`."""
    parser.add_argument(
        "--root",
        type=place,
        metavar="DIR",
        help="serving folder with <model>/<version>/ (default: out/serving or out/release/serving)",
    )


def add_server_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options that tell which server to ask."""
    server = parser.add_mutually_exclusive_group()
    server.add_argument("--address", metavar="HOST:PORT", help="gRPC address of a TF Serving")
    server.add_argument(
        "--root",
        type=place,
        metavar="DIR",
        help="serving folder; starts the embedded server for this call "
        "(default: out/serving or out/release/serving)",
    )
    parser.add_argument(
        "--timeout",
        type=float,
        default=30.0,
        metavar="SECONDS",
        help="how long to wait for one answer (default: 30)",
    )


@contextlib.contextmanager
def client_of(args: argparse.Namespace, *, speakers: bool = False) -> "Iterator[Client]":
    """Yields a client of the server that the options name, which has their model.

    Args:
      args: The options.
      speakers: Whether the model has to be one for known speakers.

    Raises UserError if there is no such server or no such model.
    """
    from schemas.errors import UserError
    from serving.client.client import Client

    if args.timeout <= 0:
        raise UserError(f"--timeout {args.timeout:g}: must be more than 0 seconds")
    with contextlib.ExitStack() as stack:
        address = args.address
        if not address:
            root = args.root or default_root()
            address = stack.enter_context(_embedded_server(root, args.model))
        client = stack.enter_context(Client(address, timeout_s=args.timeout))
        client.check(args.model, speakers=speakers)
        yield client


def run(args: argparse.Namespace) -> int:
    """Predicts each file: 0 if all were answered, 1 if some could not be.

    Raises UserError if none can be: no server, no such model.
    """
    from cli.progress import track
    from schemas.errors import UserError
    from serving.client.enrolment import Enrolment
    from serving.client.errors import PredictionError

    speaker = Enrolment.read(args.speaker) if args.speaker else None
    rows = []
    with client_of(args, speakers=speaker is not None) as client:
        files, left_out = expand(args.files)
        for path in track(files, description=f"Asking {args.model}"):
            try:
                if path.is_dir():
                    raise PredictionError(path, "no audio files in this folder")
                found = client.predict_file(path, model=args.model, speaker=speaker)
                rows.append(_answered(path, found))
            except (PredictionError, UserError) as error:
                reason = getattr(error, "reason", str(error))
                rows.append({"file": str(path), "error": reason})
    _print(rows, args)
    tell_left_out(left_out)
    _tell_partly_heard(rows)
    failed = [row for row in rows if "error" in row]
    for row in failed:
        print(f"error: {row['file']}: {row['error']}", file=sys.stderr)
    return 1 if failed else 0


def default_root() -> Path:
    """Returns the serving folder of this working folder.

    Raises UserError, naming the folders that might be meant, if there is none.
    """
    from schemas.errors import UserError

    for root in DEFAULT_ROOTS:
        if root.is_dir():
            return root
    others = sorted(str(path) for path in Path("out").glob("*/serving") if path.is_dir())
    hint = f"; did you mean --root {' or --root '.join(others)}?" if others else ""
    raise UserError(
        f"{DEFAULT_ROOTS[0]}: no serving folder there; name one with --root DIR (`ser run` makes "
        f"it), or a running server with --address HOST:PORT{hint}"
    )


@contextlib.contextmanager
def _embedded_server(root: Path, model: str) -> Iterator[str]:
    """Yields the address of a server over `root`, which must have `model`."""
    from rich.console import Console

    from schemas.errors import UserError
    from serving.embedded.errors import ServingError
    from serving.embedded.server import Server
    from serving.embedded.versions import find_versions

    if root.is_dir():
        models = find_versions(root)
        if model not in models:
            there = f"there are: {', '.join(models)}" if models else "there is none yet"
            raise UserError(f"{model}: no such model in {root}; {there} (--model)")
    # Only the model that is asked for gets loaded, and nobody waits for newer versions.
    server = Server(root, preload=False, poll_s=None)
    try:
        with Console(stderr=True).status(f"Loading {root / model}"):
            server.start()
            try:
                server.store.get(model, None)
            except ServingError as error:
                reasons = "; ".join(server.store.failures().values()) or str(error)
                raise UserError(f"{root / model}: cannot be loaded: {reasons}") from None
        yield server.address
    finally:
        server.stop()


def expand(paths: Iterable[Path]) -> tuple[list[Path], dict[str, int]]:
    """Returns the files to ask about, and how many in folders are left out for which reason.

    Of a folder these are the recordings below it, found as indexing finds them; the folder itself
    if it has none.
    """
    from schemas.recordings import no_recording, not_regular, walk

    files: list[Path] = []
    left_out: collections.Counter[str] = collections.Counter()
    for path in paths:
        if not path.is_dir():
            files.append(path)
            continue
        closed: list[OSError] = []
        found = []
        for file in walk(path, onerror=closed.append):
            if reason := no_recording(file) or not_regular(file):
                left_out[reason] += 1
            else:
                found.append(file)
        left_out.update(f"folder cannot be opened: {error.strerror}" for error in closed)
        files += found or [path]
    return files, dict(left_out)


def tell_left_out(left_out: Mapping[str, int]) -> None:
    """Prints what `expand` left out."""
    if left_out:
        told = "; ".join(f"{count:,}: {reason}" for reason, count in sorted(left_out.items()))
        print(f"left out of the folders: {told}", file=sys.stderr)


def _tell_partly_heard(rows: list[dict[str, Any]]) -> None:
    partly = [row for row in rows if "error" not in row and row["heard_s"] < row["duration_s"]]
    if partly:
        longest = max(partly, key=lambda row: row["duration_s"])
        print(
            f"note: {len(partly)} of {len(rows)} recordings are longer than what the model hears:"
            f" the answer is of their first {longest['heard_s']:.3g} s (the longest,"
            f" {longest['file']}, has {longest['duration_s']:.1f} s)",
            file=sys.stderr,
        )


def _answered(path: Path, prediction: "Prediction") -> dict[str, Any]:
    return {
        "file": str(path),
        "emotion": prediction.emotion,
        "probabilities": prediction.probabilities,
        "duration_s": round(prediction.duration_s, 3),
        "heard_s": round(prediction.heard_s, 3),
        "time_ms": round(1000 * prediction.elapsed_s, 1),
        "model": prediction.model,
        "version": prediction.version,
    }


def _print(rows: list[dict[str, Any]], args: argparse.Namespace) -> None:
    if args.json:
        import json

        print(json.dumps(rows, indent=2, ensure_ascii=False))
    elif args.csv:
        _print_csv(rows)
    elif any("error" not in row for row in rows):
        _print_table(rows, title=args.model)


def _labels(rows: list[dict[str, Any]]) -> list[str]:
    """Returns the labels of the models that answered, in the order of their outputs."""
    return list(dict.fromkeys(label for row in rows for label in row.get("probabilities", {})))


def _print_csv(rows: list[dict[str, Any]]) -> None:
    import csv

    # A team's own label may have the name of another column.
    column = {label: f"label {label}" if label in COLUMNS else label for label in _labels(rows)}
    columns = [*COLUMNS[:2], *column.values(), *COLUMNS[2:]]
    writer = csv.DictWriter(sys.stdout, columns, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    for row in rows:
        shares = {column[label]: share for label, share in row.get("probabilities", {}).items()}
        writer.writerow({**row, **shares})


def _print_table(rows: list[dict[str, Any]], *, title: str) -> None:
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
