"""`ser demo`: everything on synthetic speech, from recordings to a gRPC prediction and a report."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from schemas.utterance import Utterance

CORPORA = ("afew", "emodb", "emovo", "enterface", "iemocap", "rml")
# Of the paper's corpora; enough for every emotion in every fold.
SCALE = 0.1


def add_parser(subparsers: "argparse._SubParsersAction") -> argparse.ArgumentParser:
    """Adds the subcommand's parser."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "demo",
        help="the whole product on synthetic speech, in a few minutes",
        description="Synthesises the paper's six corpora on a small scale, indexes, audits and "
        "summarises them, runs the release pipeline, asks "
        "the pushed models over gRPC and writes a report. The data is synthetic: the figures say "
        "that the pipeline works, and nothing about how well it recognises people.",
    )
    parser.add_argument("--out", type=Path, default=Path("out/demo"), help="folder for everything")
    parser.add_argument("--seed", type=int, default=0, help="seed of the synthetic speech")
    return parser


def run(args: argparse.Namespace) -> int:
    """Runs the demonstration; 0 if every step worked and every pushed model answered.

    A model that its gate kept back is no failure: the report says why.
    """
    from rich.console import Console

    from cli.progress import track
    from cli.run import run_release
    from corpora import manifest, synthetic
    from pipeline.request import Request

    console = Console(stderr=True)
    data, manifest_path = args.out / "corpora", args.out / "manifest.csv"
    console.rule("1. synthetic speech in the native layouts of the paper's six corpora")
    synthetic.synthesize(data, seed=args.seed, corpora=CORPORA, scale=SCALE, track=track)
    console.rule("2. index")
    sources = [word for name in CORPORA for word in ("--corpus", f"{name}={data / name}")]
    _ser("corpora", "index", *sources, "--out", manifest_path)
    console.rule("3. summary")
    _ser("corpora", "summary", manifest_path)
    console.rule("4. the release pipeline, which begins with an audit")
    overrides = {"manifest": str(manifest_path), "output": str(args.out), "seed": args.seed}
    config_name = "demo" if _has_encoder(console) else "demo-waveform"
    result = run_release(Request(config=config_name, overrides=overrides))
    config = result.prepared.config
    console.rule("5. one gRPC prediction per pushed model")
    utterances = manifest.read(manifest_path).utterances
    unseen = [u for u in utterances if u.fold(config.protocol) == config.test_fold]
    answered = _predict(config.serving_root, unseen)
    console.print(
        f"open {result.report} in a browser; serve the models with "
        f"`ser serve --root {config.serving_root}`"
    )
    return 0 if answered and not result.failed else 1


def _has_encoder(console: "Console") -> bool:
    """Returns whether the demonstration's encoder is there, fetching it if need be."""
    from modules.networks.encoders import store
    from pipeline import config as configs
    from schemas.errors import UserError

    name = configs.load("demo").encoder.name
    if name in store.available():
        return True
    console.print(f"$ ser encoder add {name}")
    try:
        store.add(name)
    except UserError as error:
        console.print(f"{error}\nThe demonstration goes on with the paper's network.")
        return False
    return True


def _ser(*arguments: str | Path) -> None:
    """Runs a command as a user would, and shows it first."""
    from cli.main import build_parser

    words = [str(argument) for argument in arguments]
    print(f"$ ser {' '.join(words)}", flush=True)
    args = build_parser().parse_args(words)
    args.run(args)


def _predict(serving_root: Path, utterances: "Sequence[Utterance]") -> bool:
    """Asks every pushed model about a clip of the test fold; False if there is none to ask."""
    from rich.console import Console

    from schemas.signatures import MULTI_DOMAIN
    from serving.client.client import Client
    from serving.embedded.server import Server
    from serving.embedded.versions import find_versions

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
