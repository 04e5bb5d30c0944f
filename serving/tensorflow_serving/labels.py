"""Which versions of a model are served, and what they are called.

A label can be moved only to a version that the server has loaded, else it refuses or drops
requests. Hence a version is first the canary, then stable; and the version before stays loaded as
`previous`, so that going back is at once as well.
"""

import dataclasses
from collections.abc import Mapping

from tensorflow_serving.config.model_server_config_pb2 import ModelConfig

from schemas.errors import UserError

STABLE = "stable"
CANARY = "canary"
PREVIOUS = "previous"


@dataclasses.dataclass(frozen=True)
class Labels:
    """The labels of a model.

    Attributes:
      stable: Version that clients ask.
      canary: Version on trial, if any.
      previous: Version that was stable before, if any.
      others: Labels that somebody else gave.
    """

    stable: int
    canary: int | None = None
    previous: int | None = None
    others: Mapping[str, int] = dataclasses.field(default_factory=dict)

    def by_name(self) -> dict[str, int]:
        """Returns the labels that are given, with their versions."""
        ours = {STABLE: self.stable, CANARY: self.canary, PREVIOUS: self.previous}
        return {**{k: v for k, v in ours.items() if v is not None}, **self.others}

    def loaded(self) -> list[int]:
        """Returns the versions that the server holds, from the oldest."""
        return sorted(set(self.by_name().values()))


def read(model: ModelConfig) -> Labels | None:
    """Returns the labels of a model of models.config; None where no version is stable."""
    labels = dict(model.version_labels)
    if STABLE not in labels:
        return None
    stable, canary, previous = (labels.pop(name, None) for name in (STABLE, CANARY, PREVIOUS))
    return Labels(stable or 0, canary, previous, labels)


def write(model: ModelConfig, labels: Labels) -> None:
    """Puts labels into a model of models.config, which then loads the labelled versions only."""
    model.model_version_policy.Clear()
    model.model_version_policy.specific.versions.extend(labels.loaded())
    model.version_labels.clear()
    for name, version in labels.by_name().items():
        model.version_labels[name] = version


def with_canary(name: str, labels: Labels, version: int) -> Labels:
    """Returns the labels with a version on trial beside the stable one.

    Raises:
      UserError: The version is stable, or another one is on trial.
    """
    if version == labels.stable:
        raise UserError(f"{name}: version {version} is {STABLE} already; nothing to try")
    if labels.canary not in (None, version):
        raise UserError(
            f"{name}: version {labels.canary} is the {CANARY}; end its trial first, with"
            f" `ser serving promote {name} {labels.canary}` or `ser serving canary {name} --remove`"
        )
    return dataclasses.replace(labels, canary=version)


def without_canary(name: str, labels: Labels) -> Labels:
    """Returns the labels without a version on trial.

    Raises:
      UserError: There is none.
    """
    if labels.canary is None:
        raise UserError(f"{name}: no version is on trial; nothing to remove")
    return dataclasses.replace(labels, canary=None)


def promoted(name: str, labels: Labels, version: int) -> Labels:
    """Returns the labels with another version stable, and the one before it kept loaded.

    Raises:
      UserError: The version is stable already, or the server does not have it loaded.
    """
    if version == labels.stable:
        raise UserError(f"{name}: version {version} is {STABLE} already")
    if version not in labels.loaded():
        raise UserError(
            f"{name}: version {version} is not loaded, and a label moved to it would drop requests;"
            f" `ser serving canary {name} {version}` first, then promote it once the server has it"
        )
    canary = None if labels.canary == version else labels.canary
    return dataclasses.replace(labels, stable=version, canary=canary, previous=labels.stable)


def rolled_back(name: str, labels: Labels, version: int | None = None) -> Labels:
    """Returns the labels with the version before stable again, or the one named.

    Raises:
      UserError: No version was stable before, or the one named is not loaded.
    """
    if version is None and labels.previous is None:
        raise UserError(
            f"{name}: no version was {STABLE} before {labels.stable}; name one that is loaded:"
            f" {', '.join(map(str, labels.loaded()))}"
        )
    return promoted(name, labels, labels.previous if version is None else version)  # type: ignore[arg-type]
