"""Which server a command asks: options for it, and a client of it."""

import argparse
import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from schemas.places import place

if TYPE_CHECKING:
    from serving.client.client import Client
    from serving.client.tls import Tls

# Where `ser run` pushes to by default; the first is for folders that several runs share.
DEFAULT_ROOTS = (Path("out", "serving"), Path("out", "release", "serving"))


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
    add_tls_arguments(parser)
    parser.add_argument(
        "--timeout-s",
        "--timeout",
        dest="timeout_s",
        type=float,
        default=30.0,
        metavar="SECONDS",
        help="how long to wait for one answer; a server that is away or busy is asked again until"
        " then (default: 30)",
    )


def add_tls_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options that tell how the connection is encrypted."""
    for option, what in (
        ("--tls-ca", "certificates, PEM, of who signs the server's: the connection is encrypted"),
        ("--tls-cert", "this client's certificate, PEM, where the server wants one"),
        ("--tls-key", "its private key, PEM"),
    ):
        parser.add_argument(option, type=Path, metavar="FILE", help=what)


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

    if args.timeout_s <= 0:
        raise UserError(f"--timeout-s {args.timeout_s:g}: must be more than 0 seconds")
    tls = tls_of(args)
    with contextlib.ExitStack() as stack:
        address = args.address
        if not address:
            root = args.root or default_root()
            address = stack.enter_context(_embedded_server(root, args.model))
        client = stack.enter_context(Client(address, timeout_s=args.timeout_s, tls=tls))
        client.check(args.model, speakers=speakers)
        yield client


def tls_of(args: argparse.Namespace) -> "Tls | None":
    """Returns how the connection is encrypted, as the options tell.

    Raises UserError if they contradict each other, or their files are no PEM.
    """
    from schemas.errors import UserError
    from serving.client.tls import Tls

    if not (args.tls_ca or args.tls_cert or args.tls_key):
        return None
    if not args.address:
        raise UserError("--tls-ca, --tls-cert and --tls-key go with --address")
    return Tls.read(args.tls_ca, args.tls_cert, args.tls_key)


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
    from serving.embedded import settling
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
            settling.settle(soon=True)
            server.start()
            try:
                server.store.get(model, None)
            except ServingError as error:
                reasons = "; ".join(server.store.failures().values()) or str(error)
                raise UserError(f"{root / model}: cannot be loaded: {reasons}") from None
        yield server.address
    finally:
        server.stop()
