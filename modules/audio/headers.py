"""Headers of the common containers, read from their bytes: nothing is decoded, no library needed.

For each of these, the callbacks of FFmpeg into Python take as long as reading and hashing the file.
"""

import functools
import struct

from modules.audio.errors import check_complete
from modules.audio.wav import STREAMING_DATA_BYTES

_LEAST_FRACTION = 0.9  # of the bytes that an avi file promises


def flac(contents: bytes) -> tuple[int, int]:
    """Returns rate in Hz and number of frames by STREAMINFO; 0 where unknown or no bare FLAC."""
    if contents[:4] != b"fLaC" or len(contents) < 26 or contents[4] & 0x7F != 0:
        return 0, 0
    stream_info = int.from_bytes(contents[18:26], "big")  # 20 bits rate, …, 36 bits frames
    return stream_info >> 44, stream_info & (2**36 - 1)


def is_avi(contents: bytes) -> bool:
    """Returns whether a file begins as an avi file does."""
    return contents[:4] == b"RIFF" and contents[8:12] == b"AVI "


def check_avi_size(contents: bytes) -> None:
    """Raises DecodingError for an avi file of which a good part is missing."""
    (size,) = struct.unpack_from("<I", contents, 4)
    if size < STREAMING_DATA_BYTES and len(contents) < _LEAST_FRACTION * size:
        check_complete(size + 8, len(contents), unit="bytes")


def avi(contents: bytes) -> tuple[int, float] | None:
    """Returns rate in Hz and duration in s of an avi file's first sound track.

    `None` if there is none, or if the header is unusual.
    """
    position, sound_s = 12, 0.0
    while position + 8 <= len(contents):
        name, size = struct.unpack_from("<4sI", contents, position)
        position += 8
        if name == b"LIST":
            if contents[position : position + 4] not in (b"hdrl", b"strl"):
                return None  # the header has ended
            position += 4  # into the list
            continue
        if position + size > len(contents):
            return None
        if name == b"strh" and size >= 36 and contents[position : position + 4] == b"auds":
            scale, rate, _, length = struct.unpack_from("<IIII", contents, position + 20)
            sound_s = length * scale / rate if rate else 0.0
        if name == b"strf" and sound_s and size >= 8:
            (rate_hz,) = struct.unpack_from("<I", contents, position + 4)
            return (rate_hz, sound_s) if rate_hz else None
        position += size + size % 2
    return None


def check_matroska_size(contents: bytes) -> None:
    """Raises DecodingError for a Matroska or WebM file that ends before its header says."""
    position = 4 + sum(_ebml_size(contents, 4))  # behind the file's own header
    if contents[position : position + 4] != b"\x18\x53\x80\x67":
        return
    length, size = _ebml_size(contents, position + 4)
    unknown = 2 ** (7 * length) - 1  # written before the length was known
    if length and size != unknown:
        start = position + 4 + length
        check_complete(start + size, len(contents), unit="bytes")


def _ebml_size(contents: bytes, position: int) -> tuple[int, int]:
    """Returns how many bytes a size of Matroska takes, and the size; zeros if there is none."""
    length = 9 - contents[position].bit_length() if position < len(contents) else 9
    if length > 8:
        return 0, 0
    field = int.from_bytes(contents[position : position + length], "big")
    return length, field & (2 ** (7 * length) - 1)


def mp3_tells_length(contents: bytes) -> bool:
    """Returns whether the first frame of an MP3 is a table of contents (`Xing` or `Info`)."""
    start = 0
    if contents[:3] == b"ID3" and len(contents) >= 10:
        size = functools.reduce(lambda total, byte: total << 7 | byte & 0x7F, contents[6:10], 0)
        start = 10 + size
    head = contents[start : start + 64]
    return b"Xing" in head or b"Info" in head


def ogg_is_cut(contents: bytes) -> bool:
    """Returns whether the last page of an Ogg file promises more bytes than there are."""
    page = contents.rfind(b"OggS")
    if page + 27 > len(contents):
        return True
    lacing = contents[page + 27 : page + 27 + contents[page + 26]]
    return page + 27 + contents[page + 26] + sum(lacing) > len(contents)
