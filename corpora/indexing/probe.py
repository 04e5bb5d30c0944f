"""Hash, rate and duration of recordings, by their content whatever their names say."""

import dataclasses
import hashlib
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor

from modules.audio import decoding
from modules.audio.errors import DecodingError
from schemas.progress import Track, no_track
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
    """

    sha256: str = ""
    sample_rate_hz: int = 0
    duration_s: float = 0.0
    problem: str = ""


def probe(path: str) -> Probe:
    """Reads the bytes and the headers of the recording at `path`; does not decode."""
    try:
        path.encode()
        with open(path, "rb", buffering=0) as file:
            content = file.readall()
    except UnicodeEncodeError:
        return Probe(problem="its path is not UTF-8, rename it")
    except FileNotFoundError:
        return Probe(problem="no such file")
    except OSError as error:
        return Probe(problem=f"cannot be read: {error.strerror}")
    sha256 = hashlib.sha256(content).hexdigest()
    try:
        rate_hz, duration_s = decoding.header(content)
    except DecodingError as error:
        return Probe(sha256=sha256, problem=str(error))
    return Probe(sha256=sha256, sample_rate_hz=rate_hz, duration_s=duration_s)


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
    return ""
