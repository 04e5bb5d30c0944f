"""The cells of the study: one training, fine-tuning or baseline each, equal where equal work."""

import dataclasses
import hashlib
import json
from typing import Any

from modules.baselines.features import FUNCTIONALS, IS10
from modules.networks.approaches import Adaptation, resolve
from modules.networks.registry import NetworkSpec
from modules.networks.waveform import WAVEFORM, WITHOUT_LSTM
from modules.training.settings import Settings
from schemas.labels import PAPER
from schemas.splits import NUM_FOLDS


@dataclasses.dataclass(frozen=True, kw_only=True)
class Split:
    """Which folds train and which one is tested on; what is in neither is set aside."""

    train: tuple[int, ...]
    test: int

    @classmethod
    def outer(cls, fold: int) -> "Split":
        """Tests on `fold` and trains on all others (paper, section 3.2)."""
        return cls(train=tuple(i for i in range(NUM_FOLDS) if i != fold), test=fold)

    @classmethod
    def inner(cls, fold: int) -> "Split":
        """Sets the outer test fold aside; of its training folds, the next one is tested on."""
        test = (fold + 1) % NUM_FOLDS
        return cls(train=tuple(i for i in range(NUM_FOLDS) if i not in (fold, test)), test=test)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Training:
    """A network trained from scratch: a pre-training, a training on the target (TT), Table 2.

    Attributes:
      protocol: Protocol of the folds.
      split: Folds it sees.
      domains: Domains whose clips it sees, sorted.
      network: The network, with an output for each label.
      settings: Settings of the training; their seed is the seed of everything.
      clips_per_class: Number of clips of each class that it sees of a domain, drawn from the
        training folds (`draws`); all if absent.
    """

    protocol: str
    split: Split
    domains: tuple[str, ...]
    network: NetworkSpec
    settings: Settings
    clips_per_class: int | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class FineTuning:
    """A pre-trained network adapted to a target.

    Attributes:
      parent: Pre-training it starts from.
      target: Domain it is adapted to.
      approach: Name in `approaches.APPROACHES`.
      settings: Settings of the fine-tuning; their seed is the seed of everything.
      clips_per_class: As of `Training`, of the target.
    """

    parent: Training
    target: str
    approach: str
    settings: Settings
    clips_per_class: int | None = None

    @property
    def protocol(self) -> str:
        """Protocol of the folds, the parent's."""
        return self.parent.protocol

    @property
    def split(self) -> Split:
        """Folds it sees, the parent's."""
        return self.parent.split


@dataclasses.dataclass(frozen=True, kw_only=True)
class Svm:
    """An RBF SVM trained on `domains` (paper, Table 2).

    Attributes:
      protocol: Protocol of the folds.
      split: Folds it sees.
      domains: Domains whose clips it sees, sorted.
      seed: Seed of the inner folds that choose its parameters.
      features: Name of its features in `modules.baselines.features.FEATURE_SETS`.
    """

    protocol: str
    split: Split
    domains: tuple[str, ...]
    seed: int
    features: str = FUNCTIONALS


@dataclasses.dataclass(frozen=True, kw_only=True)
class AdaptiveSvm:
    """An SVM trained on `sources` and adapted to `target` (paper, Table 5); else as `Svm`."""

    protocol: str
    split: Split
    sources: tuple[str, ...]
    target: str
    seed: int
    features: str = FUNCTIONALS


Cell = Training | FineTuning | Svm | AdaptiveSvm
KINDS: dict[str, type] = {
    "training": Training,
    "fine_tuning": FineTuning,
    "svm": Svm,
    "adaptive_svm": AdaptiveSvm,
}


def to_json(cell: Cell) -> dict[str, Any]:
    """Returns the cell as nested dictionaries, with its `kind`.

    Cells that could be written before there were front ends are written as they were then, so that
    older stores keep their names.
    """
    kind = next(name for name, cls in KINDS.items() if type(cell) is cls)
    values = {"kind": kind, **json.loads(json.dumps(dataclasses.asdict(cell)))}
    for own in (values, values.get("parent", {})):
        if own.get("clips_per_class", 0) is None:
            del own["clips_per_class"]
        if "settings" in own:
            own["settings"] = _without_defaults(own["settings"])
        if "network" in own:
            own |= _written(own.pop("network"))
    # As it was before there was a choice.
    if values.get("features") == IS10:
        del values["features"]
    return values


# Keys of settings that are younger than some stores.
_YOUNGER = ("optimizer", "weight_decay", "sampling", "label_smoothing")
# Names of the paper's networks in older stores, by whether they have an LSTM.
_NAMES = {True: "cnn_lstm", False: "cnn"}


def _without_defaults(settings: dict[str, Any]) -> dict[str, Any]:
    defaults = {field.name: field.default for field in dataclasses.fields(Settings)}
    return {
        key: value
        for key, value in settings.items()
        if key not in _YOUNGER or value != defaults[key]
    }


def _written(network: dict[str, Any]) -> dict[str, Any]:
    """Returns the keys of a cell that tell its network."""
    if network["front_end"] != WAVEFORM.name:
        return {"network": network}
    lstm = not network["preset"].endswith(WITHOUT_LSTM)
    return {
        "architecture": _NAMES[lstm],
        "preset": network["preset"].removesuffix(WITHOUT_LSTM),
        "precision": network["precision"],
        **({"outputs": network["outputs"]} if network["outputs"] != len(PAPER) else {}),
    }


def _read_network(values: dict[str, Any]) -> NetworkSpec:
    """Returns the network of a cell, whose keys are taken from `values`."""
    if "network" in values:
        return NetworkSpec.from_json(values.pop("network"))
    suffix = "" if values.pop("architecture") == _NAMES[True] else WITHOUT_LSTM
    return NetworkSpec(
        front_end=WAVEFORM.name,
        preset=values.pop("preset") + suffix,
        precision=values.pop("precision"),
        outputs=values.pop("outputs", len(PAPER)),
    )


def from_json(values: dict[str, Any]) -> Cell:
    """Returns the cell that `to_json` wrote."""
    values = dict(values)
    cls = KINDS[values.pop("kind")]
    if cls is Training:
        values["network"] = _read_network(values)
    if cls in (Svm, AdaptiveSvm):
        values.setdefault("features", IS10)
    if "parent" in values:
        values["parent"] = from_json({"kind": "training", **values["parent"]})
    if "split" in values:
        values["split"] = Split(train=tuple(values["split"]["train"]), test=values["split"]["test"])
    if "settings" in values:
        values["settings"] = Settings(**values["settings"])
    for name in ("domains", "sources"):
        if name in values:
            values[name] = tuple(values[name])
    return cls(**values)


def key(cell: Cell) -> str:
    """Returns the cell's name: equal cells, equal names, in every process."""
    text = json.dumps(to_json(cell), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def adaptation(cell: FineTuning) -> Adaptation:
    """Returns what a fine-tuning does to the layer groups of its network."""
    network = cell.parent.network
    return resolve(cell.approach, network.groups, held=network.held)


def describe(cell: Cell) -> str:
    """Returns the cell in words."""
    where = f"{cell.protocol}, fold {cell.split.test}"
    if isinstance(cell, Svm | AdaptiveSvm):
        where += f", {cell.features}"
    elif cell.clips_per_class:
        where += f", {cell.clips_per_class} clips a class"
    if isinstance(cell, FineTuning):
        return (
            f"{cell.approach} to {cell.target} from {'+'.join(cell.parent.domains)} ({where},"
            f" seed {cell.settings.seed})"
        )
    if isinstance(cell, Training):
        return (
            f"{cell.network.front_end} {cell.network.preset} on {'+'.join(cell.domains)} ({where},"
            f" seed {cell.settings.seed})"
        )
    if isinstance(cell, AdaptiveSvm):
        return f"Adaptive SVM to {cell.target} from {'+'.join(cell.sources)} ({where})"
    return f"SVM on {'+'.join(cell.domains)} ({where})"
