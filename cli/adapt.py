"""`ser adapt`: a release's network, adapted to a team's own recordings."""

import argparse
import sys

from cli import pipelines
from schemas.places import place


def add_parser(subparsers: "argparse._SubParsersAction") -> argparse.ArgumentParser:
    """Adds the subcommand's parser."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "adapt",
        help="adapt a release's network to your own recordings, from five clips a class on",
        description="Measures what a release's network makes of your recordings as it is, adapts"
        " it to them, estimates by cross-validation what that is worth, and pushes the better of"
        " both. What did not change is not repeated.",
    )
    parser.add_argument(
        "--base", type=place, metavar="RELEASE", help="output folder of the `ser run` to start from"
    )
    pipelines.add_arguments(parser, config="adapt", example="approach=A8")
    parser.add_argument("--domain", metavar="NAME", help="domain, where the manifest has several")
    return parser


def run(args: argparse.Namespace) -> int:
    """Runs the adaptation; 0 if a model was pushed, 1 if a gate or a node kept it back."""
    from rich.console import Console

    from cli.display import Display
    from pipeline import run_adaptation
    from pipeline.request import Request

    overrides = pipelines.overrides(args)
    for name in ("base", "domain"):
        if getattr(args, name):
            overrides[name] = str(getattr(args, name))
    with Display() as display:
        result = run_adaptation.run(
            Request(config=args.config, overrides=overrides), observer=display
        )

    from pipeline.reports.adaptation import terminal
    from pipeline.reports.release.terminal import not_used

    # Written to a file there is no width to keep to.
    width = None if display.console.is_terminal else 120
    Console(width=width).print(terminal.summary(result.found))
    for line in not_used(result.found.not_used):
        print(line, file=sys.stderr)
    display.console.print(f"report: {result.report}")
    return 0 if result.complete else 1
