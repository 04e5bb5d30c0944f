"""Which channel of a recording is heard, and whether there is anything to hear in it."""

import dataclasses

import numpy as np

from modules.audio.errors import NOT_FINITE, SILENT, DecodingError, no_channel
from modules.audio.samples import Sound, to_float
from schemas.channels import CENTRE, FIRST, MIX, RIGHT

# A channel this much weaker than another (60 dB) is taken for unused: dither, or crosstalk.
_UNUSED = 1e-3


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Waveform:
    """One channel of a recording.

    Attributes:
      samples: float32 [samples] within [-1, 1], finite, and not all equal.
      notes: What is odd about it and did no harm, in words.
    """

    samples: np.ndarray
    notes: tuple[str, ...] = ()


def waveform(sound: Sound, channel: str = FIRST) -> Waveform:
    """Returns the channel of a sound that is to be heard.

    Channels are not averaged unless `mix` asks for it: where they are delayed against each other
    (EMOVO), that would be a comb filter.

    Args:
      sound: At least one frame.
      channel: As `schemas.channels` tells; `FIRST` by default.

    Raises:
      DecodingError: There is no such channel, all its samples are equal, one of them is not
        finite, or it is the first, by default, and only another one has sound.
    """
    chosen = _samples(sound, channel)
    if not np.isfinite(chosen).all():
        raise DecodingError(NOT_FINITE)
    silent = chosen.max() == chosen.min()
    if channel == FIRST and (other := _sounding_instead(sound, chosen)):
        raise _another_sounds(other, sound.samples.shape[1])
    if silent:
        raise DecodingError(SILENT)
    peak = float(np.abs(chosen).max())
    if peak <= 1:
        return Waveform(samples=chosen, notes=sound.notes)
    note = f"its samples reach {peak:.4g} times full scale: scaled, not clipped"
    return Waveform(samples=chosen / np.float32(peak), notes=(*sound.notes, note))


class Levels:
    """How strong the channels of a recording are that comes in pieces."""

    def __init__(self) -> None:
        self._frames, self._sums, self._squares = 0, np.zeros(1), np.zeros(1)

    def add(self, sound: Sound) -> None:
        """Takes the next piece."""
        values = to_float(sound.samples)
        if not self._frames:
            self._sums = self._squares = np.zeros(values.shape[1])
        self._frames += len(values)
        self._sums = self._sums + values.sum(axis=0, dtype=np.float64)
        self._squares = self._squares + np.square(values, dtype=np.float64).sum(axis=0)

    def check_first(self) -> None:
        """Checks that the first channel is not silent beside another one that has sound.

        Raises:
          DecodingError: It is, as `waveform` tells of whole recordings.
        """
        mean = self._sums / self._frames
        deviations = np.sqrt(np.maximum(self._squares / self._frames - mean**2, 0))
        for number, deviation in enumerate(deviations[1:], 2):
            if np.isfinite(deviation) and deviations[0] < _UNUSED * deviation:
                raise _another_sounds(number, len(deviations))


def position(sound: Sound, channel: str) -> int:
    """Returns the position in a frame of a channel that is not `mix`.

    Raises:
      DecodingError: There is no such channel.
    """
    num_channels = sound.samples.shape[1]
    if channel.isdecimal():
        if int(channel) > num_channels:
            raise DecodingError(no_channel(channel, num_channels))
        return int(channel) - 1
    # What was recorded on one channel is on either side.
    by_name = {RIGHT: min(1, num_channels - 1), CENTRE: max(sound.centre, 0)}
    return by_name.get(channel, 0)


def _another_sounds(number: int, num_channels: int) -> DecodingError:
    return DecodingError(
        f"its first channel is silent, channel {number} of {num_channels} is not: choose it with"
        " the option or column `channel`"
    )


def _samples(sound: Sound, channel: str) -> np.ndarray:
    """Returns the samples of a channel, float32 [samples]."""
    if channel == MIX:
        mean: np.ndarray = to_float(sound.samples).mean(axis=1, dtype=np.float32)
        return mean
    return to_float(sound.samples[:, position(sound, channel)])


def _sounding_instead(sound: Sound, first: np.ndarray) -> int:
    """Returns the number, from 1 on, of a channel that has sound where the first has none; or 0."""
    for number in range(2, sound.samples.shape[1] + 1):
        other = to_float(sound.samples[:, number - 1])
        if np.isfinite(other).all() and first.std() < _UNUSED * other.std():
            return number
    return 0
