"""The record every corpus reader yields and every later step consumes."""

import dataclasses

# Speaker of a clip whose corpus does not tell who speaks: this and the file's stem, so that each
# such clip counts as a speaker of its own.
UNKNOWN_SPEAKER_PREFIX = "unknown:"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Utterance:
    """One labelled recording (one row of a manifest).

    Attributes:
      utterance_id: unique within a manifest, `<domain>/<path stem within the corpus>`.
      path: the recording; absolute, or relative to the manifest's folder.
      domain: the corpus it belongs to, for example `emodb`.
      speaker: unique within the domain; begins with `UNKNOWN_SPEAKER_PREFIX` if it is unknown.
      emotion: one of `schemas.labels.EMOTIONS`.
      language: ISO 639-1 code (`de`, `it`, …), or empty if unknown.
      gender: `female`, `male`, or empty if unknown.
      elicitation: `acted`, `induced`, `natural`, or empty if unknown.
      sentence: what is said, as the corpus' own code of a scripted text (`a01`); empty where there
        is no script or it is unknown.
      licence: of the corpus, in a few words; empty if unknown.
      start_s, end_s: the part of the recording that is this utterance; `None` for all of it.
      sample_rate_hz: the recording's own rate; 0 before it was probed.
      duration_s: the utterance's duration in seconds; 0 before it was probed.
      sha256: hex digest of the recording's bytes; empty before it was hashed.
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

    def fold(self, protocol: str) -> int:
        """Returns the fold under `protocol` (`random` or `speaker_independent`)."""
        return {"random": self.fold_random, "speaker_independent": self.fold_speaker_independent}[
            protocol
        ]
