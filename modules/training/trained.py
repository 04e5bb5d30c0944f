"""A trained network and the record of its training, in memory and in a model's folder."""

import dataclasses

import keras

from modules.networks.registry import NetworkSpec, load_network
from modules.training import freezing
from modules.training.job import Weights
from modules.training.records import RECORD_FILE, NetworkRecord, TrainingRecord
from schemas.copies import local_copy
from schemas.errors import UserError
from schemas.labels import LabelSet
from schemas.places import place

NETWORK_FILE = "network.keras"
# Pre-trained without the clips on which approaches are compared, those of the first part.
CHOICE_NETWORK_FILE = "network_for_choice.keras"


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Trained:
    """A trained network.

    Attributes:
      weights: Its weights.
      record: What its training did.
    """

    weights: Weights
    record: TrainingRecord

    @property
    def labels(self) -> LabelSet:
        """Label set of the network, in the order of its outputs."""
        return LabelSet(self.record.labels)

    @property
    def spec(self) -> NetworkSpec:
        """All that fixes the network but its weights."""
        return spec_of(self.record.network, self.labels)

    @property
    def speakers_encoder(self) -> str | None:
        """SHA-256 of the encoder whose embeddings tell speakers, where these are known."""
        if not self.record.known_speakers:
            return None
        assert self.spec.encoder is not None
        return self.spec.encoder.sha256

    def network(self) -> keras.Sequential:
        """Returns the network."""
        network = self.spec.build(seed=0)
        freezing.set_weights(network, self.weights)
        return network


def spec_of(record: NetworkRecord, labels: LabelSet) -> NetworkSpec:
    """Returns the network of a record, with an output for each label."""
    values = dataclasses.asdict(record)
    del values["parameters"]
    return NetworkSpec.from_json({**values, "outputs": len(labels)})


def network_record(spec: NetworkSpec, weights: Weights) -> NetworkRecord:
    """Returns what a record tells of a network."""
    values = dataclasses.asdict(spec)
    del values["outputs"]
    return NetworkRecord(
        **values,
        parameters=sum(array.size for arrays in weights.values() for array in arrays),
    )


def part_network_file(part: int) -> str:
    """Returns the file of the network that was pre-trained without a part of the clips."""
    return f"network_without_part_{part + 1}.keras" if part else CHOICE_NETWORK_FILE


def load(folder: str, *, for_choice: bool = False, part: int = 0) -> Trained:
    """Reads what a pre-training left in a model's folder.

    Args:
      folder: The folder with the network and its record.
      for_choice: Whether to read the network that did not see the clips on which approaches are
        compared, or another part.
      part: Number of the part. The record is that of the first.

    Raises:
      UserError: The network is of another version of its front end.
    """
    text = (place(folder) / RECORD_FILE).read_text(encoding="utf-8")
    record = TrainingRecord.from_json(text)
    if for_choice:
        if record.for_choice is None:
            raise ValueError(f"{folder} holds no network for the choice of an approach")
        record = record.for_choice
    groups = spec_of(record.network, LabelSet(record.labels)).groups
    name = part_network_file(part) if for_choice else NETWORK_FILE
    with local_copy(place(folder) / name) as file:
        network = load_network(str(file))
    there = {layer.name for layer in network.layers}
    lacking = [layer for layers in groups.values() for layer in layers if layer not in there]
    if lacking:
        raise UserError(
            f"{folder}: its network has no layer {', '.join(lacking)}: another version of this"
            " program trained it; run its release again"
        )
    return Trained(weights=freezing.weights_of(network, groups), record=record)
