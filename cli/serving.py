"""`ser serving`: TF Serving's configuration, and which versions its labels name."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from cli import servers
from schemas.places import is_remote

if TYPE_CHECKING:
    from serving.tensorflow_serving.labels import Labels

    _Parsers = argparse._SubParsersAction[argparse.ArgumentParser]

EPILOG = """\
examples:
  ser serving config --root out/release/serving
  ser serving canary emodb 1764450000      a version on trial, label canary
  ser serving promote emodb 1764450000     the version that clients of label stable get
  ser serving rollback emodb               the one before it again
  ser serving drift LOG --release out/release   is what it is asked like what it was trained on
"""


def add_parser(subparsers: "_Parsers") -> argparse.ArgumentParser:
    """Adds `ser serving` and returns its parser."""
    serving: argparse.ArgumentParser = subparsers.add_parser(
        "serving",
        help="configure TF Serving, and move its labels stable and canary",
        description="Writes the configuration of TF Serving for a serving folder, and moves version"
        " labels. A running server reads the file again every 30 s.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = serving.add_subparsers(dest="serving_command", required=True, metavar="COMMAND")
    _add_config(commands)
    _add(commands, "check", _check, "check the configuration against the serving folder")
    canary = _add(commands, "canary", _canary, "put a version on trial beside the stable one")
    canary.add_argument("model", metavar="MODEL")
    canary.add_argument("version", metavar="VERSION", type=_version, nargs="?")
    canary.add_argument("--remove", action="store_true", help="end the trial instead")
    promote = _add(commands, "promote", _promote, "make a version that is loaded the stable one")
    promote.add_argument("model", metavar="MODEL")
    promote.add_argument("version", metavar="VERSION", type=_version)
    rollback = _add(commands, "rollback", _rollback, "make the version before stable again")
    rollback.add_argument("model", metavar="MODEL")
    _add_drift(commands)
    for parser in (promote, rollback):
        parser.add_argument(
            "--address",
            metavar="HOST:PORT",
            help="a running server that must have the version loaded",
        )
        servers.add_tls_arguments(parser)
    rollback.add_argument(
        "version", metavar="VERSION", type=_version, nargs="?", help="default: the one before"
    )
    return serving


def run(args: argparse.Namespace) -> int:
    """Runs `ser serving` and returns its exit status."""
    status: int = args.run_serving(args)
    return status


def _add(
    commands: "_Parsers", name: str, function: Callable[[argparse.Namespace], int], does: str
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=does, description=f"{does[0].upper()}{does[1:]}.")
    servers.add_root_argument(parser)
    parser.add_argument(
        "--config",
        type=Path,
        metavar="DIR",
        help="folder of the configuration (default: tensorflow_serving beside the serving folder)",
    )
    parser.set_defaults(run_serving=function)
    return parser


def _add_config(commands: "_Parsers") -> None:
    does = "write the configuration for a serving folder, or bring it up to date"
    parser = _add(commands, "config", _config, does)
    parser.add_argument(
        "--base-path",
        metavar="PATH",
        help="where the server finds the serving folder, a bucket too (default: /models, and a"
        " bucket where it is)",
    )
    parser.add_argument(
        "--tls-key", type=Path, metavar="PEM", help="the server's private key, for tls.config"
    )
    parser.add_argument("--tls-cert", type=Path, metavar="PEM", help="the server's certificate")
    parser.add_argument(
        "--client-ca",
        type=Path,
        metavar="PEM",
        help="who signs clients' certificates: clients must then show one (mutual TLS)",
    )


def _add_drift(commands: "_Parsers") -> None:
    does = "compare the requests in a server's log with the clips that its models were trained on"
    parser = commands.add_parser("drift", help=does, description=f"{does[0].upper()}{does[1:]}.")
    parser.add_argument("log", type=Path, metavar="LOG", help="folder of `ser serve --request-log`")
    parser.add_argument(
        "--release", type=Path, required=True, metavar="DIR", help="output folder of `ser run`"
    )
    parser.add_argument(
        "--threshold",
        type=float,
        metavar="SD",
        help="most standard deviations that the mean embedding may be away (default: the release's"
        " validation.drift.embedding)",
    )
    parser.add_argument(
        "--most-clips",
        type=servers.positive,
        default=1_000,
        metavar="N",
        help="requests of each model that are looked at, the newest (default: 1000)",
    )
    parser.set_defaults(run_serving=_drift)


def _drift(args: argparse.Namespace) -> int:
    """Prints what requests are like; 1 where those for a model have drifted."""
    from pipeline import config as configs
    from pipeline.request_drift import FEW_CLIPS, request_drift
    from pipeline.run_folder import CONFIG_FILE
    from schemas.words import plural

    found = request_drift(args.log, args.release, most_clips=args.most_clips)
    threshold = args.threshold
    if threshold is None:
        drift = configs.load(args.release / CONFIG_FILE).validation.drift
        threshold = drift.embedding
    drifted = False
    for each in found:
        answers = ", ".join(f"{emotion} {number}" for emotion, number in each.emotions.items())
        print(
            f"{each.model}: {plural(each.clips, 'recording')}, {each.unsure:.1%} unsure; {answers}"
        )
        if each.unreadable:
            print(f"  {plural(each.unreadable, 'recording')} cannot be decoded")
        moved = each.shift > threshold
        drifted |= moved
        few = f"; of fewer than {FEW_CLIPS} it says little" if each.clips < FEW_CLIPS else ""
        print(
            f"  their mean embedding is {each.shift:.2f} standard deviations from the training"
            f" clips', {'above' if moved else 'within'} {threshold:g}{few}"
        )
    return int(drifted)


def _version(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) < 2**63):
        raise argparse.ArgumentTypeError(f"{text}: a version is a whole number, as its folder")
    return int(text)


def _folders(args: argparse.Namespace) -> tuple[Path, Path]:
    """Returns the serving folder and that of the configuration."""
    from schemas.errors import UserError

    root = args.root or servers.default_root()
    if not root.is_dir():
        raise UserError(f"{root}: no such folder; name the serving folder of a release with --root")
    if is_remote(root) and not args.config:
        raise UserError(
            f"{root}: name a folder of this machine for the configuration: --config DIR"
        )
    return root, args.config or root.resolve().parent / "tensorflow_serving"


def _config(args: argparse.Namespace) -> int:
    from schemas.errors import UserError
    from serving.tensorflow_serving import folder

    root, out = _folders(args)
    if (args.tls_key is None) != (args.tls_cert is None) or (args.client_ca and not args.tls_key):
        raise UserError("--tls-key and --tls-cert belong together, and --client-ca needs both")
    lines = folder.write(out, root, args.base_path or (str(root) if is_remote(root) else "/models"))
    if args.tls_key:
        folder.write_tls(out, args.tls_key, args.tls_cert, args.client_ca)
    print(*lines, f"configuration: {out}", sep="\n")
    return 0


def _check(args: argparse.Namespace) -> int:
    from serving.tensorflow_serving import folder

    root, out = _folders(args)
    print(*folder.check(out, root), sep="\n")
    return 0


def _canary(args: argparse.Namespace) -> int:
    from schemas.errors import UserError
    from serving.tensorflow_serving import labels

    if args.remove == (args.version is not None):
        raise UserError(f"ser serving canary {args.model}: give either a VERSION or --remove")
    if args.remove:
        return _edit(args, labels.without_canary)
    return _edit(args, lambda name, given: labels.with_canary(name, given, args.version))


def _promote(args: argparse.Namespace) -> int:
    from serving.tensorflow_serving import labels

    return _edit(args, lambda name, given: _asked(args, labels.promoted(name, given, args.version)))


def _rollback(args: argparse.Namespace) -> int:
    from serving.tensorflow_serving import labels

    return _edit(
        args, lambda name, given: _asked(args, labels.rolled_back(name, given, args.version))
    )


def _asked(args: argparse.Namespace, after: "Labels") -> "Labels":
    """Returns the labels, if the server that was named has their stable version loaded."""
    from serving.tensorflow_serving.status import require_available

    if args.address:
        tls = servers.tls_of(args)
        require_available(args.address, args.model, after.stable, tls=tls)
    return after


def _edit(args: argparse.Namespace, change: "Callable[[str, Labels], Labels]") -> int:
    from serving.tensorflow_serving import models

    root, out = _folders(args)
    before, after = models.edit(out / models.FILE, root, args.model, change)
    print(f"before: {models.described(args.model, before)}")
    print(f"now:    {models.described(args.model, after)}")
    return 0
