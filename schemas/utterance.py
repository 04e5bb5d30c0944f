"""The record every corpus reader yields and every later step consumes."""

import dataclasses
from collections.abc import Iterable

# Speaker of a clip whose corpus does not tell who speaks: this and the file's stem, so that each
# such clip counts as a speaker of its own.
UNKNOWN_SPEAKER_PREFIX = "unknown:"

# What the fields may hold; empty where it is unknown.
GENDERS: tuple[str, ...] = ("female", "male", "")
ELICITATIONS: tuple[str, ...] = ("acted", "induced", "natural", "")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Utterance:
    """One labelled recording (one row of a manifest).

    Attributes:
      utterance_id: Unique within a manifest, `<domain>/<path stem within the corpus>`.
      path: The recording; absolute, or relative to the manifest's folder.
      domain: The corpus it belongs to, for example `emodb`.
      speaker: Unique within the domain; begins with `UNKNOWN_SPEAKER_PREFIX` if it is unknown.
      emotion: One of the manifest's label set (`schemas.labels`).
      language: ISO 639-1 code (`de`, `it`, …), or empty if unknown.
      gender: One of `GENDERS`.
      elicitation: One of `ELICITATIONS`.
      sentence: What is said, as the corpus' own code of a scripted text (`a01`); empty where there
        is no script or it is unknown.
      licence: The corpus' licence in a few words; empty if unknown.
      start_s, end_s: The part of the recording that is this utterance; `None` for all of it.
      channel: The channel of the recording that is heard (`schemas.channels`); empty for the first.
      sample_rate_hz: The recording's own rate; 0 before it was probed.
      duration_s: The utterance's duration in seconds; 0 before it was probed.
      sha256: Hex digest of the recording's bytes; empty before it was hashed.
      fold_random: 0…4 under the paper's protocol, -1 before it was assigned.
      fold_speaker_independent: 0…4, no speaker of a domain in two folds, -1 before it was assigned.
    """

    utterance_id: str
    path: str
    domain: str
    speaker: str
    emotion: str
    language: str = ""
    gender: str = ""
    elicitation: str = ""
    sentence: str = ""
    licence: str = ""
    start_s: float | None = None
    end_s: float | None = None
    sample_rate_hz: int = 0
    duration_s: float = 0.0
    sha256: str = ""
    fold_random: int = -1
    fold_speaker_independent: int = -1
    channel: str = ""

    def fold(self, protocol: str) -> int:
        """Returns the fold under `protocol` (`random` or `speaker_independent`)."""
        return {"random": self.fold_random, "speaker_independent": self.fold_speaker_independent}[
            protocol
        ]


def by_domain(utterances: Iterable[Utterance]) -> dict[str, list[Utterance]]:
    """Returns domain to its utterances, both in the order in which they come."""
    result: dict[str, list[Utterance]] = {}
    for utterance in utterances:
        result.setdefault(utterance.domain, []).append(utterance)
    return result
