"""What the commands that run a pipeline share: their options, and the values these override."""

import argparse

from schemas.places import place


def add_arguments(parser: argparse.ArgumentParser, *, config: str, example: str) -> None:
    """Adds the options that every pipeline has.

    Args:
      parser: Parser of the subcommand.
      config: Name of the default configuration.
      example: Example of a value to override.
    """
    parser.add_argument(
        "--config",
        default=config,
        help=f"a YAML file, or the name of one that comes with the package (default: {config})",
    )
    parser.add_argument("--manifest", type=place, help="manifest CSV from `ser corpora index`")
    parser.add_argument("--output", type=place, help="folder for everything the run writes")
    parser.add_argument(
        "--set",
        dest="overrides",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        help=f"override a key of the configuration, for example {example}; repeatable",
    )


def overrides(args: argparse.Namespace) -> dict[str, object]:
    """Returns the values that these options override, by key."""
    from pipeline.config import parse_override

    values: dict[str, object] = dict(parse_override(text) for text in args.overrides)
    for name in ("manifest", "output"):
        if getattr(args, name):
            values[name] = str(getattr(args, name))
    return values
