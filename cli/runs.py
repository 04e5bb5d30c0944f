"""`ser runs`: the runs in an output folder, their sizes, and the removal of old artifacts."""

import argparse
from pathlib import Path
from typing import Any


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """Adds the subcommand's parser."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "runs",
        help="list the runs in an output folder, and remove artifacts of old ones",
        description="Lists the runs in an output folder with their sizes. Runs share what did not"
        " change between them; `alone` is what no other run shares.",
    )
    _add_output(parser, default=Path("out/release"))
    actions = parser.add_subparsers(dest="action", metavar="{clean}")
    clean = actions.add_parser(
        "clean",
        help="remove the artifacts of all but the newest runs",
        description="Removes artifacts that only runs before the newest N made or used. Never"
        " removed: models that were blessed or pushed, the serving folder, a study's results.",
    )
    _add_output(clean, default=argparse.SUPPRESS)
    clean.add_argument("--keep", type=int, required=True, metavar="N", help="newest runs to keep")
    clean.add_argument("--dry-run", action="store_true", help="only say what would be removed")
    return parser


def run(args: argparse.Namespace) -> int:
    """Lists or cleans; 0."""
    if args.action == "clean":
        _clean(args)
    else:
        _list(args.output)
    return 0


def _add_output(parser: argparse.ArgumentParser, *, default: Any) -> None:
    parser.add_argument(
        "--output",
        type=Path,
        default=default,
        metavar="DIR",
        help="output folder of `ser run`, `ser adapt` or `ser study` (default: out/release)",
    )


def _list(output: Path) -> None:
    from rich.console import Console
    from rich.table import Table

    from pipeline import runs

    table = Table(title=f"Runs in {output}", title_justify="left")
    table.add_column("began", no_wrap=True)
    for column in ("executed", "cached", "failed", "artifacts", "alone"):
        table.add_column(column, justify="right")
    for each in runs.list_runs(output):
        states = each.states
        table.add_row(
            each.run_id.replace("T", " ").partition(".")[0],
            str(states.get("COMPLETE", 0)),
            str(states.get("CACHED", 0)),
            str(states.get("FAILED", 0)),
            _size(each.num_bytes),
            _size(each.own_bytes),
        )
    Console().print(table)


def _clean(args: argparse.Namespace) -> None:
    from pipeline import runs

    found = runs.clean(args.output, keep=args.keep, dry_run=args.dry_run)
    for node, size in sorted(found.by_node.items(), key=lambda each: -each[1]):
        print(f"  {node}: {_size(size)}")
    done = "would be freed" if args.dry_run else "freed"
    print(
        f"{_size(found.num_bytes)} {done}: {found.num_artifacts} artifacts of"
        f" {len(found.cleaned)} older runs; kept: the newest {len(found.kept)} runs, and"
        f" {found.num_protected} older artifacts that were blessed, pushed or accepted"
    )


def _size(num_bytes: int) -> str:
    for unit, factor in (("GB", 10**9), ("MB", 10**6)):
        if num_bytes >= factor:
            return f"{num_bytes / factor:.1f} {unit}"
    return f"{num_bytes / 1_000:.1f} kB"
