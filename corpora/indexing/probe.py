"""Hash, rate and duration of recordings, by their content whatever their names say."""

import dataclasses
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor

from modules.audio import channels as channel_of
from modules.audio import contents, decoding, recordings
from modules.audio.errors import (
    MAX_DURATION_S,
    DecodingError,
    PassingError,
    check_duration,
    no_channel,
    too_short,
)
from modules.audio.samples import Sound
from schemas import channels
from schemas.progress import Track, no_track
from schemas.sound import MIN_DURATION_S
from schemas.utterance import Utterance

# Reading and hashing release the interpreter's lock.
THREADS = 4
_BATCH = 16  # recordings that a thread takes at a time: handing one over costs as much as a header
# A segment may end this much after its recording: label files are rounded.
SEGMENT_TOLERANCE_S = 0.05


@dataclasses.dataclass(frozen=True, kw_only=True)
class Probe:
    """What a recording is.

    Attributes:
      sha256: Hex digest of its bytes; empty if there are none to read.
      sample_rate_hz: Frames a second; 0 if unreadable.
      duration_s: Of the sound; 0 if unreadable.
      problem: In words, why it is unreadable; empty if it is not.
      num_channels: Number of channels; 0 if it was not listened to.
      silences: Channel (`schemas.channels`) to why nothing can be heard of it.
      notes: What is odd about it and did no harm, in words.
    """

    sha256: str = ""
    sample_rate_hz: int = 0
    duration_s: float = 0.0
    problem: str = ""
    num_channels: int = 0
    silences: dict[str, str] = dataclasses.field(default_factory=dict)
    notes: str = ""


def probe(path: str) -> Probe:
    """Reads the recording at `path`, and listens to it unless it is longer than an utterance."""
    sha256 = ""
    try:
        with decoding.one_recordings_fault(), contents.opened(path) as data:
            sha256 = recordings.sha256(data)
            rate_hz, duration_s = decoding.header(data)
            if duration_s > MAX_DURATION_S:  # Its utterances are parts of it.
                return Probe(sha256=sha256, sample_rate_hz=rate_hz, duration_s=duration_s)
            sound = decoding.sound(data)
            return Probe(
                sha256=sha256,
                sample_rate_hz=sound.rate_hz,
                duration_s=sound.duration_s,
                num_channels=sound.samples.shape[1],
                silences=_silences(sound),
                notes="; ".join(_notes(sound)),
            )
    except PassingError as error:
        # Without a hash it is not remembered.
        return Probe(problem=str(error))
    except DecodingError as error:
        return Probe(sha256=sha256, problem=str(error))


def _silences(sound: Sound) -> dict[str, str]:
    """Returns channel to why nothing can be heard of it; all others can be."""
    numbers = [str(number) for number in range(1, sound.samples.shape[1] + 1)]
    found = {number: _problem(sound, number) for number in numbers}
    for name in (channels.LEFT, channels.RIGHT, channels.CENTRE):
        found[name] = found[numbers[channel_of.position(sound, name)]]
    one = len(numbers) == 1
    found[channels.FIRST] = found["1"] if one else _problem(sound, channels.FIRST)
    found[channels.MIX] = found["1"] if one else _problem(sound, channels.MIX)
    return {channel: problem for channel, problem in found.items() if problem}


def _problem(sound: Sound, channel: str) -> str:
    try:
        channel_of.waveform(sound, channel)
    except DecodingError as error:
        return str(error)
    return ""


def _notes(sound: Sound) -> tuple[str, ...]:
    try:
        return channel_of.waveform(sound).notes
    except DecodingError:
        return sound.notes


class Prober:
    """Probes recordings in the background, each once.

    A context manager; if it is left by an exception, what has not begun does not begin.

    Args:
      probe_one: Probes one of them.
    """

    def __init__(self, probe_one: Callable[[str], Probe] = probe):
        self._probe_one = probe_one
        self._pool = ThreadPoolExecutor(THREADS)
        self._batch_of: dict[str, Future[dict[str, Probe]]] = {}

    def __enter__(self) -> "Prober":
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self._pool.shutdown(cancel_futures=kind is not None)

    def start(self, paths: Iterable[str]) -> None:
        """Begins with the recordings at `paths`."""
        new = [path for path in dict.fromkeys(paths) if path not in self._batch_of]
        for first in range(0, len(new), _BATCH):
            batch = new[first : first + _BATCH]
            future = self._pool.submit(self._probe_batch, batch)
            self._batch_of |= dict.fromkeys(batch, future)

    def result(self, path: str) -> Probe:
        """Waits for what was seen of the recording at `path`, which was given to `start`."""
        return self._batch_of[path].result()[path]

    def results(
        self, paths: Iterable[str], *, track: Track = no_track, description: str
    ) -> dict[str, Probe]:
        """Waits for what was seen of the recordings at `paths` and shows progress."""
        paths = list(dict.fromkeys(paths))
        tracked = track(paths, description=description, total=len(paths))
        return {path: self.result(path) for path in tracked}

    def _probe_batch(self, paths: list[str]) -> dict[str, Probe]:
        return {path: self._probe_one(path) for path in paths}


def probe_all(
    paths: Iterable[str],
    *,
    probe_one: Callable[[str], Probe] = probe,
    track: Track = no_track,
    description: str,
) -> dict[str, Probe]:
    """Probes every recording once, some at a time.

    Args:
      paths: The recordings' paths.
      probe_one: Probes one of them, such as `ProbeCache.probe`.
      track: Shows progress.
      description: What is being done, for the progress.
    """
    paths = list(paths)
    with Prober(probe_one) as prober:
        prober.start(paths)
        return prober.results(paths, track=track, description=description)


def apply(utterance: Utterance, seen: Probe) -> Utterance:
    """Returns the utterance with what was seen of its recording."""
    start_s = utterance.start_s or 0.0
    end_s = seen.duration_s if utterance.end_s is None else min(utterance.end_s, seen.duration_s)
    return dataclasses.replace(
        utterance,
        sha256=seen.sha256,
        sample_rate_hz=seen.sample_rate_hz,
        duration_s=round(max(end_s - start_s, 0.0), 6),
    )


def problem(utterance: Utterance, seen: Probe) -> str:
    """Returns in words why the utterance cannot be read from its recording; empty if it can."""
    if seen.problem:
        return seen.problem
    last_s = max(utterance.start_s or 0.0, (utterance.end_s or 0.0) - SEGMENT_TOLERANCE_S)
    if last_s >= seen.duration_s:
        return (
            f"the segment {utterance.start_s or 0:g} to {utterance.end_s or seen.duration_s:g} s"
            f" is not within the recording of {seen.duration_s:.3f} s"
        )
    duration_s = apply(utterance, seen).duration_s
    try:
        check_duration(duration_s)
    except DecodingError as error:
        return str(error)
    if duration_s < MIN_DURATION_S:
        return too_short(duration_s)
    channel = utterance.channel
    if seen.num_channels and channel.isdecimal() and int(channel) > seen.num_channels:
        return no_channel(channel, seen.num_channels)
    # A part may be silent where the whole is not: that is found when it is decoded.
    return seen.silences.get(channel, "")
