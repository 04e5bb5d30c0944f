"""Which models a server has, which of their versions it loads, and what these are called."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from schemas.places import place
from serving.embedded.versions import find_models, versions_of

if TYPE_CHECKING:
    from tensorflow_serving.config import model_server_config_pb2


@dataclass(frozen=True, kw_only=True)
class Policy:
    """What is loaded of one model.

    Attributes:
      folder: Its folder, with a folder for each version.
      newest: How many of the newest versions are loaded, where no versions are named.
      versions: The versions that are loaded; empty: the newest.
      labels: Versions by what requests can call them.
    """

    folder: Path
    newest: int = 1
    versions: tuple[int, ...] = ()
    labels: Mapping[str, int] = field(default_factory=dict)

    def wanted(self, on_disk: Mapping[int, Path]) -> tuple[list[int], int]:
        """Returns versions that may be loaded, the newest first, and how many of them are.

        Args:
          on_disk: Folders of the versions that there are.
        """
        if self.versions:
            named = [version for version in self.versions if version in on_disk]
            return sorted(named, reverse=True), len(named)
        return sorted(on_disk, reverse=True), self.newest


# Read anew at each look, by the model's name; `None` while the place it is read from is away.
Policies = Callable[[], Mapping[str, Policy] | None]


def of_root(root: Path) -> Policies:
    """Returns the newest version of every model in a serving folder."""

    def read() -> Mapping[str, Policy] | None:
        if not root.is_dir():
            return None
        return {folder.name: Policy(folder=folder) for folder in find_models(root)}

    return read


def of_config(path: Path, root: Path) -> Policies:
    """Returns what TF Serving's `models.config` names; the file is read anew at each look.

    Args:
      path: The file.
      root: Serving folder. A base path that is not on this machine, as where a container has it,
        stands for the folder of that name in it.

    Raises:
      UserError: By the function, where the file is not there or is none.
    """

    def read() -> Mapping[str, Policy] | None:
        from serving.tensorflow_serving import models

        return of_message(models.read(path), root)

    return read


def of_message(
    config: "model_server_config_pb2.ModelServerConfig", root: Path
) -> dict[str, Policy]:
    """Returns what a configuration of TF Serving names; see `of_config`."""
    found = {}
    for entry in config.model_config_list.config:
        base = place(entry.base_path)
        policy = entry.model_version_policy
        found[entry.name] = Policy(
            folder=base if versions_of(base) else root / (base.name or entry.name),
            newest=max(policy.latest.num_versions, 1),
            versions=tuple(policy.specific.versions),
            labels=dict(entry.version_labels),
        )
    return found
