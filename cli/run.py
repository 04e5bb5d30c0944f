"""`ser run`: the release pipeline, from a manifest to pushed models and a report."""

import argparse
from pathlib import Path


def add_parser(subparsers) -> argparse.ArgumentParser:
    """Adds the subcommand's parser."""
    parser = subparsers.add_parser(
        "run",
        help="train, evaluate and push one model per domain and a multi-domain one",
        description="Runs the release pipeline on this machine. A second run repeats only what "
        "changed; an interrupted one continues where it stopped.",
    )
    parser.add_argument(
        "--config",
        default="release",
        help="a YAML file, or the name of one that comes with the package (default: release)",
    )
    parser.add_argument("--manifest", type=Path, help="manifest CSV from `ser corpora index`")
    parser.add_argument("--output", type=Path, help="folder for everything the run writes")
    parser.add_argument(
        "--set",
        dest="overrides",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        help="override a key of the configuration, for example fine_tune.epochs=5; repeatable",
    )
    return parser


def run(args: argparse.Namespace) -> int:
    """Runs the pipeline; 0 if every model was pushed, 1 if a gate or a node kept one back."""
    from pipeline import config as configs

    overrides = dict(configs.parse_override(text) for text in args.overrides)
    if args.manifest:
        overrides["manifest"] = str(args.manifest)
    if args.output:
        overrides["output"] = str(args.output)
    return 0 if run_release(configs.load(args.config, overrides)).complete else 1


def run_release(config):
    """Runs a checked configuration, showing progress, and prints and writes its report.

    Returns:
      The `pipeline.results.RunResults`.
    """
    from rich.console import Console

    from cli.progress import NodeProgress, track
    from pipeline import execute, local_runner

    console = Console(stderr=True)
    prepared = execute.prepare(config, track=track)
    for label, ids in (("changed", prepared.changed), ("missing", prepared.missing)):
        if ids:
            console.print(
                f"{len(ids)} recording(s) {label} since the manifest was made: "
                f"{', '.join(ids[:3])}{' …' if len(ids) > 3 else ''}"
            )
    console.print(f"writing to {config.output}, logs in {config.output / execute.LOG_FILE}")
    with NodeProgress(console) as progress:
        results = execute.execute(
            prepared, on_node=progress.on_node, on_message=progress.on_message
        )
    for result in execute.failures(results):
        console.print(f"{result.node_id} failed: {result.error}", markup=False, highlight=False)
    counts = {
        status: sum(result.status == status for result in results)
        for status in local_runner.STATUSES
    }
    console.print("nodes: " + ", ".join(f"{count} {status}" for status, count in counts.items()))

    from pipeline import report
    from pipeline import results as run_results

    found = run_results.collect(config.output)
    path = report.write(found, config.output / "report.html")
    # Written to a file there is no width to keep to.
    Console(width=None if console.is_terminal else 120).print(run_results.summary(found))
    console.print(f"report: {path}")
    return found
