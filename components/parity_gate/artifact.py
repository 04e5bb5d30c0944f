"""What ParityGate tells of a model."""

import dataclasses
import json

from ml_metadata.proto import metadata_store_pb2

# Of the component's outputs; the Pusher's name of its input too.
BLESSING = "infra_blessing"
PARITY_JSON = "parity.json"
# Property that TFX's Pusher reads.
BLESSED = "blessed"

# Largest difference of a probability.
TOLERANCE = 1e-5


@dataclasses.dataclass(frozen=True, kw_only=True)
class Parity:
    """How far a server's answers are from the evaluation's.

    Attributes:
      clips: Number of recordings that were sent.
      answers: Number of answers that were compared.
      largest_difference: Largest difference of a probability.
      differences: The same by what was asked.
      faults: Why the model is kept back, in words; empty if it is not.
    """

    clips: int
    answers: int
    largest_difference: float
    differences: dict[str, float]
    faults: tuple[str, ...]

    def to_json(self) -> str:
        """Returns it as text."""
        return json.dumps(dataclasses.asdict(self), indent=2)

    @classmethod
    def from_json(cls, text: str) -> "Parity":
        """Returns what `to_json` wrote."""
        values = json.loads(text)
        return cls(**{**values, "faults": tuple(values["faults"])})


def read(blessing: metadata_store_pb2.Artifact) -> Parity:
    """Reads what the component found."""
    from schemas.places import place

    return Parity.from_json((place(blessing.uri) / PARITY_JSON).read_text(encoding="utf-8"))
