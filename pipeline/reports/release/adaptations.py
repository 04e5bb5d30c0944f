"""How a model was adapted from its pre-training: in words, and the proof of what was frozen."""

import dataclasses

from modules.training.records import AdaptationRecord, Fate
from pipeline.config import ReleaseConfig
from pipeline.reports.release.results import ModelResult
from schemas.words import listed, three

SCENARIOS = {
    "S1": "pre-trained with this domain's training folds",
    "S2": "pre-trained without this domain",
}
FATES: tuple[Fate, ...] = ("frozen", "tuned", "re-initialised")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Adaptation:
    """An approach as it was carried out, or was to be where nothing was trained.

    Attributes:
      approach: Its name; `auto: A4` if it was chosen.
      scenario: `S1` or `S2`.
      words: What became of each layer group, what the scenario means, how it was chosen.
    """

    approach: str
    scenario: str
    words: str

    @property
    def name(self) -> str:
        """Approach and scenario."""
        return f"{self.approach}, {self.scenario}"


def adaptation(model: ModelResult, config: ReleaseConfig) -> Adaptation:
    """Returns how a model was adapted, from its record, else from the configuration."""
    record = model.training.adaptation if model.training else None
    if record is None:
        planned = config.for_domain(model.name)
        approach, scenario = str(planned.approach), str(planned.scenario)
        return Adaptation(approach=approach, scenario=scenario, words=SCENARIOS[scenario])
    chosen = record.asked != record.approach
    uars = ", ".join(f"{name} {three(uar)}" for name, uar in record.choice.items())
    parts = [layers(record), SCENARIOS[record.scenario]]
    if uars:
        parts.append(f"chosen by UAR on an inner split: {uars}")
    return Adaptation(
        approach=f"{record.asked}: {record.approach}" if chosen else record.approach,
        scenario=record.scenario,
        words="; ".join(parts),
    )


def layers(record: AdaptationRecord) -> str:
    """Returns what became of the layer groups, in words."""
    if not record.fine_tuned:
        return "pre-trained network as it is"
    if set(record.fates.values()) == {"tuned"}:
        words = "all layers tuned"
    else:
        groups = {
            fate: listed(group for group, own in record.fates.items() if own == fate)
            for fate in FATES
        }
        words = "; ".join(f"{names} {fate}" for fate, names in groups.items() if names)
    return f"{words}, with L2-SP {record.l2_sp:g}" if record.l2_sp else words


@dataclasses.dataclass(frozen=True, kw_only=True)
class GroupProof:
    """What the hashes of a layer group's weights tell.

    Attributes:
      group: Its name.
      fate: What was to become of it.
      before, after: First digits of the SHA-256 of its weights.
      changed: Whether the two differ.
      as_meant: Whether it changed if and only if it was to.
    """

    group: str
    fate: str
    before: str
    after: str
    changed: bool
    as_meant: bool


@dataclasses.dataclass(frozen=True, kw_only=True)
class Proof:
    """The proof of what was frozen.

    Attributes:
      groups: One entry a layer group, from the input upwards.
      base: Name of the pre-training.
      from_base: Whether the weights before are those with which that pre-training ended; `None`
        where there is no record of it.
      idle: Groups that were to learn and did not.
    """

    groups: tuple[GroupProof, ...]
    base: str
    from_base: bool | None
    idle: tuple[str, ...]


DIGITS = 12


def proof(model: ModelResult) -> Proof | None:
    """Returns the proof of what was frozen; `None` for a model that was not adapted."""
    record = model.training
    if record is None or record.adaptation is None:
        return None
    before, after = record.weight_hashes_before, record.weight_hashes
    groups = []
    for group, fate in record.adaptation.fates.items():
        changed = before[group] != after[group]
        groups.append(
            GroupProof(
                group=group,
                fate="re-initialised, then trained" if fate == "re-initialised" else fate,
                before=before[group][:DIGITS],
                after=after[group][:DIGITS],
                changed=changed,
                as_meant=changed == (fate != "frozen"),
            )
        )
    base = model.pretraining
    return Proof(
        groups=tuple(groups),
        base=record.adaptation.base,
        from_base=base.weight_hashes == before if base else None,
        idle=record.idle,
    )
