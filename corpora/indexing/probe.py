"""Hash, rate and duration of recordings, by their content whatever their names say."""

import dataclasses
import hashlib
import io
import struct
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor

import soundfile

from modules.audio import media
from schemas.progress import Track, no_track
from schemas.utterance import Utterance

# Reading and hashing release the interpreter's lock.
THREADS = 4
_BATCH = 16  # recordings that a thread takes at a time: handing one over costs as much as a header
# A segment may end this much after its recording: label files are rounded.
SEGMENT_TOLERANCE_S = 0.05

_LEAST_FRACTION = 0.9  # of the bytes that a video promises

_NO_AUDIO = "not audio, or its header is damaged"
_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE


class _Unreadable(Exception):
    """The message is the reason, in words."""


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
        with open(path, "rb", buffering=0) as file:
            content = file.readall()
    except UnicodeEncodeError:
        return Probe(problem="its path is not UTF-8, rename it")
    except FileNotFoundError:
        return Probe(problem="no such file")
    except OSError as error:
        return Probe(problem=f"cannot be read: {error.strerror}")
    sha256 = hashlib.sha256(content).hexdigest()
    if sha256 == known_sha256:
        return Probe(sha256=sha256)
    try:
        rate_hz, duration_s = _header(content)
    except _Unreadable as error:
        return Probe(sha256=sha256, problem=str(error))
    return Probe(sha256=sha256, sample_rate_hz=rate_hz, duration_s=duration_s)


class Prober:
    """Probes recordings in the background, each once.

    A context manager; if it is left by an exception, what has not begun does not begin.

    Args:
      probe_one: probes one of them.
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
      paths: of the recordings.
      probe_one: probes one of them.
      track: shows progress.
      description: of the progress.
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


def _header(content: bytes) -> tuple[int, float]:
    """Returns rate in Hz and duration in s.

    Raises:
      _Unreadable: there is no sound in it.
    """
    if not content:
        raise _Unreadable("empty file")
    header = _plain_header(content) or _soundfile_header(content) or _av_header(content)
    if header[0] <= 0 or header[1] <= 0:
        raise _Unreadable("holds no sound")
    return header


def _plain_header(content: bytes) -> tuple[int, float] | None:
    """Returns rate in Hz and duration in s of a plain wav, FLAC or avi file, else `None`.

    Most recordings are of these kinds, and the callbacks of libsndfile and FFmpeg into Python for
    each take as long as reading and hashing it.
    """
    if content[:4] == b"RIFF" and content[8:12] == b"WAVE":
        return _wav_header(content)
    if content[:4] == b"RIFF" and content[8:12] == b"AVI ":
        _check_avi_size(content)
        return _avi_header(content)
    rate_hz, frames = media.flac_header(content)
    return (rate_hz, frames / rate_hz) if rate_hz and frames else None


def _wav_header(content: bytes) -> tuple[int, float] | None:
    """As `_plain_header`; `None` for what is neither integers nor floats."""
    rate_hz = frame_bytes = 0
    for name, size, body in media.wav_chunks(content):
        if name == b"fmt " and len(body) >= 14:
            tag, _, rate_hz, _, frame_bytes = struct.unpack_from("<HHIIH", body)
            if tag not in (_PCM, _FLOAT, _EXTENSIBLE):
                return None
        if name == b"data":
            try:
                media.check_complete(size, len(body))
            except media.DecodingError as error:
                raise _Unreadable(str(error)) from None
            return (rate_hz, size // frame_bytes / rate_hz) if rate_hz and frame_bytes else None
    return None


def _soundfile_header(content: bytes) -> tuple[int, float] | None:
    """Returns rate in Hz and duration in s, or `None` if libsndfile cannot tell."""
    try:
        info = soundfile.info(io.BytesIO(content))
    except (soundfile.SoundFileError, TypeError):
        return None
    # A header written to a pipe promises "as much as there is"; one with garbage, hours.
    plausible = info.frames <= 64 * len(content)
    return (info.samplerate, info.frames / info.samplerate) if plausible else None


def _av_header(content: bytes) -> tuple[int, float]:
    """Returns rate in Hz and duration in s of the first sound track.

    Raises:
      _Unreadable: no sound track, or nothing that FFmpeg recognises.
    """
    import av  # loads FFmpeg, which only videos and the rarer formats need

    try:
        with av.open(
            io.BytesIO(content), options={"format_whitelist": media.CONTAINERS}
        ) as container:
            if container.streams and not container.streams.audio:
                raise _Unreadable("video without a sound track")
            stream = next(iter(container.streams.audio), None)
            if stream is None or not stream.rate or stream.time_base is None:
                raise _Unreadable(_NO_AUDIO)
            ticks = stream.duration
            if not ticks and container.format.name == "avi":
                ticks = stream.frames  # of an avi's sound, the length in its header
            if not ticks and container.duration:
                return stream.rate, container.duration / av.time_base
            ticks = ticks or sum(packet.duration or 0 for packet in container.demux(stream))
            return stream.rate, float(ticks * stream.time_base)
    except (av.error.FFmpegError, ValueError):
        raise _Unreadable(_NO_AUDIO) from None


def _check_avi_size(content: bytes) -> None:
    """Raises `_Unreadable` for an avi of which a good part is missing."""
    (size,) = struct.unpack_from("<I", content, 4)
    if size < media.STREAMING_DATA_BYTES and len(content) < _LEAST_FRACTION * size:
        raise _Unreadable(
            f"truncated: its header promises {size + 8:,} bytes, {len(content):,} are there"
        )


def _avi_header(content: bytes) -> tuple[int, float] | None:
    """As `_plain_header`, of the first sound track; `None` also if the header is unusual."""
    position, sound_s = 12, 0.0
    while position + 8 <= len(content):
        name, size = struct.unpack_from("<4sI", content, position)
        position += 8
        if name == b"LIST":
            if content[position : position + 4] not in (b"hdrl", b"strl"):
                return None  # the header has ended
            position += 4  # into the list
            continue
        if position + size > len(content):
            return None
        if name == b"strh" and size >= 36 and content[position : position + 4] == b"auds":
            scale, rate, _, length = struct.unpack_from("<IIII", content, position + 20)
            sound_s = length * scale / rate if rate else 0.0
        if name == b"strf" and sound_s and size >= 8:
            (rate_hz,) = struct.unpack_from("<I", content, position + 4)
            return (rate_hz, sound_s) if rate_hz else None
        position += size + size % 2
    return None
