"""What a model is asked about: a recording, a part of it, a channel of it; and how it is read."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from modules.audio import channels, decoding, recordings, streaming, wav
from modules.audio.contents import Contents, opened
from modules.audio.errors import MAX_DURATION_S, DecodingError, TooLongError
from modules.audio.samples import Sound
from schemas.channels import FIRST, MIX

if TYPE_CHECKING:
    import numpy as np

# In place of a channel: each is a recording of its own.
EACH = "each"


@dataclass(frozen=True, kw_only=True)
class Question:
    """A recording, or a part of one, that a model is asked about.

    Attributes:
      name: What answers and errors call it.
      path: Where it lies; empty for contents in memory.
      contents: What a file would hold; `None` for a path's.
      start_s, end_s: The part of the recording that is meant; `None` for all of it.
      channel: The channel that is heard (`schemas.channels`), or `EACH`.
      utterance_id: What a manifest calls it; empty where there is none.
    """

    name: str
    path: str = ""
    contents: Contents | None = None
    start_s: float | None = None
    end_s: float | None = None
    channel: str = FIRST
    utterance_id: str = ""

    @property
    def is_part(self) -> bool:
        """Whether a part of the recording is meant."""
        return self.start_s is not None or self.end_s is not None

    @contextlib.contextmanager
    def opened(self) -> Iterator[Contents]:
        """Gives the bytes of the recording. Raises DecodingError if there are none."""
        if self.contents is not None:
            yield self.contents
            return
        with opened(self.path) as contents:
            yield contents

    def header_s(self) -> float | None:
        """Returns the duration that a header tells, in seconds; `None` where it tells none."""
        if self.start_s is not None and self.end_s is not None:
            return self.end_s - self.start_s
        try:
            with self.opened() as contents:
                return decoding.header(contents)[1] - (self.start_s or 0.0)
        except DecodingError:
            return None

    def sound(self) -> Sound:
        """Returns the sound of what is asked about, with all channels.

        Recordings of which several parts are asked for are decoded once.

        Raises:
          TooLongError: It is more than is held in memory at once.
          DecodingError: It cannot be used.
        """
        if self.contents is not None:
            return decoding.cut(
                decoding.sound(self.contents), start_s=self.start_s, end_s=self.end_s
            )
        if self.is_part:
            return recordings.of_this_process().sound(
                self.path, start_s=self.start_s, end_s=self.end_s
            )
        with self.opened() as contents:
            _check_length(contents)
            return decoding.sound(contents)

    def channels(self) -> list[str]:
        """Returns the channels that are asked about, by reading as little as that needs."""
        if self.channel != EACH:
            return [self.channel]
        with self.opened() as contents:
            piece = next(streaming.pieces(contents, start_s=self.start_s, end_s=self.end_s))
        return numbered(piece)

    def served(self) -> bytes:
        """Returns the recording as it is, where the serving graph hears the same of it; or nothing.

        That is the first channel of a common plain wav. Errors as of `sound`.
        """
        if self.is_part or self.channel != FIRST:
            return b""
        with self.opened() as contents:
            return contents[:] if _is_served(contents) else b""


@dataclass(frozen=True)
class Refused:
    """What was asked about and cannot be: its name, and why."""

    name: str
    reason: str


def numbered(sound: Sound) -> list[str]:
    """Returns the names of all channels of a sound: their numbers, from 1 on."""
    return [str(number + 1) for number in range(sound.samples.shape[1])]


def heard(sound: Sound, channel: str) -> "np.ndarray":
    """Returns a channel of a sound, float32 [samples]. Raises DecodingError where it has none."""
    with decoding.one_recordings_fault():
        return channels.waveform(sound, channel).samples


def of_window(channel: str) -> str:
    """Returns the channel of a part that may be silent where another one sounds."""
    return channel if channel != FIRST else "1"


def check_channel(sound: Sound, channel: str) -> None:
    """Raises DecodingError if a sound has no such channel."""
    if channel != MIX:
        channels.position(sound, channel)


def _check_length(contents: Contents) -> None:
    """Raises TooLongError where a header tells as much, before all of it is decoded."""
    try:
        _, duration_s = decoding.header(contents)
    except DecodingError:
        return  # Decoding says what is wrong.
    if duration_s > MAX_DURATION_S:
        raise TooLongError("longer than what is held in memory")


def _is_served(contents: Contents) -> bool:
    if contents[:4] != b"RIFF" or not wav.is_wav(contents):
        return False
    header = wav.parse(contents)
    # Floats may be beyond full scale, which the graph does not look for.
    return header.tag == wav.PCM and header.bits % 8 == 0 and not header.lacking_bytes
