"""`ser study`: every table of the paper, for the corpora of a manifest; resumable."""

import argparse
import shlex
import sys
from pathlib import Path

from cli import pipelines
from schemas.places import place

# Options that take a list, with an example each, by the configuration's keys.
_LISTS = {
    "tables": "2,3,5",
    "beyond": "cross_corpus,learning_curves",
    "targets": "emodb,emovo",
    "folds": "0,1",
    "protocols": "random",
    "scenarios": "S1",
    "approaches": "A1,A2,auto",
    "baselines": "functionals,is10",
}
_NUMBERS = ("tables", "folds")


def add_parser(subparsers: "argparse._SubParsersAction") -> argparse.ArgumentParser:
    """Adds the subcommand's parser."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "study",
        help="which layers to transfer, tune or re-initialise: every table of the paper",
        description="Runs the transfer study on this machine. What was computed stays: the same "
        "command goes on where it stopped, and a larger study takes what a smaller one has.",
    )
    pipelines.add_arguments(parser, config="study", example="pretrain.epochs=5")
    parser.add_argument("--store", type=place, help="folder of the results (default: OUTPUT/store)")
    for name, example in _LISTS.items():
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
    """Runs the study, or prints its plan; 0 if every cell is there."""
    if args.from_store:
        return _write_stored(args)

    from cli.display import Display
    from pipeline import run_study
    from pipeline.request import StudyRequest

    request = StudyRequest(
        config=args.config,
        overrides=_overrides(args),
        command=_command(args),
        plan_only=args.plan,
    )
    with Display() as display:
        result = run_study.run(request, observer=display)
    if request.plan_only:
        return 0

    from pipeline.reports.release.terminal import not_used

    for line in not_used(result.not_used):
        print(line, file=sys.stderr)
    planned = result.plan.planned
    print(f"{planned - result.missing} of {planned} cells are in {result.plan.store}")
    if result.report:
        print(f"tables: {result.report}")
    return 0 if result.complete else 1


def _write_stored(args: argparse.Namespace) -> int:
    """Writes the tables of a stored study, without a manifest and without running anything."""
    from modules.study.design import BEYOND, CROSS_CORPUS
    from pipeline.reports.study import stored
    from schemas.errors import UserError

    settings = pipelines.overrides(args)
    settings.pop("output", None)
    synthetic = settings.pop("synthetic", False)
    given = [*(f"--set {key}" for key in settings if key != "manifest")]
    beyond = [word.strip() for word in (args.beyond or "").split(",") if word.strip()]
    if strange := sorted(set(beyond) - set(BEYOND)):
        raise UserError(f"--beyond {args.beyond}: {strange[0]} is none of {', '.join(BEYOND)}")
    lists = [name for name in _LISTS if name != "beyond"]
    given += [f"--{name}" for name in ("manifest", "store", *lists) if getattr(args, name)]
    given += ["--seeds"] * (args.seeds is not None) + ["--plan"] * args.plan
    if given:
        raise UserError(
            f"{', '.join(given)} cannot stand beside --from-store, which takes all that is stored:"
            " leave it out (only --output, --beyond and --set synthetic=true may stay)"
        )
    if not isinstance(synthetic, bool):
        raise UserError(f"--set synthetic={synthetic}: must be true or false")
    words = ["ser", "study", "--from-store", str(args.from_store)]
    words += ["--set", "synthetic=true"] * synthetic
    words += ["--beyond", args.beyond] * bool(args.beyond)
    written = stored.write(
        args.from_store,
        (args.output or args.from_store) / "tables",
        synthetic=synthetic,
        command=shlex.join(words),
        cross_corpus=CROSS_CORPUS in beyond,
    )
    print(f"tables: {written[0]}")
    return 0


def _overrides(args: argparse.Namespace) -> dict[str, object]:
    """Returns the values that the options override, by key."""
    from schemas.errors import UserError

    overrides = pipelines.overrides(args)
    if args.store:
        overrides["store"] = str(args.store)
    for name in _LISTS:
        if text := getattr(args, name):
            words = [word.strip() for word in text.split(",") if word.strip()]
            try:
                overrides[name] = list(map(int, words)) if name in _NUMBERS else words
            except ValueError:
                raise UserError(f"--{name} {text}: must be numbers, like 0,1") from None
    if args.seeds is not None:
        overrides["seeds"] = args.seeds
    return overrides


def _command(args: argparse.Namespace) -> str:
    """Returns the command that repeats the study."""
    words = ["ser", "study", "--config", args.config]
    for name in ("manifest", *_LISTS):
        if value := getattr(args, name):
            words += [f"--{name}", str(value)]
    if args.seeds is not None:
        words += ["--seeds", str(args.seeds)]
    for text in args.overrides:
        words += ["--set", text]
    return shlex.join(words)
