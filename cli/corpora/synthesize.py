"""`ser corpora synthesize`: a synthetic stand-in for corpora that cannot be shared."""

import argparse
import shlex
from pathlib import Path

from corpora.readers import corpora
from schemas.labels import PAPER, LabelSet

# The synthesis itself is too heavy to import for --help; a test compares them.
SYNTHETIC = tuple(corpus.name for corpus in corpora() if corpus.paper)


def add_parser(
    subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]",
) -> argparse.ArgumentParser:
    """Adds the subcommand's parser."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "synthesize",
        help="make synthetic corpora in the native layouts of the paper's six",
        description="Makes speech with espeak-ng, with prosody per emotion by published rules, in"
        " the native layouts of the paper's six corpora, with their languages, containers, rates"
        " and quirks. It serves to try the program; results on it say nothing about real emotional"
        " speech.",
    )
    parser.add_argument("--out", required=True, metavar="DIR", help="the folder to fill")
    parser.add_argument("--seed", type=int, default=0, help="same seed, same bytes (default: 0)")
    parser.add_argument(
        "--corpus",
        action="append",
        choices=SYNTHETIC,
        help="repeatable (default: all)",
    )
    parser.add_argument(
        "--emotions",
        default="paper",
        metavar="SET",
        help="labels to make usual clips of beside the paper's six, where a corpus has them, like"
        " paper+neutral (default: paper)",
    )
    parser.add_argument(
        "--scale",
        type=float,
        default=0.1,
        help="number of clips, relative to the paper's Table 1 (default: 0.1, some 600 clips in"
        " half a minute; 1.0 makes some 5,200)",
    )
    return parser


def run(args: argparse.Namespace) -> int:
    """Runs the subcommand and returns its exit status."""
    from cli.progress import track
    from corpora import synthetic

    label_set = LabelSet.parse(args.emotions)
    names = tuple(args.corpus or SYNTHETIC)
    made = synthetic.synthesize(
        args.out,
        seed=args.seed,
        corpora=names,
        label_set=label_set,
        scale=args.scale,
        track=track,
    )
    _show(made, seed=args.seed, scale=args.scale, label_set=label_set)
    print("This is synthetic speech: results on it say nothing about real emotional speech.")
    print(f"what it imitates: {args.out}/README.txt")
    sources = " ".join(f"--corpus {name}={shlex.quote(str(folder))}" for name, folder in made)
    out = shlex.quote(str(made[0][1].parent / "speech.csv"))
    emotions = "" if label_set == PAPER else f" --emotions {shlex.quote(args.emotions)}"
    print(f"next: ser corpora index {sources}{emotions} --out {out}")
    return 0


def _show(made: list[tuple[str, Path]], *, seed: int, scale: float, label_set: LabelSet) -> None:
    """Prints a table of what was made."""
    from rich.console import Console
    from rich.table import Table

    from corpora import synthetic

    table = Table(title="Synthetic recordings", title_justify="left")
    table.add_column("corpus")
    for column in (*synthetic.KINDS, "all", "MB"):
        table.add_column(column, justify="right")
    for name, folder in made:
        planned = synthetic.plan(name, seed=seed, scale=scale, label_set=label_set)
        kinds = [clip.kind(label_set) for clip in planned]
        num_bytes = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        table.add_row(
            name,
            *(f"{kinds.count(kind):,}" for kind in synthetic.KINDS),
            f"{len(kinds):,}",
            f"{num_bytes / 1e6:,.1f}",
        )
    Console().print(table)
