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
    """Runs the demonstration; 0 if every step worked and every pushed model answered.

    A model that its gate kept back is no failure: the report says why.
    """
    from rich.console import Console

    from cli.progress import track
    from cli.run import run_release
    from corpora import index, manifest, synthetic
    from pipeline import config as configs
    from pipeline import execute

    console = Console(stderr=True)
    data = args.out / "corpora"
    console.rule("1. synthetic speech in the native layouts of Emo-DB and EMOVO")
    synthetic.synthesize(data, seed=args.seed, corpora=CORPORA, track=track)
    console.rule("2. index")
    indexed = index.index([(name, str(data / name)) for name in CORPORA], track=track)
    manifest_path = args.out / "manifest.csv"
    manifest.write(indexed.utterances, manifest_path)
    manifest.write_account(indexed.account, manifest.account_path(manifest_path))
    console.print(f"{len(indexed.utterances)} utterances in {manifest_path}")
    console.rule("3. the release pipeline")
    config = configs.load(
        "demo", {"manifest": str(manifest_path), "output": str(args.out), "seed": args.seed}
    )
    found = run_release(config)
    console.rule("4. one gRPC prediction per pushed model")
    unseen = [u for u in indexed.utterances if u.fold(config.protocol) == config.test_fold]
    answered = _predict(config.serving_root, unseen)
    console.print(
        f"open {args.out / 'report.html'} in a browser; serve the models with "
        f"`ser serve --root {config.serving_root}`"
    )
    return 0 if answered and not execute.failures(found.nodes) else 1


def _predict(serving_root: Path, utterances) -> bool:
    """Asks every pushed model about a clip of the test fold; False if there is none to ask."""
    from rich.console import Console

    from modules.features import MULTI_DOMAIN
    from serving.client import Client
    from serving.server import Server, find_versions

    console = Console()
    clip = {utterance.domain: utterance for utterance in reversed(utterances)}
    clip[MULTI_DOMAIN] = utterances[0]
    models = sorted(find_versions(serving_root))
    with Server(serving_root) as server, Client(server.address) as client:
        for model in models:
            utterance = clip[model]
            prediction = client.predict_file(utterance.path, model=model)
            console.print(
                f"{model}: {Path(utterance.path).name} was said as {utterance.emotion}, recognised "
                f"as {prediction.emotion} ({prediction.probabilities[prediction.emotion]:.2f})"
            )
    return bool(models)
