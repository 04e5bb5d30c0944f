"""`ser run`: the release pipeline, from a manifest to pushed models and a report."""

import argparse

from cli import pipelines


def add_parser(subparsers) -> argparse.ArgumentParser:
    """Adds the subcommand's parser."""
    parser = subparsers.add_parser(
        "run",
        help="train, evaluate and push one model per domain and a multi-domain one",
        description="Runs the release pipeline on this machine. A second run repeats only what "
        "changed; an interrupted one continues where it stopped.",
    )
    pipelines.add_arguments(parser, config="release", example="fine_tune.epochs=5")
    return parser


def run(args: argparse.Namespace) -> int:
    """Runs the pipeline; 0 if every model was pushed, 1 if a gate or a node kept one back."""
    from pipeline import config as configs

    config = configs.load(args.config, pipelines.overrides(args))
    return 0 if run_release(config).complete else 1


def run_release(config):
    """Runs a checked configuration, showing progress, and prints and writes its report.

    Returns:
      The `pipeline.reports.release.results.RunResults`.
    """
    from rich.console import Console

    console = Console(stderr=True)
    pipelines.execute(pipelines.prepare(config, console), console)

    from pipeline.reports.release import report, terminal
    from pipeline.reports.release.collect import collect

    found = collect(config.output)
    path = report.write(found, config.output / "report.html")
    # Written to a file there is no width to keep to.
    Console(width=None if console.is_terminal else 120).print(terminal.table(found))
    console.print(f"report: {path}")
    return found
