"""`ser predict --bulk`: many recordings through Beam."""

import argparse
import contextlib
import logging
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from serving.client.client import Client
    from serving.client.enrolment import Enrolment
    from serving.client.question import Question, Refused


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options."""
    from cli.servers import positive

    options = parser.add_argument_group(
        "many recordings", "through Beam, in shards; the same command continues where it stopped"
    )
    options.add_argument(
        "--bulk",
        type=Path,
        metavar="DIR|FILE.csv",
        help="a folder or a manifest; with --out, beside which FILE.parts keeps what is done",
    )
    options.add_argument(
        "--workers",
        type=positive,
        metavar="N",
        help="worker processes (default: the configuration's, or 1)",
    )
    options.add_argument(
        "--config",
        type=Path,
        metavar="FILE.yaml",
        help="a release's configuration, whose section beam names engine and workers; engines of"
        " other machines need --address, and recordings and --out where all of them see the same",
    )


def check(args: argparse.Namespace) -> None:
    """Checks options against each other. Raises UserError."""
    from schemas.errors import UserError

    if args.bulk is None:
        if args.workers is not None or args.config is not None:
            raise UserError("--workers and --config go with --bulk")
        return
    if args.out is None:
        raise UserError(f"--bulk {args.bulk}: name the file of answers with --out FILE.parquet")
    if args.files or args.manifest or args.microphone is not None or args.timeline:
        raise UserError(
            f"--bulk {args.bulk}: goes without other recordings, --microphone and --timeline"
        )


def answer(
    args: argparse.Namespace,
    asked: "list[Question | Refused]",
    client: "Client",
    speaker: "Enrolment | None",
) -> list[dict[str, Any]]:
    """Returns the rows of all recordings, in their order; `forget` removes what they came from."""
    from cli.servers import tls_of
    from serving.client import bulk

    bulk.check(asked)
    if not args.debug:
        logging.getLogger("apache_beam").setLevel(logging.ERROR)
    flags = _flags(args)
    server = bulk.Server(
        address=client.address,
        model=args.model,
        version=client.check(args.model),
        timeout_s=args.timeout_s,
        tls=tls_of(args),
        speaker=speaker,
        parallel=args.parallel,
    )
    return bulk.answer(asked, server, folder=parts(args), flags=flags, watch=_watch)


def forget(args: argparse.Namespace) -> None:
    """Removes the shards."""
    from serving.client import bulk

    bulk.forget(parts(args))


def parts(args: argparse.Namespace) -> Path:
    """Returns the folder of the shards."""
    out: Path = args.out
    return out.with_name(f"{out.name}.parts")


def _flags(args: argparse.Namespace) -> list[str]:
    """Returns Beam's flags. Raises UserError if the engine cannot reach what it needs."""
    from pipeline.config import reading
    from pipeline.config.beam import Beam
    from schemas.errors import UserError

    beam = reading.load(args.config).beam if args.config else Beam()
    if args.workers is not None:
        beam = beam.model_copy(update={"workers": args.workers})
    if not beam.is_local and not args.address:
        raise UserError(
            f"{args.config}: workers of beam.engine {beam.engine} cannot ask a server that is"
            " started for this call: give --address HOST:PORT"
        )
    return beam.flags()


@contextlib.contextmanager
def _watch(total: int, done: Callable[[], int]) -> Iterator[None]:
    """Shows how many shards are done."""
    from rich.console import Console
    from rich.progress import Progress

    over = threading.Event()
    with Progress(console=Console(stderr=True)) as progress:
        task = progress.add_task("Asking, in shards", total=total)

        def look() -> None:
            while not over.wait(0.5):
                progress.update(task, completed=done())

        looking = threading.Thread(target=look, daemon=True)
        looking.start()
        try:
            yield
        finally:
            over.set()
            looking.join()
            progress.update(task, completed=done())
