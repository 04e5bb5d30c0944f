"""Entry point of `ser`: one module per subcommand, imported only for its argument parser."""

import argparse
import importlib
import os
import sys
import warnings
from collections.abc import Sequence

DISTRIBUTION = "ser-tfx"
# Each module offers add_parser(subparsers) and run(args) -> exit status, and imports nothing heavy.
COMMANDS = (
    "corpora",
    "encoder",
    "run",
    "adapt",
    "study",
    "runs",
    "predict",
    "enrol",
    "serve",
    "serving",
    "ui",
    "kubeflow",
    "demo",
)

# As a shell has it of a program that ends by SIGPIPE.
_PIPE_CLOSED = 141


class _Version(argparse.Action):
    """Prints the installed distribution's version; looked up only where it is asked for."""

    def __init__(self, option_strings: Sequence[str], dest: str, help: str | None = None):
        super().__init__(option_strings, argparse.SUPPRESS, nargs=0, help=help)

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from importlib import metadata

        print(f"ser {metadata.version(DISTRIBUTION)}")
        parser.exit()


def build_parser() -> argparse.ArgumentParser:
    """Returns the parser of the whole command line."""
    parser = argparse.ArgumentParser(
        prog="ser",
        description="Multi-domain speech emotion recognition: from recordings to served models.",
    )
    parser.add_argument("--version", action=_Version, help="print the version and exit")
    parser.add_argument("--debug", action="store_true", help="show tracebacks and library logs")
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name in COMMANDS:
        module = importlib.import_module(f"cli.{name}")
        module.add_parser(subparsers).set_defaults(run=module.run)
    return parser


def main(argv: list[str] | None = None) -> int:
    """Runs `ser` and returns its exit status: 0 done, 1 done in part, 2 bad input."""
    args = build_parser().parse_args(argv)
    if not args.debug:
        # For this process, and through the environment for Beam's workers.
        warnings.simplefilter("ignore")
        os.environ.setdefault("PYTHONWARNINGS", "ignore")
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from schemas.errors import UserError

    try:
        status: int = args.run(args)
    except UserError as error:
        if args.debug:
            raise
        print(f"error: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        # Whoever read the output has enough; what is left of it would be written at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _PIPE_CLOSED
    except OSError as fault:
        from schemas.files import words_of

        if args.debug or not (words := words_of(fault)):
            raise
        print(f"error: {words}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted; the same command continues where it stopped", file=sys.stderr)
        return 130
    return status


if __name__ == "__main__":
    sys.exit(main())
