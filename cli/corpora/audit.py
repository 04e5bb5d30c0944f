"""`ser corpora audit`: what is wrong with a manifest, or with folds made elsewhere."""

import argparse
from typing import TYPE_CHECKING

from schemas.splits import PROTOCOLS

if TYPE_CHECKING:
    from corpora.audit import Audit

EPILOG = """\
exit status:
  0  no errors (there may be warnings)    1  errors    2  bad input

examples:
  ser corpora audit manifest.csv
  ser corpora audit manifest.csv --protocol random --test-fold 0 --json audit.json
  ser corpora audit manifest.csv --write-exclusions drop.csv
  ser corpora audit --fold-list splits.csv --test-fold test
"""


def add_parser(
    subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]",
) -> argparse.ArgumentParser:
    """Adds the subcommand's parser."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "audit",
        help="find what makes a measurement dishonest: leaks, duplicates, missing classes, …",
        description="Listens to every recording, and tells what breaks an honest measurement"
        " (errors), what weakens it (warnings), and what to know (notes).",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("manifest", nargs="?", metavar="MANIFEST", help="of `ser corpora index`")
    parser.add_argument(
        "--fold-list",
        metavar="CSV",
        help="instead of a manifest, folds made elsewhere: a CSV with the columns path and fold,"
        " and any of domain, speaker, emotion, sentence, licence, start_s, end_s",
    )
    parser.add_argument(
        "--protocol",
        choices=PROTOCOLS,
        default=PROTOCOLS[0],
        help="whose folds to judge, and whether a speaker may be in several (default: %(default)s)",
    )
    parser.add_argument(
        "--test-fold", metavar="FOLD", help="the only one tested on (default: each in turn)"
    )
    parser.add_argument("--json", metavar="FILE", help="write everything, with all examples")
    parser.add_argument(
        "--write-exclusions",
        metavar="FILE",
        help="write what to leave out (CSV), for `ser corpora index --exclude FILE`",
    )
    parser.add_argument("--workers", type=int, default=2, help="threads (default: %(default)s)")
    return parser


def run(args: argparse.Namespace) -> int:
    """Runs the subcommand and returns its exit status."""
    from pathlib import Path

    from schemas.errors import UserError

    if (args.manifest is None) == (args.fold_list is None):
        raise UserError("give either a MANIFEST or --fold-list CSV")
    if args.workers < 1:
        raise UserError(f"--workers {args.workers}: must be at least 1")
    for option, path in (("--json", args.json), ("--write-exclusions", args.write_exclusions)):
        if path and (Path(path).is_dir() or not Path(path).absolute().parent.is_dir()):
            raise UserError(f"{option} {path}: is a folder, or in a folder that does not exist")
    for note in _notes(args):
        print(f"note: {note}")
    result = _audit(args)
    _show(result)
    if args.json:
        Path(args.json).write_text(result.to_json(), encoding="utf-8", errors="backslashreplace")
        print(f"json:       {args.json}")
    if args.write_exclusions:
        result.write_exclusions(args.write_exclusions)
        number = len(result.exclusions)
        noun = "utterance" if number == 1 else "utterances"
        print(f"exclusions: {args.write_exclusions} ({number:,} {noun})")
    return 1 if result.errors else 0


def _audit(args: argparse.Namespace) -> "Audit":
    from cli.progress import track
    from corpora import manifest
    from corpora.audit import audit, audit_fold_list
    from schemas.errors import UserError

    if args.fold_list:
        return audit_fold_list(
            args.fold_list,
            protocol=args.protocol,
            test_fold=args.test_fold,
            track=track,
            workers=args.workers,
        )
    if args.test_fold is not None and not args.test_fold.isdecimal():
        raise UserError(f"--test-fold {args.test_fold}: must be the number of a fold")
    return audit(
        manifest.read(args.manifest).utterances,
        protocol=args.protocol,
        test_fold=None if args.test_fold is None else int(args.test_fold),
        track=track,
        workers=args.workers,
    )


def _notes(args: argparse.Namespace) -> list[str]:
    """Returns in words which columns of the table mean nothing here, or were taken for others."""
    from corpora.audit.clips import COLUMNS
    from corpora.manifest.manifest import KNOWN
    from schemas import table

    if args.fold_list:
        return table.read(args.fold_list, required=(), columns=COLUMNS).notes()
    return table.read(args.manifest, required=(), columns=KNOWN).notes()


def _show(result: "Audit") -> None:
    """Prints the audit, in colours where there is a terminal."""
    from rich.console import Console
    from rich.text import Text

    styles = {"errors": "bold red", "warnings": "bold yellow", "notes": "bold blue"}
    console = Console(soft_wrap=True, highlight=False)
    *lines, verdict = result.lines()
    for line in lines:
        console.print(Text(line, style=styles.get(line, "")))
    colour = "red" if result.errors else "yellow" if result.of("warning") else "green"
    console.print(Text(verdict, style=f"bold {colour}"))
