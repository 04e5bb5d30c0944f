"""`ser corpora synthesize`: a synthetic stand-in for corpora that cannot be shared."""

import argparse

# Repeated from corpora.synthetic, which is too heavy to import for --help; a test compares them.
SYNTHETIC = ("emodb", "emovo")


def add_parser(subparsers) -> argparse.ArgumentParser:
    """Adds the subcommand's parser."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "synthesize",
        help="make a small synthetic corpus in the native layouts of real ones",
        description="Makes speech with espeak-ng, with prosody per emotion by published rules. It"
        " serves to try the program; results on it say nothing about real emotional speech.",
    )
    parser.add_argument("--out", required=True, metavar="DIR", help="the folder to fill")
    parser.add_argument("--seed", type=int, default=0, help="same seed, same bytes")
    parser.add_argument(
        "--corpus",
        action="append",
        choices=SYNTHETIC,
        help="repeatable (default: all)",
    )
    parser.add_argument(
        "--scale", type=float, default=1.0, help="number of clips, relative to about 180 a corpus"
    )
    return parser


def run(args: argparse.Namespace) -> int:
    """Runs the subcommand and returns its exit status."""
    from cli.progress import track
    from corpora import synthetic

    result = synthetic.synthesize(
        args.out,
        seed=args.seed,
        corpora=tuple(args.corpus or SYNTHETIC),
        scale=args.scale,
        track=track,
    )
    for name, folder in result:
        clips = sum(1 for _ in folder.rglob("*.wav"))
        print(f"{name}: {clips} synthetic clips in {folder}")
    print("This is synthetic speech: results on it say nothing about real emotional speech.")
    sources = " ".join(f"--corpus {name}={folder}" for name, folder in result)
    print(f"next: ser corpora index {sources} --out {args.out}/manifest.csv")
    return 0
