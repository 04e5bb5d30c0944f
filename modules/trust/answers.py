"""How far a served model's answers about labelled clips were to be relied on, summed up.

Imports numpy and scipy only.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from modules.trust.calibration import Reliability, tempered
from schemas import signatures

ECE, BRIER, RELIABILITY, UNSURE = "ece", "brier", "reliability", "unsure"
UNCALIBRATED = "_uncalibrated"
FIGURES = (
    *(name + suffix for suffix in ("", UNCALIBRATED) for name in (ECE, BRIER, RELIABILITY)),
    *(f"{UNSURE}_{reason}" for reason in signatures.UNSURE_REASONS),
)


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Answers:
    """Answers, summed up.

    Attributes:
      served: Reliability of the probabilities that were served.
      uncalibrated: Reliability of what they were before calibration.
      unsure: Number of answers by each of `signatures.UNSURE_REASONS`, int64.
    """

    served: Reliability
    uncalibrated: Reliability
    unsure: np.ndarray

    @classmethod
    def of(cls, outputs: Mapping[str, Any], label: int) -> "Answers":
        """Returns one answer.

        Args:
          outputs: A model's outputs about one clip; `temperature` and `unsure`, which older
            models lack, may be missing: then nothing was calibrated, and nothing unsure.
          label: The clip's label, an index into the probabilities.
        """
        served = np.asarray(outputs[signatures.OUTPUT_PROBABILITIES], np.float64).reshape(1, -1)
        [temperature] = np.ravel(outputs.get(signatures.OUTPUT_TEMPERATURE, 1.0))
        [reason] = np.ravel(outputs.get(signatures.OUTPUT_UNSURE, b""))
        # Labels that the domain lacks have 0, at any temperature.
        before = tempered(served, 1.0 / float(temperature), served > 0.0)
        labels = np.array([label])
        return cls(
            served=Reliability.of(served, labels),
            uncalibrated=Reliability.of(before, labels),
            unsure=np.array([reason == each.encode() for each in signatures.UNSURE_REASONS], int),
        )

    def __add__(self, other: "Answers") -> "Answers":
        return Answers(
            served=self.served + other.served,
            uncalibrated=self.uncalibrated + other.uncalibrated,
            unsure=self.unsure + other.unsure,
        )

    def figures(self) -> dict[str, Any]:
        """Returns a float, or a float64 array, by each name of `FIGURES`."""
        found: dict[str, Any] = {}
        for suffix, own in (("", self.served), (UNCALIBRATED, self.uncalibrated)):
            found[ECE + suffix] = own.expected_calibration_error
            found[BRIER + suffix] = own.brier_score
            found[RELIABILITY + suffix] = own.sums()
        for reason, count in zip(signatures.UNSURE_REASONS, self.unsure, strict=True):
            found[f"{UNSURE}_{reason}"] = float(count)
        return found

    @classmethod
    def from_figures(cls, figures: Mapping[str, Any]) -> "Answers":
        """Returns the answers whose `figures` these are."""

        def reliability(suffix: str) -> Reliability:
            return Reliability.from_sums(figures[RELIABILITY + suffix], figures[BRIER + suffix])

        counts = [round(figures[f"{UNSURE}_{reason}"]) for reason in signatures.UNSURE_REASONS]
        return cls(
            served=reliability(""),
            uncalibrated=reliability(UNCALIBRATED),
            unsure=np.array(counts, int),
        )
