"""The cells of the study: one training, fine-tuning or baseline each, equal where equal work."""

import dataclasses
import hashlib
import json
from typing import Any

from modules.training.engine import Settings
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
      protocol: of the folds.
      split: which folds it sees.
      domains: whose clips it sees, sorted.
      architecture: `cnn_lstm` or `cnn`.
      preset, precision: of `modules.networks.waveform.build_network`.
      settings: of the training; their seed is the seed of everything.
    """

    protocol: str
    split: Split
    domains: tuple[str, ...]
    architecture: str = "cnn_lstm"
    preset: str = "fast"
    precision: str = "float32"
    settings: Settings


@dataclasses.dataclass(frozen=True, kw_only=True)
class FineTuning:
    """A pre-trained network adapted to a target by an approach, a key of `transfer.APPROACHES`."""

    parent: Training
    target: str
    approach: str
    settings: Settings

    @property
    def protocol(self) -> str:
        return self.parent.protocol

    @property
    def split(self) -> Split:
        return self.parent.split


@dataclasses.dataclass(frozen=True, kw_only=True)
class Svm:
    """SVM-IS: an RBF SVM on INTERSPEECH 2010 features, trained on `domains` (paper, Table 2)."""

    protocol: str
    split: Split
    domains: tuple[str, ...]
    seed: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class AdaptiveSvm:
    """An SVM trained on `sources` and adapted to `target` (paper, Table 5)."""

    protocol: str
    split: Split
    sources: tuple[str, ...]
    target: str
    seed: int


Cell = Training | FineTuning | Svm | AdaptiveSvm
KINDS: dict[str, type] = {
    "training": Training,
    "fine_tuning": FineTuning,
    "svm": Svm,
    "adaptive_svm": AdaptiveSvm,
}


def to_json(cell: Cell) -> dict[str, Any]:
    """Returns the cell as nested dictionaries, with its `kind`."""
    kind = next(name for name, cls in KINDS.items() if type(cell) is cls)
    return {"kind": kind, **json.loads(json.dumps(dataclasses.asdict(cell)))}


def from_json(values: dict[str, Any]) -> Cell:
    """Returns the cell that `to_json` wrote."""
    values = dict(values)
    cls = KINDS[values.pop("kind")]
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
