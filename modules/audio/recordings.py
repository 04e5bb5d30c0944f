"""Recordings by their path: whole ones, and parts of long ones without reading the rest.

Parts of wav files are read where they lie. Compressed sound can be decoded from its beginning only:
it is decoded once, as far as parts of it are asked for, into a temporary file from which all its
parts are read.
"""

import collections
import contextlib
import functools
import hashlib
import os
import tempfile
import threading
from collections.abc import Iterator

import numpy as np

from modules.audio import completeness, contents, decoding, media, wav
from modules.audio.contents import Contents
from modules.audio.errors import (
    NO_SAMPLES,
    DecodingError,
    PassingError,
    check_duration,
    check_values,
)
from modules.audio.samples import Sound

# Of decoded sound that is kept, over all recordings of a process; and of one, which bounds what a
# small file can unpack to.
MOST_KEPT_BYTES = 4 * 2**30
MOST_RECORDINGS = 64
CHANGED = "changed since it was indexed"


def sha256(data: Contents) -> str:
    """Returns the SHA-256 of a recording's bytes, in hexadecimal digits."""
    if isinstance(data, bytes):
        return hashlib.sha256(data).hexdigest()
    digest = hashlib.sha256()
    for start in range(0, len(data), 2**20):
        digest.update(data[start : start + 2**20])
    return digest.hexdigest()


class Recordings:
    """Gives the sound of recordings; several threads may ask.

    Args:
      most_kept_bytes: How much decoded sound stays on disk for further parts.
    """

    def __init__(self, most_kept_bytes: int = MOST_KEPT_BYTES):
        self._most_kept_bytes = most_kept_bytes
        self._lock = threading.Lock()
        self._opened: collections.OrderedDict[tuple[object, ...], _LongRecording]
        self._opened = collections.OrderedDict()

    def sound(
        self,
        path: str,
        *,
        start_s: float | None = None,
        end_s: float | None = None,
        expected_sha256: str = "",
    ) -> Sound:
        """Returns the sound of a recording, or of the part from `start_s` to `end_s`.

        Args:
          path: A local file, or a URI that TensorFlow's file systems know.
          start_s: Where the part begins; `None` for the recording's own start.
          end_s: Where it ends; `None` for the recording's own end.
          expected_sha256: Hex digest that its bytes must have; empty for any.

        Raises:
          DecodingError: As for `decoding.sound`; there is nothing in the part, or it is longer than
            `MAX_DURATION_S`.
          PassingError: It has changed, or cannot be read now.
        """
        with decoding.one_recordings_fault():
            if start_s is None and end_s is None:
                with contents.opened(path) as data:
                    if expected_sha256 and sha256(data) != expected_sha256:
                        raise PassingError(CHANGED)
                    return decoding.sound(data)
            recording = self._long_recording(path)
            if expected_sha256 and recording.sha256 != expected_sha256:
                raise PassingError(CHANGED)
            part = recording.part(start_s, end_s)
            self._drop_oldest()
            return part

    def _long_recording(self, path: str) -> "_LongRecording":
        key = _state(path)
        with self._lock:
            if key not in self._opened:
                self._opened[key] = _LongRecording(path)
            self._opened.move_to_end(key)
            return self._opened[key]

    def _drop_oldest(self) -> None:
        """Forgets recordings that were asked for longest ago, beyond what may be kept."""
        with self._lock:
            while len(self._opened) > 1 and (
                len(self._opened) > MOST_RECORDINGS
                or sum(each.kept_bytes for each in self._opened.values()) > self._most_kept_bytes
            ):
                self._opened.popitem(last=False)


@functools.cache
def of_this_process() -> Recordings:
    """Returns the recordings that all of this process share."""
    return Recordings()


class _LongRecording:
    """A recording of which parts are asked for; closed when nobody holds it any longer."""

    def __init__(self, path: str):
        self._lock = threading.Lock()
        self._stack = contextlib.ExitStack()
        self._path = path
        self._spool: _Spool | None = None
        self._contents: Contents | None = None

    def __del__(self) -> None:
        self._stack.close()

    @functools.cached_property
    def sha256(self) -> str:
        """Hex digest of its bytes."""
        with self._lock:
            return sha256(self._data())

    @property
    def kept_bytes(self) -> int:
        """How much decoded sound of it lies on disk."""
        return self._spool.num_bytes if self._spool else 0

    def part(self, start_s: float | None, end_s: float | None) -> Sound:
        """Returns the sound from `start_s` to `end_s`."""
        with self._lock:
            data = self._data()
            if wav_header := self._wav_header:
                assert wav_header.num_frames is not None
                span = decoding.frames(wav_header.rate_hz, start_s=start_s, end_s=end_s)
                first = min(span[0], wav_header.num_frames)
                part = decoding.wav_sound(wav_header, first, span[1])
                length_s = wav_header.num_frames / wav_header.rate_hz
            else:
                self._spool = self._spool or self._stack.enter_context(_Spool(data))
                part = self._spool.part(start_s, end_s)
                length_s = self._spool.num_frames / part.rate_hz
            if not len(part.samples):
                if not length_s:
                    raise DecodingError(NO_SAMPLES)
                raise decoding.nothing_there(length_s, start_s=start_s, end_s=end_s)
            return part

    @functools.cached_property
    def _wav_header(self) -> wav.WavHeader | None:
        completeness.check(self._data())
        return decoding.plain_wav(self._data())

    def _data(self) -> Contents:
        if self._contents is None:
            self._contents = self._stack.enter_context(
                contents.opened(self._path, most_in_memory=0)
            )
        return self._contents


class _Spool:
    """Compressed sound, decoded into a temporary file as far as it was needed."""

    def __init__(self, data: Contents):
        self._track = media.Track(data)
        self._pieces: Iterator[np.ndarray] | None = self._track.pieces()
        self._failure: DecodingError | None = None
        # Without a name: nothing is left of it, however the process ends.
        self._file = tempfile.TemporaryFile()  # noqa: SIM115
        self._dtype, self._channels = np.dtype(np.float32), 1
        self.num_frames = 0
        self.num_bytes = 0

    def __enter__(self) -> "_Spool":
        return self

    def __exit__(self, *_: object) -> None:
        self._pieces = None
        self._track.close()
        self._file.close()

    def part(self, start_s: float | None, end_s: float | None) -> Sound:
        """Returns the sound from `start_s` to `end_s`; it may have no samples."""
        if not self.num_frames:
            self._decode_to(1)  # The rate is known from the first piece on.
        rate_hz = self._track.rate_hz
        start, end = decoding.frames(rate_hz, start_s=start_s, end_s=end_s)
        self._decode_to(end)
        if self._failure and (end is None or end > self.num_frames):
            raise self._failure
        end = self.num_frames if end is None else min(end, self.num_frames)
        start = min(start, end)
        check_duration((end - start) / rate_hz)
        check_values(end - start, self._channels)
        frame_bytes = self._dtype.itemsize * self._channels
        data = os.pread(self._file.fileno(), (end - start) * frame_bytes, start * frame_bytes)
        return Sound(
            samples=np.frombuffer(data, self._dtype).reshape(-1, self._channels),
            rate_hz=rate_hz,
            centre=self._track.centre,
            header_s=self._track.header_s,
        )

    def _decode_to(self, end: int | None) -> None:
        """Decodes until there are `end` frames, or all."""
        while self._pieces is not None and (end is None or self.num_frames < end):
            try:
                piece = next(self._pieces)
            except StopIteration:
                self._pieces = None
                with self._remembering_failure():
                    self._track.check_complete(self.num_frames)
                return
            except DecodingError as error:
                self._pieces, self._failure = None, error
                return
            self._dtype, self._channels = piece.dtype, piece.shape[1]
            self._file.write(np.ascontiguousarray(piece).data)
            self._file.flush()
            self.num_frames += len(piece)
            self.num_bytes += piece.nbytes
            if self.num_bytes > MOST_KEPT_BYTES:
                self._pieces = None
                self._failure = DecodingError(
                    f"more than {MOST_KEPT_BYTES / 2**30:g} GiB of sound when decoded: cut it, or"
                    " convert it to wav"
                )

    @contextlib.contextmanager
    def _remembering_failure(self) -> Iterator[None]:
        try:
            yield
        except DecodingError as error:
            self._failure = error


def _state(path: str) -> tuple[object, ...]:
    """Returns what tells a file from itself after a change."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return (path,)
    return path, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
