"""What a pushed model tells of where it went, and what lies there."""

import re

from ml_metadata.proto import metadata_store_pb2

# Properties that TFX's Pusher writes.
PUSHED, DESTINATION, VERSION = "pushed", "pushed_destination", "pushed_version"

_VERSION = re.compile("0|[1-9][0-9]*")


def destination(pushed_model: metadata_store_pb2.Artifact) -> str:
    """Returns the folder that a model was pushed to; empty if it was not pushed."""
    properties = pushed_model.custom_properties
    return properties[DESTINATION].string_value if properties[PUSHED].int_value else ""


def is_served(folder: str) -> bool:
    """Returns whether a version's folder holds a model that a server can load."""
    from tfx.dsl.io import fileio

    return bool(fileio.exists(f"{folder}/saved_model.pb"))


def versions(folder: str, *, whole: bool) -> list[int]:
    """Returns the versions of a model in its serving folder, in ascending order.

    Args:
      folder: The model's; it need not exist.
      whole: Whether only those count that a server can load.
    """
    from tfx.dsl.io import fileio

    if not fileio.isdir(folder):
        return []
    names = (name.rstrip("/") for name in fileio.listdir(folder))
    found = [int(name) for name in names if _VERSION.fullmatch(name)]
    return sorted(each for each in found if not whole or is_served(f"{folder}/{each}"))
