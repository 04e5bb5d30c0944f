"""`ser enrol`: makes a speaker known by some recordings, whatever is felt in them."""

import argparse
import sys
from pathlib import Path
from typing import Any

from cli import asked, servers

# With fewer, what one of them says weighs more than who says it.
_FEW_CLIPS = 5


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """Adds the subcommand's parser."""
    from schemas.signatures import MULTI_DOMAIN

    parser: argparse.ArgumentParser = subparsers.add_parser(
        "enrol",
        help="make a speaker known to models of a release with known_speakers",
        description="Writes by what some recordings of one speaker tell this speaker, for `ser"
        " predict --speaker`. About ten recordings of all sorts do best; they need no labels. The"
        " exit status is 1 if some of them could not be read.",
    )
    parser.add_argument(
        "files", nargs="+", type=Path, metavar="FILE", help="recordings, or folders of them"
    )
    parser.add_argument(
        "--model",
        default=MULTI_DOMAIN,
        help="a served model; what it writes serves all models on the same encoder (default:"
        f" {MULTI_DOMAIN})",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="file to write")
    servers.add_server_arguments(parser)
    return parser


def run(args: argparse.Namespace) -> int:
    """Enrols a speaker: 0 if all recordings were read, 1 if some were not.

    Raises UserError if none was: no server, no such model.
    """
    from cli.progress import track
    from schemas.errors import UserError
    from serving.client.enrolment import Enrolment
    from serving.client.errors import PredictionError

    found, encoder, failed = [], "", 0
    with servers.client_of(args, speakers=True) as client:
        files, left_out = asked.expand(args.files)
        for path in track(files, description=f"Asking {args.model}"):
            try:
                if path.is_dir():
                    raise PredictionError(path, "no audio files in this folder")
                embedding, encoder = client.embed_file(path, model=args.model)
                found.append(embedding)
            except PredictionError as error:
                failed += 1
                print(f"error: {path}: {error.reason}", file=sys.stderr)
    asked.tell_left_out(left_out)
    if not found:
        raise UserError(f"none of {len(files)} recordings could be read; nothing was written")
    Enrolment.of(found, encoder).write(args.out)
    if len(found) < _FEW_CLIPS:
        print(f"warning: {len(found)} of the speaker's clips; with ten, answers gain more")
    print(f"{args.out}: {len(found)} clips; ser predict --speaker {args.out} …")
    return 1 if failed else 0
