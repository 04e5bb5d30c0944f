"""`ser ui`: a page in the browser that asks the served models."""

import argparse
from typing import Any

from cli import serve, servers


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """Adds the subcommand's parser."""
    from schemas.signatures import REST_PORT

    parser = subparsers.add_parser(
        "ui",
        help="ask the served models from a page in the browser",
        description="Runs the embedded server with a page on its REST port: record, or choose a"
        " recording, and see what a model makes of it, over time too. Browsers give a microphone"
        " to pages of this machine and to encrypted ones only.",
    )
    servers.add_root_argument(parser)
    parser.add_argument(
        "--port", type=serve.port, default=REST_PORT, help=f"its port (default: {REST_PORT})"
    )
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        help="address to listen on (default: 127.0.0.1, this machine only)",
    )
    parser.add_argument(
        "--no-browser", action="store_true", help="only print the address, open no browser"
    )
    return parser


def run(args: argparse.Namespace) -> int:
    """Serves the page; see `serve.until_stopped`."""
    from serving.embedded.server import Server

    def ready(server: Server) -> None:
        import webbrowser

        address = f"http://{args.host}:{server.rest_port}/"
        print(f"{address} is the page; Ctrl-C stops", flush=True)
        if not args.no_browser:
            webbrowser.open(address)

    root = args.root or servers.default_root()
    return serve.until_stopped(
        Server(root, rest_port=args.port, host=args.host, web=True), ready=ready
    )
