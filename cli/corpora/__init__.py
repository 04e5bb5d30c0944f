"""`ser corpora`: from corpora on disk to a manifest, and a synthetic stand-in for them."""

import argparse
import importlib

# Each module offers add_parser(subparsers) and run(args) -> exit status, and imports nothing heavy.
COMMANDS = ("index", "summary", "audit", "synthesize")


def add_parser(
    subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]",
) -> argparse.ArgumentParser:
    """Adds `ser corpora` and returns its parser."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "corpora", help="index corpora into a manifest, summarise it; synthesize corpora"
    )
    commands = parser.add_subparsers(dest="corpora_command", required=True, metavar="COMMAND")
    for name in COMMANDS:
        module = importlib.import_module(f"cli.corpora.{name}")
        module.add_parser(commands).set_defaults(run_corpora=module.run)
    return parser


def run(args: argparse.Namespace) -> int:
    """Runs `ser corpora` and returns its exit status."""
    return args.run_corpora(args)
