"""What a training did, typed: written beside its network, read by reports and later trainings."""

import dataclasses
import json
from collections.abc import Mapping
from typing import Any, Literal

from modules.trust.record import Trust

# What happens to a layer group on its way from a pre-trained network to a target.
Fate = Literal["frozen", "tuned", "re-initialised"]

RECORD_FILE = "training.json"


@dataclasses.dataclass(frozen=True, kw_only=True)
class NetworkRecord:
    """A network that was built.

    Attributes:
      front_end: Name in `networks.registry.FRONT_ENDS`.
      preset: Name of one of the front end's presets.
      precision: Precision of the convolutions' products.
      encoder: What fixes its encoder, if it has one; fields as of `encoders.spec.EncoderSpec`.
      members: Number of heads whose mean its output is.
      parameters: Number of weights.
    """

    front_end: str
    preset: str
    precision: str
    encoder: dict[str, Any] | None
    members: int
    parameters: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class SettingsRecord:
    """How long and how fast a network was to learn; fields as of `settings.Settings`."""

    epochs: int
    batch_size: int
    optimizer: str
    learning_rate: float
    weight_decay: float
    schedule: str
    sampling: str
    label_smoothing: float
    patience: int
    shift_s: float
    seed: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class AdaptationRecord:
    """How a pre-trained network was adapted to a target.

    Attributes:
      domain: The target.
      scenario: `S1` or `S2`: whether the target's clips are part of the pre-training.
      base: Name of the pre-training.
      asked: Approach in the configuration, which may be `auto`.
      approach: Approach that was carried out.
      fates: Fate of each layer group, from the input upwards.
      fine_tuned: Whether there was any training on the target.
      l2_sp: Strength of the pull towards the pre-trained weights with which it was trained.
      choice: UAR on the inner split of each approach that was compared; empty if it was given.
    """

    domain: str
    scenario: str
    base: str
    asked: str
    approach: str
    fates: dict[str, Fate]
    fine_tuned: bool
    l2_sp: float
    choice: dict[str, float] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrainingRecord:
    """One training of a release.

    Attributes:
      name: Name of the training: `pretrain`, `pretrain-without-emodb`, or the target's.
      labels: Label set of the network, in the order of its outputs.
      domain_labels: Labels of which each domain has training clips, by domain.
      network: The network.
      settings: How long and how fast it was to learn.
      clips: Number of training clips by domain, the inner split included.
      held_out: Number of clips of the inner split by domain; empty without one.
      history: One dictionary an epoch: `loss`, `accuracy`, with an inner split also `val_loss` and
        `val_uar`.
      kept_epoch: Epoch, from 1, whose weights early stopping kept; `None` where the last stayed.
      weight_hashes: SHA-256 of each layer group after the training.
      weight_hashes_before: The same of the network it started from; empty for a new one.
      idle: Groups that were to learn and did not.
      known_speakers: Whether what the clips of a speaker have in common was taken out of them.
      adaptation: `None` for a pre-training.
      for_choice: The same training without the clips on which approaches are compared, and
        calibrations fitted; `None` where none are.
      trust: How far the network's answers are to be relied on; `None` where nobody asked.
    """

    name: str
    labels: tuple[str, ...]
    domain_labels: dict[str, tuple[str, ...]]
    network: NetworkRecord
    settings: SettingsRecord
    clips: dict[str, int]
    held_out: dict[str, int]
    history: list[dict[str, float]]
    kept_epoch: int | None
    weight_hashes: dict[str, str]
    weight_hashes_before: dict[str, str] = dataclasses.field(default_factory=dict)
    idle: tuple[str, ...] = ()
    known_speakers: bool = False
    adaptation: AdaptationRecord | None = None
    for_choice: "TrainingRecord | None" = None
    trust: Trust | None = None

    def to_json(self) -> str:
        """Returns the record as JSON, which `from_json` reads."""
        return json.dumps(dataclasses.asdict(self), indent=2, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "TrainingRecord":
        """Returns the record that `to_json` wrote."""
        return cls._of(json.loads(text))

    @classmethod
    def _of(cls, values: Mapping[str, Any]) -> "TrainingRecord":
        adaptation, for_choice = values["adaptation"], values["for_choice"]
        trust = values.get("trust")
        own = {
            "labels": tuple(values["labels"]),
            "domain_labels": {
                domain: tuple(labels) for domain, labels in values["domain_labels"].items()
            },
            "network": NetworkRecord(**values["network"]),
            "settings": SettingsRecord(**values["settings"]),
            "idle": tuple(values["idle"]),
            "adaptation": AdaptationRecord(**adaptation) if adaptation else None,
            "for_choice": cls._of(for_choice) if for_choice else None,
            "trust": Trust.of(trust) if trust else None,
        }
        return cls(**{**values, **own})
