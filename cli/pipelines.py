"""What the commands that run a pipeline share: options, the start, and the nodes' progress."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console


def add_arguments(parser: argparse.ArgumentParser, *, config: str, example: str) -> None:
    """Adds the options that every pipeline has.

    Args:
      parser: of the subcommand.
      config: the name of the default configuration.
      example: of a value to override.
    """
    parser.add_argument(
        "--config",
        default=config,
        help=f"a YAML file, or the name of one that comes with the package (default: {config})",
    )
    parser.add_argument("--manifest", type=Path, help="manifest CSV from `ser corpora index`")
    parser.add_argument("--output", type=Path, help="folder for everything the run writes")
    parser.add_argument(
        "--set",
        dest="overrides",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        help=f"override a key of the configuration, for example {example}; repeatable",
    )


def overrides(args: argparse.Namespace) -> dict[str, object]:
    """Returns the values that these options override, by key."""
    from pipeline import config as configs

    values: dict[str, object] = dict(configs.parse_override(text) for text in args.overrides)
    for name in ("manifest", "output"):
        if getattr(args, name):
            values[name] = str(getattr(args, name))
    return values


def prepare(config, console: "Console"):
    """Checks a configuration against its manifest, and tells which recordings are not as indexed.

    Returns:
      The `pipeline.execute.Prepared`.
    """
    from cli.progress import track
    from pipeline import execute

    prepared = execute.prepare(config, track=track)
    for label, ids in (("changed", prepared.changed), ("missing", prepared.missing)):
        if ids:
            console.print(
                f"{len(ids)} recording(s) {label} since the manifest was made: "
                f"{', '.join(ids[:3])}{' …' if len(ids) > 3 else ''}"
            )
    return prepared


def execute(prepared, console: "Console"):
    """Runs the nodes, showing their progress, what failed, and how many there were of each status.

    Returns:
      One `pipeline.runners.local.NodeResult` a node.
    """
    from cli.progress import NodeProgress
    from pipeline import execute
    from pipeline.runners import local

    output = prepared.config.output
    console.print(f"writing to {output}, logs in {output / execute.LOG_FILE}")
    with NodeProgress(console) as progress:
        results = execute.execute(
            prepared, on_node=progress.on_node, on_message=progress.on_message
        )
    for result in execute.failures(results):
        console.print(f"{result.node_id} failed: {result.error}", markup=False, highlight=False)
    counts = {
        status: sum(result.status == status for result in results) for status in local.STATUSES
    }
    console.print("nodes: " + ", ".join(f"{count} {status}" for status, count in counts.items()))
    return results
