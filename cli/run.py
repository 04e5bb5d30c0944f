"""`ser run`: the release pipeline, from a manifest to pushed models and a report."""

import argparse
import sys
from typing import TYPE_CHECKING

from cli import pipelines

if TYPE_CHECKING:
    from pipeline.request import Request
    from pipeline.run_release import ReleaseResult


def add_parser(subparsers: "argparse._SubParsersAction") -> argparse.ArgumentParser:
    """Adds the subcommand's parser."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "run",
        help="train, evaluate and push one model per domain and a multi-domain one",
        description="Runs the release pipeline on this machine. A second run repeats only what "
        "changed; an interrupted one continues where it stopped.",
    )
    pipelines.add_arguments(parser, config="release", example="fine_tune.epochs=5")
    return parser


def run(args: argparse.Namespace) -> int:
    """Runs the pipeline; 0 if every model was pushed, 1 if a gate or a node kept one back."""
    from pipeline.request import Request

    result = run_release(Request(config=args.config, overrides=pipelines.overrides(args)))
    return 0 if result.complete else 1


def run_release(request: "Request") -> "ReleaseResult":
    """Runs a release, showing its progress, and prints what it came to."""
    from rich.console import Console

    from cli.display import Display
    from pipeline import run_release

    with Display() as display:
        result = run_release.run(request, observer=display)

    from pipeline.reports.release import terminal

    # Written to a file there is no width to keep to.
    Console(width=None if display.console.is_terminal else 120).print(terminal.table(result.found))
    for line in terminal.not_used(result.found.not_used):
        print(line, file=sys.stderr)
    display.console.print(f"report: {result.report}")
    return result
