"""Wav files: the one parser of their header, and the samples of those that are not compressed.

`modules.audio.wav_graph` walks the same chunks in TensorFlow's ops, for servers.
"""

import dataclasses
import itertools
import struct
from collections.abc import Iterator

import numpy as np

from modules.audio.errors import DecodingError, check_complete

PCM, FLOAT, ALAW, MULAW, EXTENSIBLE = 1, 3, 6, 7, 0xFFFE
# A header that was written before the length was known carries 0, 0xFFFFFFFF (ffmpeg), or a value
# just below 2 GiB (sox) as the size of its data.
STREAMING_DATA_BYTES = 0x7FFF0000
MAX_CHUNKS = 1_000

# Format tag and bits of a sample -> how it is stored, for what is not compressed.
_STORED: dict[tuple[int, int], str] = {
    (PCM, 8): "u1",
    (PCM, 16): "<i2",
    (PCM, 24): "",  # numpy has no integers of three bytes
    (PCM, 32): "<i4",
    (FLOAT, 32): "<f4",
    (FLOAT, 64): "<f8",
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class WavHeader:
    """A complete wav file, its header read and its samples not yet.

    Attributes:
      tag: Format tag (`PCM`, `FLOAT`, or one of a compressed coding); that of the subformat where
        the header is extensible.
      channels: Number of channels.
      rate_hz: Frames a second.
      frame_bytes: Bytes of a frame, which is one sample of each channel; of a block of frames
        where the coding is compressed.
      bits: Bits of a sample.
      data: Bytes of the samples.
    """

    tag: int
    channels: int
    rate_hz: int
    frame_bytes: int
    bits: int
    data: memoryview

    @property
    def is_plain(self) -> bool:
        """Whether the samples are integers or floats, as opposed to compressed."""
        return self.tag in (PCM, FLOAT)

    @property
    def num_frames(self) -> int | None:
        """Number of frames; `None` where the header does not tell, in compressed codings."""
        if self.is_plain or self.tag in (ALAW, MULAW):
            return len(self.data) // self.frame_bytes
        return None


def is_wav(contents: bytes) -> bool:
    """Returns whether a file begins as a wav file, or as its kin beyond 4 GiB: RF64 and Wave64."""
    if contents[:4] == b"riff":
        return contents[24:28] == b"wave"
    return contents[:4] in (b"RIFF", b"RF64") and contents[8:12] == b"WAVE"


def parse(contents: bytes) -> WavHeader:
    """Reads the header of a wav file, and checks that all it promises is there.

    Args:
      contents: The file's bytes, for which `is_wav` holds.

    Raises:
      DecodingError: A chunk is missing, there are fewer bytes of samples than promised, the header
        contradicts itself, or its samples are integers or floats of an unknown width.
    """
    chunk: dict[bytes, memoryview] = {}
    for name, size, body in _chunks(contents):
        chunk[name] = body
        if name == b"data":
            check_complete(size, len(body), unit="bytes of samples")
            break
    form = chunk.get(b"fmt ", memoryview(b""))
    if len(form) < 16:
        raise DecodingError("corrupt: wav file without a format chunk")
    if b"data" not in chunk:
        raise DecodingError("truncated: wav file without a data chunk")
    tag, channels, rate_hz, _, frame_bytes, bits = struct.unpack_from("<HHIIHH", form)
    if tag == EXTENSIBLE and len(form) >= 26:
        (tag,) = struct.unpack_from("<H", form, 24)
    header = WavHeader(
        tag=tag,
        channels=channels,
        rate_hz=rate_hz,
        frame_bytes=frame_bytes,
        bits=bits,
        data=chunk[b"data"],
    )
    _check(header)
    return header


def samples(header: WavHeader) -> np.ndarray:
    """Returns the samples of a plain wav file, [frames, channels].

    Integers of 8 bits are unsigned, those of 24 bits lie in the upper three bytes of int32; all
    others are as stored.
    """
    assert header.num_frames is not None
    data = header.data[: header.num_frames * header.frame_bytes]
    if dtype := _STORED[header.tag, header.bits]:
        stored = np.frombuffer(data, dtype)
    else:
        padded = np.zeros([len(data) // 3, 4], np.uint8)
        padded[:, 1:] = np.frombuffer(data, np.uint8).reshape(-1, 3)
        stored = padded.view("<i4")
    return stored.reshape(-1, header.channels)


def _check(header: WavHeader) -> None:
    """Raises DecodingError if a header cannot be right, or its samples cannot be read."""
    if header.is_plain and (header.tag, header.bits) not in _STORED:
        raise DecodingError(f"wav file of a width there is no decoder for: {header.bits} bits")
    contradicts = not (header.channels and header.rate_hz and header.frame_bytes)
    if header.is_plain:
        contradicts |= header.frame_bytes != header.channels * header.bits // 8
    if contradicts:
        raise DecodingError(
            f"corrupt: its wav header contradicts itself ({header.channels} channels of"
            f" {header.bits} bits, {header.rate_hz} Hz, {header.frame_bytes} bytes a frame)"
        )


def _chunks(contents: bytes) -> Iterator[tuple[bytes, int, memoryview]]:
    """Yields the chunks of a wav file: name, promised bytes, and the bytes that are there.

    Samples of unknown length go on to the file's end.
    """
    view = memoryview(contents)
    walk = _walk_wave64 if contents[:4] == b"riff" else _walk_riff
    for name, start, promised in itertools.islice(walk(contents), MAX_CHUNKS):
        size = len(contents) - start if promised is None else promised
        yield name, size, view[start : start + size]


def _walk_riff(contents: bytes) -> Iterator[tuple[bytes, int, int | None]]:
    """Yields the chunks of a RIFF or RF64 file: name, where it starts, and promised bytes."""
    position, large_size = 12, 0
    while position + 8 <= len(contents):
        name, size = struct.unpack_from("<4sI", contents, position)
        position += 8
        if name == b"ds64" and position + 16 <= len(contents):
            (large_size,) = struct.unpack_from("<Q", contents, position + 8)
        if name == b"data" and size == 0xFFFFFFFF and large_size:
            size = large_size
        elif name == b"data" and not 0 < size < STREAMING_DATA_BYTES:
            yield name, position, None
            return
        yield name, position, size
        position += size + size % 2


def _walk_wave64(contents: bytes) -> Iterator[tuple[bytes, int, int | None]]:
    """As `_walk_riff`, of a Wave64 file: names are GUIDs, sizes count the chunk's own header."""
    position = 40
    while position + 24 <= len(contents):
        name, size = struct.unpack_from("<4s12xQ", contents, position)
        if size < 24:
            yield name, position + 24, None
            return
        yield name, position + 24, size - 24
        position += size + -size % 8
