"""Wav files: the one parser of their header, and the samples of those that are not compressed.

`modules.audio.wav_graph` walks the same chunks in TensorFlow's ops, for servers.
"""

import dataclasses
import itertools
import struct
from collections.abc import Iterator

import numpy as np

from modules.audio.contents import Contents
from modules.audio.errors import DecodingError, check_complete

PCM, FLOAT, ALAW, MULAW, EXTENSIBLE = 1, 3, 6, 7, 0xFFFE
# A header that was written before the length was known carries 0, 0xFFFFFFFF (ffmpeg), or a value
# just below 2 GiB (sox) as the size of its data.
STREAMING_DATA_BYTES = 0x7FFF0000
MAX_CHUNKS = 1_000
# Writers that count their own header among the samples promise a few bytes too many; no reason to
# lose a clip.
MOST_LACKING_BYTES = 1_024
_MOST_LACKING_FRACTION = 10  # and at most a tenth of them

_CENTRE_BIT = 4  # of the channel mask
_USUAL_CENTRE = 2  # its position where no mask tells, in 5.0 to 7.1


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
      data_bytes: How many bytes of samples there are.
      lacking_bytes: How many more the header promises.
      centre: Position of the centre channel; -1 where there is none.
      order: `<` for RIFF, `>` for RIFX, whose numbers have their large end first.
      data_start: Where the samples begin.
      source: The file.
    """

    tag: int
    channels: int
    rate_hz: int
    frame_bytes: int
    bits: int
    data_bytes: int
    lacking_bytes: int = 0
    centre: int = -1
    order: str = "<"
    data_start: int = dataclasses.field(compare=False)
    source: Contents = dataclasses.field(compare=False, repr=False)

    @property
    def is_plain(self) -> bool:
        """Whether the samples are integers or floats, as opposed to compressed."""
        return self.tag in (PCM, FLOAT)

    @property
    def num_frames(self) -> int | None:
        """Number of frames; `None` where the header does not tell, in compressed codings."""
        if self.is_plain or self.tag in (ALAW, MULAW):
            return self.data_bytes // self.frame_bytes
        return None

    @property
    def sample_bytes(self) -> int:
        """Bytes of a sample, of which `bits` may not fill all."""
        return self.frame_bytes // self.channels


def is_wav(contents: Contents) -> bool:
    """Returns whether a file begins as a wav file, or as its kin: RIFX, RF64 and Wave64."""
    start = _riff_start(contents)
    if contents[start : start + 4] == b"riff":
        return contents[start + 24 : start + 28] == b"wave"
    is_riff = contents[start : start + 4] in (b"RIFF", b"RIFX", b"RF64")
    return is_riff and contents[start + 8 : start + 12] == b"WAVE"


def parse(contents: Contents) -> WavHeader:
    """Reads the header of a wav file, and checks that all it promises is there.

    Args:
      contents: The file's bytes, for which `is_wav` holds.

    Raises:
      DecodingError: A chunk is missing, there are far fewer bytes of samples than promised, the
        header contradicts itself, or its samples are integers or floats of an unknown width.
    """
    start = _riff_start(contents)
    order = ">" if contents[start : start + 4] == b"RIFX" else "<"
    form, data = b"", None
    for name, position, size in itertools.islice(_walk(contents, start, order), MAX_CHUNKS):
        if name == b"fmt ":
            form = contents[position : position + min(size, 64)]
        if name == b"data":
            data = position, size
            break
    if len(form) < 16:
        raise DecodingError("corrupt: wav file without a format chunk")
    if data is None:
        raise DecodingError("truncated: wav file without a data chunk")
    there = min(data[1], len(contents) - data[0])
    lacking = data[1] - there
    if lacking > min(MOST_LACKING_BYTES, data[1] // _MOST_LACKING_FRACTION):
        check_complete(data[1], there, unit="bytes of samples")
    tag, channels, rate_hz, byte_rate, frame_bytes, bits = struct.unpack_from(
        f"{order}HHIIHH", form
    )
    mask = 0
    if tag == EXTENSIBLE and len(form) >= 26:
        (mask,) = struct.unpack_from(f"{order}I", form, 20)
        (tag,) = struct.unpack_from(f"{order}H", form, 24)
    header = WavHeader(
        tag=tag,
        channels=channels,
        rate_hz=rate_hz,
        frame_bytes=frame_bytes,
        bits=bits,
        data_bytes=there,
        lacking_bytes=lacking,
        centre=_centre(mask, channels),
        order=order,
        data_start=data[0],
        source=contents,
    )
    _check(header)
    if header.is_plain and byte_rate and byte_rate != rate_hz * frame_bytes:
        raise DecodingError(
            f"corrupt: its wav header tells {rate_hz:,} Hz, but {byte_rate:,} bytes a second of"
            f" {frame_bytes} a frame, which is {byte_rate / frame_bytes:,.0f} Hz"
        )
    return header


def samples(header: WavHeader, start: int = 0, end: int | None = None) -> np.ndarray:
    """Returns the samples of a plain wav file, [frames, channels], from frame `start` to `end`.

    Integers of 8 bits are unsigned, those of 24 bits lie in the upper three bytes of int32; all
    others are as stored. Those that do not fill their bytes lie in the upper bits.
    """
    assert header.num_frames is not None
    end = header.num_frames if end is None else min(end, header.num_frames)
    first, last = (header.data_start + frame * header.frame_bytes for frame in (start, end))
    data = header.source[first : max(first, last)]
    if len(data) < last - first:
        raise DecodingError("truncated: it has become shorter while it was read")
    if header.tag == PCM and header.sample_bytes == 3:
        padded = np.zeros([len(data) // 3, 4], np.uint8)
        three = np.frombuffer(data, np.uint8).reshape(-1, 3)
        padded[:, 1:] = three if header.order == "<" else three[:, ::-1]
        stored = padded.view("<i4")
    else:
        kind = "f" if header.tag == FLOAT else "u" if header.sample_bytes == 1 else "i"
        stored = np.frombuffer(data, np.dtype(f"{header.order}{kind}{header.sample_bytes}"))
    native = stored.dtype.newbyteorder("=")
    return stored.astype(native, copy=False).reshape(-1, header.channels)


def _check(header: WavHeader) -> None:
    """Raises DecodingError if a header cannot be right, or its samples cannot be read."""
    bits, whole_bytes = header.bits, -(-header.bits // 8)
    widths = (4, 8) if header.tag == FLOAT else (1, 2, 3, 4)
    known = whole_bytes in widths and (header.tag == PCM or bits in (32, 64))
    if header.is_plain and not known:
        raise DecodingError(f"wav file of a width there is no decoder for: {bits} bits")
    contradicts = not (header.channels and header.rate_hz and header.frame_bytes)
    if header.is_plain:
        contradicts |= header.frame_bytes != header.channels * whole_bytes
    if contradicts:
        raise DecodingError(
            f"corrupt: its wav header contradicts itself ({header.channels} channels of"
            f" {header.bits} bits, {header.rate_hz} Hz, {header.frame_bytes} bytes a frame)"
        )


def _centre(mask: int, channels: int) -> int:
    """Returns the position of the centre channel in a frame; -1 where there is none."""
    if mask & _CENTRE_BIT:
        position = (mask & (_CENTRE_BIT - 1)).bit_count()
        return position if channels > 1 else -1
    return _USUAL_CENTRE if not mask and channels >= 5 else -1


def _riff_start(contents: Contents) -> int:
    """Returns where the file proper begins: behind an ID3 tag, which some players write there."""
    if contents[:3] != b"ID3" or len(contents) < 10:
        return 0
    start = 10 + sum((byte & 0x7F) << 7 * (3 - i) for i, byte in enumerate(contents[6:10]))
    return start if contents[start : start + 4] in (b"RIFF", b"RIFX", b"RF64") else 0


def _walk(contents: Contents, start: int, order: str) -> Iterator[tuple[bytes, int, int]]:
    """Yields the chunks of a wav file: name, where it starts, and promised bytes.

    Samples of unknown length go on to the file's end.
    """
    is_wave64 = contents[start : start + 4] == b"riff"
    for name, position, size in (
        _walk_wave64(contents, start) if is_wave64 else _walk_riff(contents, start + 12, order)
    ):
        yield name, position, len(contents) - position if size is None else size


def _walk_riff(
    contents: Contents, position: int, order: str
) -> Iterator[tuple[bytes, int, int | None]]:
    """As `_walk`, of a RIFF, RIFX or RF64 file from a chunk on; no size where it is unknown."""
    large_size = 0
    while position + 8 <= len(contents):
        name, size = struct.unpack(f"{order}4sI", contents[position : position + 8])
        position += 8
        if name == b"ds64" and position + 16 <= len(contents):
            (large_size,) = struct.unpack(f"{order}Q", contents[position + 8 : position + 16])
        if name == b"data" and size == 0xFFFFFFFF and large_size:
            size = large_size
        elif name == b"data" and size >= STREAMING_DATA_BYTES:
            size = None
        elif name == b"data" and not size:
            # Nothing is an empty recording where other chunks follow, and unknown otherwise.
            size = 0 if _is_chunks(contents, position, order) else None
        yield name, position, size
        position += (size or 0) + (size or 0) % 2


def _is_chunks(contents: Contents, position: int, order: str) -> bool:
    """Returns whether a file goes on with whole chunks to its end, and not with samples."""
    if position >= len(contents):
        return True
    for _ in range(MAX_CHUNKS):
        head = contents[position : position + 8]
        if len(head) < 8 or not head[:4].isascii() or not head[:4].decode().isprintable():
            return False
        size = struct.unpack(f"{order}4sI", head)[1]
        position += 8 + size + size % 2
        if position in (len(contents), len(contents) + 1):  # the last may not be padded
            return True
    return False


def _walk_wave64(contents: Contents, start: int) -> Iterator[tuple[bytes, int, int | None]]:
    """As `_walk_riff`, of a Wave64 file: names are GUIDs, sizes count the chunk's own header."""
    position = start + 40
    while position + 24 <= len(contents):
        name, size = struct.unpack("<4s12xQ", contents[position : position + 24])
        if size < 24:
            yield name, position + 24, None
            return
        yield name, position + 24, size - 24
        position += size + -size % 8
