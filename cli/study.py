"""`ser study`: every table of the paper, for the corpora of a manifest; resumable."""

import argparse
import shlex
from pathlib import Path

from cli import pipelines

# What a study may be cut down to, each with an example.
_SUBSETS = {
    "tables": "2,3,5",
    "targets": "emodb,emovo",
    "folds": "0,1",
    "protocols": "random",
    "scenarios": "S1",
    "approaches": "A1,A2,auto",
}


def add_parser(subparsers) -> argparse.ArgumentParser:
    """Adds the subcommand's parser."""
    parser = subparsers.add_parser(
        "study",
        help="which layers to transfer, tune or re-initialise: every table of the paper",
        description="Runs the transfer study on this machine. What was computed stays: the same "
        "command goes on where it stopped, and a larger study takes what a smaller one has.",
    )
    pipelines.add_arguments(parser, config="study", example="pretrain.epochs=5")
    parser.add_argument("--store", type=Path, help="folder of the results (default: OUTPUT/store)")
    for name, example in _SUBSETS.items():
        parser.add_argument(f"--{name}", metavar="LIST", help=f"a subset, for example {example}")
    parser.add_argument("--seeds", type=int, metavar="N", help="repetitions (default: 1)")
    parser.add_argument("--plan", action="store_true", help="print what would be done, and stop")
    parser.add_argument(
        "--from-store",
        type=Path,
        metavar="DIR",
        help="only write the tables of a stored study, for example an unpacked cells.tar.xz, into"
        " OUTPUT/tables (default: DIR/tables); `--set synthetic=true` if its speech is",
    )
    return parser


def run(args: argparse.Namespace) -> int:
    """Runs the study; 0 if every cell is there."""
    if args.from_store:
        return _write_stored(args)

    from rich.console import Console

    from cli.corpora.summary import summarise
    from corpora import manifest as manifests
    from pipeline import config as configs
    from pipeline import execute

    config = configs.read(args.config, _overrides(args), kind=configs.StudyConfig)
    console = Console(stderr=True)
    prepared = pipelines.prepare(config, console)

    from modules.study import clips
    from modules.study.store import Store
    from pipeline import study
    from pipeline.reports.study import report

    design = study.design(config, prepared.domains)
    # Before any work: a store of other data or code is refused here.
    store = Store(
        config.store_root.absolute(), identity=study.identity(config, prepared.manifest_digest)
    )
    planned = design.plan()
    _print_counts(planned, store)
    # Before the speed is measured, which takes seconds.
    _require_opensmile(planned, store)
    _print_duration(planned, store, manifests.read(prepared.manifest_path), design)
    if args.plan:
        return 0
    results = pipelines.execute(prepared, console)
    missing = sum(cell not in store for cell in planned)
    print(f"{len(planned) - missing} of {len(planned)} cells are in {store.folder}")
    if (store.folder / clips.TABLE).exists():
        written = report.write(
            store,
            clips.load(store.folder),
            design,
            config.output / "tables",
            title="Transfer study",
            synthetic=config.synthetic,
            command=_command(args),
            corpora_summary=summarise(
                config.manifest,
                over_length=config.audio.over_length,
                trim_silence=config.audio.trim_silence,
            ),
        )
        print(f"tables: {written[0]}")
    return 1 if missing or execute.failures(results) else 0


def _write_stored(args: argparse.Namespace) -> int:
    """Writes the tables of a stored study, without a manifest and without running anything."""
    from pipeline.reports.study import stored
    from schemas.errors import UserError

    settings = pipelines.overrides(args)
    settings.pop("output", None)
    synthetic = settings.pop("synthetic", False)
    given = [*(f"--set {key}" for key in settings if key != "manifest")]
    given += [f"--{name}" for name in ("manifest", "store", *_SUBSETS) if getattr(args, name)]
    given += ["--seeds"] * (args.seeds is not None) + ["--plan"] * args.plan
    if given:
        raise UserError(
            f"{', '.join(given)} cannot stand beside --from-store, which takes all that is stored:"
            " leave it out (only --output and --set synthetic=true may stay)"
        )
    if not isinstance(synthetic, bool):
        raise UserError(f"--set synthetic={synthetic}: must be true or false")
    words = ["ser", "study", "--from-store", str(args.from_store)]
    words += ["--set", "synthetic=true"] * synthetic
    written = stored.write(
        args.from_store,
        (args.output or args.from_store) / "tables",
        synthetic=synthetic,
        command=shlex.join(words),
    )
    print(f"tables: {written[0]}")
    return 0


def _overrides(args: argparse.Namespace) -> dict[str, object]:
    from schemas.errors import UserError

    overrides = pipelines.overrides(args)
    if args.store:
        overrides["store"] = str(args.store)
    for name in _SUBSETS:
        if text := getattr(args, name):
            words = [word.strip() for word in text.split(",") if word.strip()]
            try:
                overrides[name] = list(map(int, words)) if name in ("tables", "folds") else words
            except ValueError:
                raise UserError(f"--{name} {text}: must be numbers, like 0,1") from None
    if args.seeds is not None:
        overrides["seeds"] = args.seeds
    return overrides


def _require_opensmile(planned, store) -> None:
    """Raises UserError where SVMs are still to be trained and openSMILE is missing."""
    from modules.baselines import is10
    from modules.study import cells
    from schemas.errors import UserError

    if any(
        isinstance(cell, cells.Svm | cells.AdaptiveSvm) and cell not in store for cell in planned
    ):
        try:
            is10.require_opensmile()
        except UserError as error:
            raise UserError(
                "tables 2 and 5 need its features (--tables 3,4 do not; in a checkout, `make"
                f" opensmile` installs it): {error}"
            ) from None


def _print_counts(planned, store) -> None:
    """Prints how many cells there are of each kind, and how many are done."""
    from modules.study import cells

    names = {
        cells.Training: "trainings from scratch",
        cells.FineTuning: "fine-tunings",
        cells.Svm: "SVMs",
        cells.AdaptiveSvm: "Adaptive SVMs",
    }
    for kind, name in names.items():
        own = [cell for cell in planned if isinstance(cell, kind)]
        if own:
            done = sum(cell in store for cell in own)
            print(f"{name}: {len(own):,}, of which {done:,} are done")


def _print_duration(planned, store, utterances, design) -> None:
    """Prints how long the missing cells will take, from this machine's speed."""
    from collections import Counter

    from modules.study import estimate

    counts = Counter(
        (protocol, utterance.domain, utterance.fold(protocol))
        for utterance in utterances
        for protocol in ("random", "speaker_independent")
    )
    missing = [cell for cell in planned if cell not in store]
    if work := estimate.work(missing, lambda *key: counts[key]):
        speed = estimate.clips_per_s(design.preset, design.precision)
        print(
            f"about {work / speed / 60:,.0f} minutes of training: {work:,.0f} clips to learn from,"
            f" at {speed:,.0f} a second as measured just now"
        )


def _command(args: argparse.Namespace) -> str:
    words = ["ser", "study", "--config", args.config]
    for name in ("manifest", *_SUBSETS):
        if value := getattr(args, name):
            words += [f"--{name}", str(value)]
    if args.seeds is not None:
        words += ["--seeds", str(args.seeds)]
    for text in args.overrides:
        words += ["--set", text]
    return shlex.join(words)
