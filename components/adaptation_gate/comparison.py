"""An adapted network against the multi-domain one, typed; the standard library only."""

import dataclasses
import json
from collections.abc import Mapping
from typing import Any, Literal

ADAPTED: Literal["adapted"] = "adapted"
MULTI_DOMAIN: Literal["multi-domain"] = "multi-domain"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Measured:
    """How one network did on the domain's test clips.

    Attributes:
      uar: UAR over the domain's labels.
      members: UAR of each of its members by itself: how far repeated trainings differ.
    """

    uar: float
    members: tuple[float, ...]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Enrolment:
    """What it is worth to the served network to know who speaks.

    Attributes:
      enrolled: Largest number of clips by which a speaker was known; at most half of its own.
      clips: Number of the others, on average over the draws, which were asked about.
      speakers: Number of speakers.
      unknown: UAR on them where nobody is known.
      known: UAR on the same clips where their speakers are.
    """

    enrolled: int
    clips: float
    speakers: int
    unknown: float
    known: float


@dataclasses.dataclass(frozen=True, kw_only=True)
class Comparison:
    """The adapted network against the multi-domain one, on the same clips.

    Attributes:
      domain: The domain.
      served: Which of them the domain serves: the multi-domain one, with the domain's own labels,
        where adapting made it worse.
      adapted, multi_domain: How each did.
      difference: UAR of the adapted network minus that of the multi-domain one.
      low, high: Limits of its 95% interval; NaN where nothing can be resampled.
      resampled: What the interval resamples: `speakers`, or `clips` of fewer than three speakers.
      clips, speakers: Number of those that were asked about.
      enrolment: What knowing the speakers is worth; `None` for networks that know none.
    """

    domain: str
    served: Literal["adapted", "multi-domain"]
    adapted: Measured
    multi_domain: Measured
    difference: float
    low: float
    high: float
    resampled: Literal["speakers", "clips"]
    clips: int
    speakers: int
    enrolment: Enrolment | None = None

    def to_json(self) -> str:
        """Returns the comparison as JSON, which `from_json` reads."""
        return json.dumps(dataclasses.asdict(self), indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "Comparison":
        """Returns the comparison that `to_json` wrote."""
        values = json.loads(text)
        own: dict[str, Any] = {
            name: _measured(values[name]) for name in ("adapted", "multi_domain")
        }
        enrolment = values["enrolment"]
        own["enrolment"] = Enrolment(**enrolment) if enrolment else None
        return cls(**{**values, **own})


def _measured(values: Mapping[str, Any]) -> Measured:
    return Measured(uar=values["uar"], members=tuple(values["members"]))
