"""Why a recording cannot be used: in the same words wherever it is met."""

from schemas.sound import MAX_RATE_HZ, MIN_RATE_HZ

MAX_DURATION_S = 1_800.0

EMPTY = "empty file"
NOT_AUDIO = "not audio, or its header is damaged"
NO_SOUND_TRACK = "has no sound track"
NO_DECODER = "its sound is in a coding that there is no decoder for"
NO_SAMPLES = "has no samples"
NOT_FINITE = "corrupt: has samples that are not finite numbers"
SILENT = "silent: all samples are equal"


class DecodingError(Exception):
    """A recording cannot be used. The message is the reason, in words."""


def check_rate(rate_hz: int) -> None:
    """Raises DecodingError if a recording's rate is not within `MIN_RATE_HZ` … `MAX_RATE_HZ`."""
    if not MIN_RATE_HZ <= rate_hz <= MAX_RATE_HZ:
        raise DecodingError(f"its sample rate, {rate_hz:,} Hz, is not that of speech")


def check_duration(duration_s: float) -> None:
    """Raises DecodingError if a recording is longer than `MAX_DURATION_S`."""
    if duration_s > MAX_DURATION_S:
        raise DecodingError(f"longer than {MAX_DURATION_S / 60:g} minutes: cut it into utterances")


def check_complete(promised: int, available: int, *, unit: str) -> None:
    """Raises DecodingError if there is less in a recording than its header promises.

    Args:
      promised: What the header tells.
      available: What is there.
      unit: What is counted, such as "samples".
    """
    if promised > available:
        raise DecodingError(
            f"truncated: its header promises {promised:,} {unit}, {available:,} are there"
        )
