"""What tells how far a model's answers are to be relied on, typed; kept with the model."""

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

# Below a SavedModel's folder.
TRUST_FILE = "assets.extra/trust.json"


@dataclasses.dataclass(frozen=True, kw_only=True)
class SoundThresholds:
    """What a clip has to be like before a network is asked; how they were chosen: docs/trust.md.

    Attributes:
      silence_dbfs: Level of the loudest frame of 25 ms below which a clip is silence.
      shortest_s: Seconds that have to be left when silence is trimmed from the ends.
      clipped_share: Share of samples on a flat top above which a clip is clipped.
      level_change_db: Mean change of the level within 20 ms below which nothing speaks.
      spectrum_change_db: Standard deviation over time of the shape of the spectrum below which
        nothing speaks.
    """

    silence_dbfs: float = -60.0
    shortest_s: float = 0.4
    clipped_share: float = 0.03
    level_change_db: float = 0.6
    spectrum_change_db: float = 3.3


@dataclasses.dataclass(frozen=True, kw_only=True)
class Calibration:
    """The temperature that makes a network's probabilities fit how often it is right.

    Attributes:
      temperature: Probabilities are raised to its inverse.
      clips, speakers: Number of those that it was fitted on.
    """

    temperature: float
    clips: int
    speakers: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class Trust:
    """How far a model's answers are to be relied on.

    Attributes:
      calibration: `None` where probabilities stay as the network gives them.
      domains: Of a multi-domain network, the calibration for clips of one domain by its name: where
        the domain is served by that network.
      false_alarms: Share of a domain's clips that may be called unlike the training's.
      distance: Distance from the training clips above which a clip is; `None` where distances are
        not known.
      sound: What a clip has to be like before the network is asked.
    """

    calibration: Calibration | None = None
    domains: Mapping[str, Calibration] = dataclasses.field(default_factory=dict)
    false_alarms: float = 0.005
    distance: float | None = None
    sound: SoundThresholds = SoundThresholds()

    @property
    def temperature(self) -> float:
        """The temperature, 1 where there is no calibration."""
        return self.calibration.temperature if self.calibration else 1.0

    def for_domain(self, domain: str) -> "Trust":
        """Returns the same of the network where it serves one domain alone."""
        return dataclasses.replace(
            self, calibration=self.domains.get(domain, self.calibration), domains={}
        )

    def to_json(self) -> str:
        """Returns them as JSON, which `from_json` reads."""
        return json.dumps(dataclasses.asdict(self), indent=2, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "Trust":
        """Returns what `to_json` wrote."""
        return cls.of(json.loads(text))

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> "Trust":
        """Returns what `dataclasses.asdict` made dictionaries of."""
        calibration = values["calibration"]
        own = {
            "calibration": Calibration(**calibration) if calibration else None,
            "domains": {name: Calibration(**each) for name, each in values["domains"].items()},
            "sound": SoundThresholds(**values["sound"]),
        }
        return cls(**{**values, **own})
