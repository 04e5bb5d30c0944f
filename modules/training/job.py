"""What trainings are asked to do, and what they did, typed."""

import dataclasses
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np

from modules.networks.approaches import PAPER_APPROACHES
from modules.networks.registry import NetworkSpec
from modules.training.records import Fate
from modules.training.settings import Settings
from schemas.labels import LabelSet

# Arrays of each layer that has any, in Keras' order, by the layer's name.
Weights = dict[str, list[np.ndarray]]


def _no_rows() -> np.ndarray:
    return np.empty(0, np.int64)


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Job:
    """One training for the engine: of a new network, or of a pre-trained one by an approach.

    Attributes:
      name: Name in progress messages.
      network: The network. Its initial weights, if it is new, are fixed by the settings' seed.
      settings: How long and how fast it learns.
      train: int64 `[n]`, rows of the engine's clips to train on.
      held_out: int64 `[m]`, rows of the inner split; empty where there is none.
      tested: int64 `[k]`, rows whose probabilities are wanted; none by default.
      start: Weights to start from, those of groups that are re-initialised included; `None` for a
        new network.
      approach: Name in `approaches.APPROACHES`; `None` for a new network.
      output_of_label: int64 `[labels]`, position among the network's outputs of each label of the
        clips; `None` where they are the same.
      report_epochs: Whether each epoch is reported.

    Raises:
      ValueError: One of `start` and `approach` is given without the other.
    """

    name: str
    network: NetworkSpec
    settings: Settings
    train: np.ndarray
    held_out: np.ndarray = dataclasses.field(default_factory=_no_rows)
    tested: np.ndarray = dataclasses.field(default_factory=_no_rows)
    start: Weights | None = None
    approach: str | None = None
    output_of_label: np.ndarray | None = None
    report_epochs: bool = True

    def __post_init__(self) -> None:
        if (self.start is None) != (self.approach is None):
            raise ValueError("pre-trained weights go with an approach, and a new network with none")


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Outcome:
    """What a training of the engine did.

    Attributes:
      weights: Weights of the network now.
      history: One dictionary an epoch: `loss`, `accuracy`, with an inner split also `val_loss` and
        `val_uar`; empty where there was no training.
      kept_epoch: Epoch, from 1, whose weights early stopping kept; `None` without patience.
      fates: Fate of each layer group, from the input upwards; all `tuned` in a new network.
      hashes_before: SHA-256 of each layer group of the network it started from.
      hashes: The same of the network now.
      idle: Groups that were to learn and did not.
      l2_sp: Strength of the pull towards the start that the optimizer applied.
      member_probabilities: float32 `[members, k, outputs]`, of the rows to be tested.
      train_s: Seconds that the training took, the outputs of frozen layers not counted.
    """

    weights: Weights
    history: list[dict[str, float]]
    kept_epoch: int | None
    fates: dict[str, Fate]
    hashes_before: dict[str, str]
    hashes: dict[str, str]
    idle: tuple[str, ...]
    l2_sp: float
    member_probabilities: np.ndarray
    train_s: float

    @property
    def probabilities(self) -> np.ndarray:
        """The network's output for the rows to be tested, float32 `[k, outputs]`."""
        return self.member_probabilities.mean(axis=0)


Stage = Literal["pretrain", "fine_tune"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrainerJob:
    """What a Trainer of the release pipeline is to do; its `custom_config` holds this as JSON.

    Attributes:
      name: Name of the training: `pretrain`, `pretrain-without-emodb`, or the target's.
      stage: `pretrain` or `fine_tune`.
      network: The network. A fine-tuning keeps that of its base but for the labels.
      labels: Label set of the manifest.
      settings: How long and how fast the network learns. Their own seed is not used.
      inner_fraction: Share of the clips that make the inner split.
      protocol: Protocol of the folds; the inner split follows it.
      dev_domains: Domains whose last fold is an official dev part, which makes the inner split.
      trim_silence: Whether clips were trimmed, so that serving does the same.
      seed: Seed of everything.
      embedded: Whether the clips are the outputs of the layers that the network holds.
      known_speakers: Whether what the clips of a speaker have in common is taken out of them.
      candidates: Approaches among which `auto` chooses.
      code_digest: Digest of the sources, so that TFX runs the step again when they change.
      memory_gib: Most memory that clips may take, in GiB; `None` for a quarter of the machine's.
      without_domain: Domain that a pre-training leaves out (S2).
      for_choice: Whether a pre-training leaves a second network, trained without the clips on
        which approaches are compared.
      calibrate: Whether probabilities are calibrated.
      false_alarms: Share of a domain's clips that may be called unlike the training's; `None` where
        that is not asked.
      domain: Target of a fine-tuning.
      scenario: `S1` or `S2`, whether the target is part of the pre-training it starts from.
      base: Name of that pre-training.
      approach: Name in `approaches.APPROACHES`, or `auto`.

    Raises:
      ValueError: A fine-tuning lacks one of its four attributes.
    """

    name: str
    stage: Stage
    network: NetworkSpec
    labels: LabelSet
    settings: Settings
    inner_fraction: float
    protocol: str
    trim_silence: bool
    seed: int
    dev_domains: tuple[str, ...] = ()
    embedded: bool = False
    known_speakers: bool = False
    candidates: tuple[str, ...] = PAPER_APPROACHES
    code_digest: str = ""
    memory_gib: float | None = None
    without_domain: str | None = None
    for_choice: bool = False
    calibrate: bool = False
    false_alarms: float | None = None
    domain: str | None = None
    scenario: str | None = None
    base: str | None = None
    approach: str | None = None

    def __post_init__(self) -> None:
        if self.stage == "fine_tune":
            for field in ("domain", "scenario", "base", "approach"):
                if getattr(self, field) is None:
                    raise ValueError(f"the fine-tuning {self.name} has no {field}")

    @property
    def seeded_settings(self) -> Settings:
        """The settings, with the seed of everything."""
        return dataclasses.replace(self.settings, seed=self.seed)

    def to_json(self) -> dict[str, Any]:
        """Returns the job as dictionaries of what JSON has."""
        return {**dataclasses.asdict(self), "labels": list(self.labels)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "TrainerJob":
        """Returns the job that `to_json` wrote."""
        own = {
            "network": NetworkSpec.from_json(values["network"]),
            "candidates": tuple(values["candidates"]),
            "dev_domains": tuple(values.get("dev_domains", ())),
            "labels": LabelSet(tuple(values["labels"])),
            "settings": Settings(**values["settings"]),
        }
        return cls(**{**values, **own})
