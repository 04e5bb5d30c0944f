"""`ser predict`: the emotion in recordings, from a served model."""

import argparse
import collections
import contextlib
import functools
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from schemas.places import place

if TYPE_CHECKING:
    from serving.client.client import Client
    from serving.client.enrolment import Enrolment

# Where `ser run` pushes to by default; the first is for folders that several runs share.
DEFAULT_ROOTS = (Path("out", "serving"), Path("out", "release", "serving"))
# Stands for the sound that another program writes to this one.
STANDARD_INPUT = "-"


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
        help="recordings (wav, flac, mp3, ogg, aiff, videos with sound), or folders of them; - is"
        " one recording from standard input",
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
    output.add_argument(
        "--out",
        type=Path,
        metavar="FILE",
        help="write the answers to a file, as .csv, .jsonl or .parquet, and print none",
    )
    parser.add_argument(
        "--parallel",
        type=positive,
        default=4,
        metavar="FILES",
        help="how many recordings are asked about at once (default: 4)",
    )
    return parser


def positive(text: str) -> int:
    """Returns a whole number of at least 1; a type of arguments."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text}: must be at least 1")
    return number


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
    for option, what in (
        ("--tls-ca", "certificates, PEM, of who signs the server's: the connection is encrypted"),
        ("--tls-cert", "this client's certificate, PEM, where the server wants one"),
        ("--tls-key", "its private key, PEM"),
    ):
        parser.add_argument(option, type=Path, metavar="FILE", help=what)
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
    from serving.client.tls import Tls

    if args.timeout <= 0:
        raise UserError(f"--timeout {args.timeout:g}: must be more than 0 seconds")
    tls = None
    if args.tls_ca or args.tls_cert or args.tls_key:
        if not args.address:
            raise UserError("--tls-ca, --tls-cert and --tls-key go with --address")
        tls = Tls.read(args.tls_ca, args.tls_cert, args.tls_key)
    with contextlib.ExitStack() as stack:
        address = args.address
        if not address:
            root = args.root or default_root()
            address = stack.enter_context(_embedded_server(root, args.model))
        client = stack.enter_context(Client(address, timeout_s=args.timeout, tls=tls))
        client.check(args.model, speakers=speakers)
        yield client


def run(args: argparse.Namespace) -> int:
    """Predicts each file: 0 if all were answered, 1 if some could not be.

    Raises UserError if none can be: no server, no such model.
    """
    from concurrent import futures

    from cli import answers
    from cli.progress import track
    from serving.client.enrolment import Enrolment

    if args.out is not None:
        answers.check_path(args.out)
    speaker = Enrolment.read(args.speaker) if args.speaker else None
    with client_of(args, speakers=speaker is not None) as client:
        files, left_out = expand(args.files)
        ask = functools.partial(_row, client, model=args.model, speaker=speaker)
        with futures.ThreadPoolExecutor(args.parallel) as pool:
            asked = [pool.submit(ask, path) for path in files]
            try:
                rows = [each.result() for each in track(asked, description=f"Asking {args.model}")]
            except BaseException:
                # Without this, all that waits would still be asked.
                pool.shutdown(wait=False, cancel_futures=True)
                raise
    if args.out is not None:
        answers.write(rows, args.out)
    else:
        answers.show(rows, json=args.json, csv=args.csv, title=args.model)
    tell_left_out(left_out)
    _tell_partly_heard(rows)
    failed = [row for row in rows if "error" in row]
    for row in failed:
        print(f"error: {row['file']}: {row['error']}", file=sys.stderr)
    if args.out is not None:
        print(f"{args.out}: {len(rows) - len(failed):,} answers", file=sys.stderr)
    return 1 if failed else 0


def _row(
    client: "Client", path: Path, *, model: str, speaker: "Enrolment | None"
) -> dict[str, Any]:
    """Returns what a model says of a recording, or why it says nothing."""
    from cli import answers
    from schemas.errors import UserError
    from serving.client.errors import PredictionError

    try:
        if str(path) == STANDARD_INPUT:
            name = "standard input"
            contents = sys.stdin.buffer.read()
            found = client.predict_contents(contents, name=name, model=model, speaker=speaker)
            return answers.answered(name, found)
        if path.is_dir():
            raise PredictionError(path, "no audio files in this folder")
        found = client.predict_file(path, model=model, speaker=speaker)
        return answers.answered(str(path), found)
    except (PredictionError, UserError) as error:
        return {"file": str(path), "error": getattr(error, "reason", str(error))}


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
