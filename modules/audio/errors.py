"""Why a recording cannot be used: in the same words wherever it is met."""

from schemas.sound import MAX_SPEECH_RATE_HZ, MIN_DURATION_S, MIN_SPEECH_RATE_HZ

MAX_DURATION_S = 1_800.0
# Of all channels together; half an hour of stereo at 96 kHz is less.
MAX_VALUES = 2**29

EMPTY = "empty file"
LFS_POINTER = "a Git LFS pointer, not the recording: run `git lfs pull` in the copy it lies in"
NOT_AUDIO = "not audio, or its header is damaged"
NO_SOUND_TRACK = "has no sound track"
NO_DECODER = "its sound is in a coding that there is no decoder for"
NO_SAMPLES = "has no samples"
NOT_FINITE = "corrupt: has samples that are not finite numbers"
SILENT = "silent: all samples are equal"


class DecodingError(Exception):
    """A recording cannot be used. The message is the reason, in words."""


class PassingError(DecodingError):
    """A recording cannot be used now, for what lies outside it: the next try may go well."""


class TooLongError(DecodingError):
    """A recording is longer than what is held in memory at once."""


def fault(error: BaseException, message: str) -> DecodingError:
    """Returns the DecodingError with a message, a PassingError where the machine is at fault."""
    # FFmpeg's errors are OSErrors too, and tell of damaged recordings.
    of_machine = isinstance(error, OSError) and type(error).__module__ == OSError.__module__
    return PassingError(message) if of_machine else DecodingError(message)


def check_rate(rate_hz: int) -> None:
    """Raises DecodingError if a recording's rate is not within the limits of speech."""
    if not MIN_SPEECH_RATE_HZ <= rate_hz <= MAX_SPEECH_RATE_HZ:
        raise DecodingError(f"its sample rate, {rate_hz:,} Hz, is not that of speech")


def check_duration(duration_s: float) -> None:
    """Raises DecodingError if a recording is longer than `MAX_DURATION_S`."""
    if duration_s > MAX_DURATION_S:
        raise TooLongError(f"longer than {MAX_DURATION_S / 60:g} minutes: cut it into utterances")


def too_short(duration_s: float) -> str:
    """Returns in words that a recording of this duration cannot be used."""
    return f"too short: {1_000 * duration_s:.1f} ms, at least {1_000 * MIN_DURATION_S:g} are needed"


def no_channel(channel: str, num_channels: int) -> str:
    """Returns in words that a recording has too few channels."""
    return f"has no channel {channel}, it has {num_channels}"


def check_values(num_frames: int, num_channels: int) -> None:
    """Raises DecodingError for more sound than a recording can be meant to hold."""
    if num_frames * num_channels > MAX_VALUES:
        raise TooLongError(
            f"more than {MAX_VALUES:,} samples in {num_channels} channels: cut it into utterances"
        )


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
