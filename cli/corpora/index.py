"""`ser corpora index`: from corpora on disk to a manifest."""

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from corpora.index import Index

# Repeated from corpora.readers, which is too heavy to import for --help; a test compares them.
CORPORA = ("csv", "emodb", "emovo", "ravdess", "urdu")
STATUSES = ("used", "skipped", "unreadable")

EPILOG = """\
corpora:
  emodb    wav/03a01Wa.wav                      German, acted
  emovo    EMOVO/f1/dis-f1-b1.wav               Italian, acted
  ravdess  Actor_01/03-01-05-01-01-01-01.wav    English, acted
  urdu     Angry/SM1_F10_A010.wav               Urdu, spontaneous
  csv      your own: a CSV file with at least the columns path, domain, speaker, emotion

example:
  ser corpora index --corpus emodb=data/emodb --corpus csv=data/calls.csv --out manifest.csv
"""


def add_parser(subparsers) -> argparse.ArgumentParser:
    """Adds the subcommand's parser."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "index",
        help="read corpora, write a manifest with hashes, durations and folds",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--corpus",
        action="append",
        required=True,
        metavar="NAME=PATH",
        help=f"a corpus and its folder, or csv=FILE; repeatable; names: {', '.join(CORPORA)}",
    )
    parser.add_argument("--out", required=True, metavar="FILE", help="the manifest to write (CSV)")
    parser.add_argument("--seed", type=int, default=0, help="of the folds (default: 0)")
    return parser


def run(args: argparse.Namespace) -> int:
    """Runs the subcommand and returns its exit status."""
    from pathlib import Path

    from rich.console import Console

    from cli.progress import track
    from corpora import manifest
    from corpora.index import index
    from modules.errors import UserError
    from modules.features import PROTOCOLS

    sources = []
    for source in args.corpus:
        name, separator, path = source.partition("=")
        if not (name and separator and path):
            raise UserError(f"--corpus {source}: must be NAME=PATH, like emodb=data/emodb")
        sources.append((name, path))
    out = Path(args.out)
    if out.is_dir():
        raise UserError(f"--out {out}: is a folder; give the name of a file, like {out}/speech.csv")
    result = index(sources, seed=args.seed, track=track)
    account = manifest.account_path(out)
    manifest.write(result.utterances, out)
    manifest.write_account(result.account, account)

    console = Console()
    console.print(_files_table(result))
    # Plain prints: rich would break long lines and colour what looks like markup.
    print("\n".join(_reason_lines(result)), end="\n\n")
    console.print(_folds_table(result))
    for protocol in PROTOCOLS:
        for problem in manifest.fold_problems(result.utterances, protocol):
            print(f"warning: {problem}")
    print(f"manifest: {out} ({len(result.utterances)} utterances)")
    print(f"account:  {account} ({len(result.account)} files)")
    return 0


def _files_table(result: "Index"):
    from rich.table import Table

    from corpora import folds

    table = Table(title="Files", title_justify="left")
    table.add_column("corpus")
    for column in ("found", "used", "skipped", "unreadable", "speakers", "minutes"):
        table.add_column(column, justify="right")
    for domain in result.domains():
        clips = [clip for clip in result.utterances if clip.domain == domain]
        table.add_row(
            domain,
            *(f"{result.count(domain, status):,}" for status in (None, *STATUSES)),
            str(len(folds.speakers_of(clips))),
            f"{sum(clip.duration_s for clip in clips) / 60:.1f}",
        )
    return table


def _folds_table(result: "Index"):
    from rich.table import Table

    from corpora import folds
    from modules.features import NUM_FOLDS, PROTOCOLS

    table = Table(title="Clips per fold", title_justify="left")
    table.add_column("corpus")
    table.add_column("protocol")
    for fold in range(NUM_FOLDS):
        table.add_column(str(fold), justify="right")
    for domain in result.domains():
        clips = [clip for clip in result.utterances if clip.domain == domain]
        for protocol in PROTOCOLS:
            sizes = folds.sizes(clips, protocol).values()
            kept = " (kept)" if (domain, protocol) in result.kept_folds else ""
            table.add_row(domain, protocol + kept, *map(str, sizes))
    return table


def _reason_lines(result: "Index", *, most: int = 6) -> list[str]:
    """Returns a line for each corpus and status with how many files there are of each reason."""
    lines = []
    for domain in result.domains():
        for status in ("skipped", "unreadable"):
            reasons = list(result.reasons(domain, status).items())
            parts = [f"{count:,} {reason}" for reason, count in reasons[:most]]
            if len(reasons) > most:
                rest = sum(count for _, count in reasons[most:])
                parts.append(f"{rest:,} for other reasons (see the account)")
            if parts:
                lines.append(f"{status} of {domain}: {'; '.join(parts)}")
    return lines
