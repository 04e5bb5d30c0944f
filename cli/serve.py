"""`ser serve`: the embedded server over a serving folder, until Ctrl-C."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli import servers

if TYPE_CHECKING:
    from serving.embedded.server import Server


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """Adds the subcommand's parser."""
    from schemas.signatures import GRPC_PORT, REST_PORT
    from serving.embedded.server import BATCH

    parser = subparsers.add_parser(
        "serve",
        help="answer gRPC from a serving folder with the embedded server",
        description="Runs the embedded server: TF Serving's gRPC interface, for one machine. New "
        "versions are picked up as they are pushed. In production, point TF Serving itself at the "
        "same folder.",
    )
    servers.add_root_argument(parser)
    parser.add_argument(
        "--model-config-file",
        "--model_config_file",
        type=Path,
        metavar="FILE",
        help="TF Serving's models.config, as `ser serving config` writes it: models, versions and"
        " labels; without it the newest version of each model is served",
    )
    parser.add_argument(
        "--port", type=port, default=GRPC_PORT, help=f"gRPC port (default: {GRPC_PORT})"
    )
    parser.add_argument(
        "--rest-api-port",
        "--rest_api_port",
        type=port,
        metavar="PORT",
        help=f"port of the REST interface and of Prometheus' metrics (TF Serving's is {REST_PORT};"
        " none by default)",
    )
    parser.add_argument(
        "--grpc-socket-path",
        "--grpc_socket_path",
        type=Path,
        metavar="FILE",
        help="Unix socket that gRPC is answered on too",
    )
    parser.add_argument(
        "--ssl-config-file",
        "--ssl_config_file",
        type=Path,
        metavar="FILE",
        help="TF Serving's tls.config, as `ser serving config --tls-key` writes it: both ports are"
        " encrypted, and clients may have to show a certificate",
    )
    parser.add_argument(
        "--max-batch-size",
        type=servers.positive,
        default=BATCH,
        metavar="REQUESTS",
        help=f"most waiting requests that are answered together (default: {BATCH}; 1: none)",
    )
    parser.add_argument(
        "--tensorflow-intra-op-parallelism",
        "--tensorflow_intra_op_parallelism",
        type=servers.positive,
        default=1,
        metavar="THREADS",
        help="threads of one operation of a model (default: 1, which answers most requests;"
        " more answer a long recording sooner)",
    )
    parser.add_argument(
        "--request-log",
        type=Path,
        metavar="FOLDER",
        help="keep a share of the requests there, sound and answers, as TF Serving's PredictionLog",
    )
    parser.add_argument(
        "--request-log-rate",
        type=float,
        default=0.01,
        metavar="SHARE",
        help="share of the requests that are kept (default: 0.01)",
    )
    parser.add_argument(
        "--request-log-limit-mb",
        type=servers.positive,
        default=1024,
        metavar="MB",
        help="size of the folder from which on nothing more is kept (default: 1024)",
    )
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        help="address to listen on (default: 127.0.0.1, this machine only)",
    )
    parser.add_argument(
        "--poll",
        type=float,
        default=2.0,
        metavar="SECONDS",
        help="time between two looks for new versions (default: 2)",
    )
    parser.add_argument(
        "--grace",
        type=float,
        default=10.0,
        metavar="SECONDS",
        help="time that requests in flight have when the server is stopped (default: 10)",
    )
    return parser


def run(args: argparse.Namespace) -> int:
    """Serves what the options tell; see `until_stopped`."""
    import logging

    from schemas.errors import UserError
    from serving.embedded.request_log import RequestLog
    from serving.embedded.server import Server

    if args.poll <= 0:
        raise UserError(f"--poll {args.poll:g}: must be more than 0 seconds")
    if args.grace < 0:
        raise UserError(f"--grace {args.grace:g}: must not be less than 0 seconds")
    if not 0 < args.request_log_rate <= 1:
        raise UserError(f"--request-log-rate {args.request_log_rate:g}: must be within 0 and 1")
    log = None
    if args.request_log is not None:
        limit_bytes = args.request_log_limit_mb * 2**20
        log = RequestLog(args.request_log, rate=args.request_log_rate, limit_bytes=limit_bytes)
    logging.basicConfig(format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    logging.getLogger("serving").setLevel(logging.INFO)
    server = Server(
        args.root or servers.default_root(),
        config=args.model_config_file,
        port=args.port,
        rest_port=args.rest_api_port,
        host=args.host,
        socket=args.grpc_socket_path,
        tls=args.ssl_config_file,
        batch=args.max_batch_size,
        log=log,
        poll_s=args.poll,
        grace_s=args.grace,
    )
    threads = args.tensorflow_intra_op_parallelism
    return until_stopped(server, threads=threads, ready=_print_models)


def until_stopped(server: "Server", *, threads: int = 1, ready: Callable[["Server"], None]) -> int:
    """Serves until Ctrl-C or SIGTERM, then finishes the requests in flight; 0.

    Args:
      server: The server, which this starts and stops.
      threads: Number of threads of one operation of a model.
      ready: Called when models are loaded and answered for.
    """
    import signal

    from rich.console import Console

    from serving.embedded import settling

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with Console(stderr=True).status(f"Loading the models in {server.root}"):
            settling.settle(threads=threads)
            server.start()
        ready(server)
        server.wait()
    except KeyboardInterrupt:
        print("stopping: requests in flight are finished", flush=True)
    finally:
        server.stop()
    return 0


def port(text: str) -> int:
    """Returns a port, from the command line."""
    port = int(text)
    if not 0 <= port <= 65535:
        raise argparse.ArgumentTypeError(f"{text}: a port is within 0 and 65535")
    return port


def _print_models(server: "Server") -> None:
    models = server.store.loaded()
    for name, versions in models.items():
        print(f"{name}: version {', '.join(map(str, versions))}")
    for (name, version), reason in server.store.failures().items():
        print(f"{name}: version {version} cannot be loaded: {reason}")
    if not models:
        print(f"no model in {server.root} yet; the first one pushed there will be served")
    rest = f", {server.host}:{server.rest_port} (REST)" if server.rest_port is not None else ""
    print(f"listening on {server.address} (gRPC){rest}; Ctrl-C stops", flush=True)
