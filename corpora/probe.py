"""Hash, rate and duration of recordings, by their content whatever their names say."""

import dataclasses
import hashlib
import io
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol, TypeVar

import soundfile

from corpora.utterance import Utterance

T = TypeVar("T")

# Reading and hashing release the interpreter's lock.
THREADS = 4
# A segment may end this much after its recording: label files are rounded.
SEGMENT_TOLERANCE_S = 0.05


class Track(Protocol):
    """Yields from an iterable and shows progress, as `cli.progress.track` does."""

    def __call__(
        self, iterable: Iterable[T], *, description: str, total: int | None = None
    ) -> Iterable[T]: ...


def no_track(iterable: Iterable[T], *, description: str, total: int | None = None) -> Iterator[T]:
    """Yields from `iterable` and shows nothing."""
    yield from iterable


@dataclasses.dataclass(frozen=True, kw_only=True)
class Probe:
    """What a recording is.

    Attributes:
      sha256: hex digest of its bytes; empty if there are none to read.
      sample_rate_hz, duration_s: 0 if unreadable, or if not asked for (see `probe_all`).
      problem: in words, why it is unreadable; empty if it is not.
    """

    sha256: str = ""
    sample_rate_hz: int = 0
    duration_s: float = 0.0
    problem: str = ""


def probe(path: str, *, known_sha256: str = "") -> Probe:
    """Reads one recording's bytes and its headers; does not decode.

    Args:
      path: of the recording.
      known_sha256: if the bytes have this hash, the headers are left alone.
    """
    try:
        path.encode()
        content = Path(path).read_bytes()
    except UnicodeEncodeError:
        return Probe(problem="its path is not UTF-8, rename it")
    except FileNotFoundError:
        return Probe(problem="no such file")
    except OSError as error:
        return Probe(problem=f"cannot be read: {error.strerror}")
    sha256 = hashlib.sha256(content).hexdigest()
    if sha256 == known_sha256:
        return Probe(sha256=sha256)
    if not content:
        return Probe(sha256=sha256, problem="empty file")
    header = _soundfile_header(content) or _av_header(content)
    if header is None:
        return Probe(sha256=sha256, problem="not audio, or its header is damaged")
    rate_hz, duration_s = header
    if rate_hz <= 0 or duration_s <= 0:
        return Probe(sha256=sha256, problem="holds no sound")
    return Probe(sha256=sha256, sample_rate_hz=rate_hz, duration_s=duration_s)


def probe_all(
    paths: Iterable[str],
    *,
    known: Mapping[str, str] | None = None,
    track: Track = no_track,
    description: str,
) -> dict[str, Probe]:
    """Probes every recording once.

    Args:
      paths: of the recordings.
      known: path to the hash of an earlier probe; see `probe`.
      track: shows progress.
      description: of the progress.
    """
    paths, known = list(dict.fromkeys(paths)), known or {}
    with ThreadPoolExecutor(THREADS) as pool:
        probes = pool.map(lambda path: probe(path, known_sha256=known.get(path, "")), paths)
        return dict(
            zip(paths, track(probes, description=description, total=len(paths)), strict=True)
        )


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


def _soundfile_header(content: bytes) -> tuple[int, float] | None:
    """Returns rate in Hz and duration in s, or `None` if libsndfile cannot tell."""
    try:
        info = soundfile.info(io.BytesIO(content))
    except (soundfile.SoundFileError, TypeError):
        return None
    # A header written to a pipe promises "as much as there is"; one with garbage, hours.
    plausible = info.frames <= 64 * len(content)
    return (info.samplerate, info.frames / info.samplerate) if plausible else None


def _av_header(content: bytes) -> tuple[int, float] | None:
    """Returns rate in Hz and duration in s of the first sound track, or `None` without one."""
    import av  # loads ffmpeg, which only videos and the rarer formats need

    try:
        with av.open(io.BytesIO(content)) as container:
            stream = next(iter(container.streams.audio), None)
            if stream is None or not stream.rate or stream.time_base is None:
                return None
            if stream.duration:
                return stream.rate, float(stream.duration * stream.time_base)
            if container.duration:
                return stream.rate, container.duration / av.time_base
            ticks = sum(packet.duration or 0 for packet in container.demux(stream))
            return stream.rate, float(ticks * stream.time_base)
    except (av.error.FFmpegError, ValueError):
        return None
