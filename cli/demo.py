"""`ser demo`: everything on synthetic speech, from recordings to a gRPC prediction and a report."""

import argparse
from pathlib import Path

CORPORA = ("emodb", "emovo")


def add_parser(subparsers) -> argparse.ArgumentParser:
    """Adds the subcommand's parser."""
    parser = subparsers.add_parser(
        "demo",
        help="the whole product on synthetic speech, in a few minutes",
        description="Synthesises two small corpora, indexes them, runs the release pipeline, asks "
        "the pushed models over gRPC and writes a report. The data is synthetic: the figures say "
        "that the pipeline works, and nothing about how well it recognises people.",
    )
    parser.add_argument("--out", type=Path, default=Path("out/demo"), help="folder for everything")
    parser.add_argument("--seed", type=int, default=0, help="of the synthetic speech")
    return parser


def run(args: argparse.Namespace) -> int:
    """Runs the demonstration; 0 if every model was pushed and answered."""
    from rich.console import Console

    from cli.progress import track
    from cli.run import run_release
    from corpora import index, manifest, synthetic
    from pipeline import config as configs

    console = Console(stderr=True)
    data = args.out / "corpora"
    console.rule("1. synthetic speech in the native layouts of Emo-DB and EMOVO")
    synthetic.synthesize(data, seed=args.seed, corpora=CORPORA, track=track)
    console.rule("2. index")
    indexed = index.index([(name, str(data / name)) for name in CORPORA], track=track)
    manifest_path = args.out / "manifest.csv"
    manifest.write(indexed.utterances, manifest_path)
    manifest.write_account(indexed.account, manifest_path.with_suffix(".account.csv"))
    console.print(f"{len(indexed.utterances)} utterances in {manifest_path}")
    console.rule("3. the release pipeline")
    config = configs.load(
        "demo", {"manifest": str(manifest_path), "output": str(args.out), "seed": args.seed}
    )
    status = run_release(config)
    console.rule("4. one gRPC prediction per pushed model")
    answered = _predict(config.serving_root, indexed.utterances)
    console.print(
        f"open {args.out / 'report.html'} in a browser; serve the models with "
        f"`ser serve --root {config.serving_root}`"
    )
    return status or (0 if answered else 1)


def _predict(serving_root: Path, utterances) -> bool:
    """Asks every pushed model about the first clip of its domain; False if one did not answer."""
    from rich.console import Console

    from serving.client import Client
    from serving.server import Server

    console = Console()
    first = {u.domain: u for u in reversed(utterances)}
    first["multi-domain"] = utterances[0]
    answered = True
    with Server(serving_root) as server:
        client = Client(server.address)
        for model in sorted(folder.name for folder in serving_root.iterdir()):
            utterance = first[model]
            prediction = client.predict_file(utterance.path, model=model)
            answered = answered and bool(prediction.emotion)
            console.print(
                f"{model}: {Path(utterance.path).name} is acted as {utterance.emotion}, recognised "
                f"as {prediction.emotion} ({prediction.probabilities[prediction.emotion]:.2f})"
            )
    return answered
