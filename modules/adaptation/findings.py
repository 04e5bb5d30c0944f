"""What an adaptation found, typed: written beside its model, read by reports."""

import dataclasses
import json
from collections.abc import Mapping
from typing import Any, Literal

from modules.adaptation.curve import CurvePoint
from modules.training.records import Fate

Served = Literal["adapted", "base"]
ADAPTED: Served = "adapted"
BASE: Served = "base"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Figure:
    """A UAR, or a difference of two, with its 95% interval.

    Attributes:
      value: The figure.
      low, high: Limits of the interval; NaN where nothing can be resampled.
    """

    value: float
    low: float
    high: float


@dataclasses.dataclass(frozen=True, kw_only=True)
class Answer:
    """What was answered to a clip by networks that had not seen it.

    Attributes:
      utterance_id, speaker: The clip.
      fold: Part in which it was tested.
      label: Its label.
      zero_shot: Answer of the base; `None` if it does not know the labels.
      adapted: Answers of the adapted network, one a repeat.
      scratch: Answer of the network trained on the own clips alone.
    """

    utterance_id: str
    speaker: str
    fold: int
    label: str
    zero_shot: str | None
    adapted: tuple[str, ...]
    scratch: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class FoldFinding:
    """One part of the cross-validation.

    Attributes:
      fold: Its number.
      clips: Number of clips that were tested.
      speakers: Their speakers.
      approach: Approach, chosen on the other parts.
      choice: UAR of each approach that was compared; empty if it was given.
      zero_shot: UAR of the base; `None` if it does not know the labels.
      adapted: UAR of the adapted network.
    """

    fold: int
    clips: int
    speakers: tuple[str, ...]
    approach: str
    choice: dict[str, float]
    zero_shot: float | None
    adapted: float


@dataclasses.dataclass(frozen=True, kw_only=True)
class ClassFinding:
    """One label of the domain.

    Attributes:
      label: The label.
      clips: Number of clips.
      zero_shot, adapted, scratch: Recalls.
      answers: How often each label of the domain was the adapted network's answer.
    """

    label: str
    clips: int
    zero_shot: float | None
    adapted: float
    scratch: float
    answers: tuple[int, ...]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Forgotten:
    """A domain of the base, asked after the adaptation.

    Attributes:
      domain: The domain.
      clips, speakers: Number of those that were asked about: of the base's test fold.
      base: UAR of the base.
      adapted: UAR of the adapted network; `None` if it no longer has the domain's labels.
      difference: Adapted minus base, on the same clips.
    """

    domain: str
    clips: int
    speakers: int
    base: float
    adapted: float | None
    difference: Figure | None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Lineage:
    """What the served network comes from.

    Attributes:
      base: Name of the release and of its pre-training.
      folder: Folder of the pre-trained network.
      record_digest: SHA-256 of the record of its training.
      base_clips: Number of clips that it was trained on, by domain.
      fates: Fate of each layer group.
      before, after: SHA-256 of the weights of each layer group, of the base and of the adapted
        network.
    """

    base: str
    folder: str
    record_digest: str
    base_clips: dict[str, int]
    fates: dict[str, Fate]
    before: dict[str, str]
    after: dict[str, str]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Verdict:
    """What is served, and whether it is pushed.

    Attributes:
      served: The adapted network, or the base with the domain's own labels.
      pushed: Whether it may be pushed.
      reason: Why, in words.
    """

    served: Served
    pushed: bool
    reason: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Findings:
    """What an adaptation found.

    Attributes:
      domain: The domain.
      labels: Labels that it has clips of, in the manifest's order.
      by_speaker: Whether whole speakers were tested.
      resampled: What intervals resample: `speakers`, or `clips` of fewer than three speakers.
      speakers: Number of clips by speaker.
      asked: Approach in the configuration, which may be `auto`.
      approach: Approach of the final network.
      choice: UAR of each approach that was compared for it; empty if it was given.
      zero_shot: UAR of the base; `None` if it does not know the labels, for the reason in
        `zero_shot_impossible`.
      adapted: Cross-validated UAR of the adapted network.
      scratch: Cross-validated UAR of a network trained on the own clips alone.
      difference: Adapted minus zero-shot.
      over_scratch: Adapted minus from scratch.
      member_uars: UAR of each member by itself, in the first cross-validation.
      repeat_uars: UAR of each cross-validation.
      classes: One entry a label.
      folds: One entry a part of the cross-validation.
      curve: The learning curve, from few clips to all.
      curve_approach: Approach of its adapted networks.
      forgotten: One entry a domain of the base; empty for the reason in `forgetting_impossible`.
      verdict: What is served and pushed.
      lineage: What it comes from.
      answers: One entry a clip.
      seconds: Wall time of each step.
    """

    domain: str
    labels: tuple[str, ...]
    by_speaker: bool
    resampled: Literal["speakers", "clips"]
    speakers: dict[str, int]
    asked: str
    approach: str
    choice: dict[str, float]
    zero_shot: Figure | None
    zero_shot_impossible: str
    adapted: Figure
    scratch: Figure
    difference: Figure | None
    over_scratch: Figure
    member_uars: tuple[float, ...]
    repeat_uars: tuple[float, ...]
    classes: tuple[ClassFinding, ...]
    folds: tuple[FoldFinding, ...]
    curve: tuple[CurvePoint, ...]
    curve_approach: str
    forgotten: tuple[Forgotten, ...]
    forgetting_impossible: str
    verdict: Verdict
    lineage: Lineage
    answers: tuple[Answer, ...]
    seconds: dict[str, float]

    @property
    def clips(self) -> int:
        """Number of clips."""
        return len(self.answers)

    def to_json(self) -> str:
        """Returns the findings as JSON, which `from_json` reads."""
        return json.dumps(dataclasses.asdict(self), indent=1, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "Findings":
        """Returns the findings that `to_json` wrote."""
        values: dict[str, Any] = json.loads(text)
        figures = ("zero_shot", "adapted", "scratch", "difference", "over_scratch")
        own = {
            **{name: _figure(values[name]) for name in figures},
            **{name: tuple(values[name]) for name in ("labels", "member_uars", "repeat_uars")},
            "classes": _all(ClassFinding, values["classes"], "answers"),
            "folds": _all(FoldFinding, values["folds"], "speakers"),
            "curve": _all(CurvePoint, values["curve"], "adapted", "scratch"),
            "forgotten": tuple(
                Forgotten(**{**each, "difference": _figure(each["difference"])})
                for each in values["forgotten"]
            ),
            "verdict": Verdict(**values["verdict"]),
            "lineage": Lineage(**values["lineage"]),
            "answers": _all(Answer, values["answers"], "adapted"),
        }
        return cls(**{**values, **own})


def _figure(values: Mapping[str, float] | None) -> Figure | None:
    return None if values is None else Figure(**values)


def _all(kind: Any, values: list[dict[str, Any]], *tuples: str) -> tuple[Any, ...]:
    """Returns objects of a kind, some of whose fields JSON made lists of."""
    return tuple(
        kind(**{**each, **{name: tuple(each[name]) for name in tuples}}) for each in values
    )
