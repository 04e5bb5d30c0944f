"""Whether all of a recording is there, as far as its container tells, before it is decoded."""

import struct
import zlib
from collections.abc import Callable, Iterator

from modules.audio import headers
from modules.audio.contents import Contents
from modules.audio.errors import EMPTY, LFS_POINTER, DecodingError, check_complete

_LFS = b"version https://git-lfs.github.com/"
# What some writers leave out at the end, without harm.
_LACKING_BYTES = 1_024
_MATROSKA, _SEGMENT, _CLUSTER = 0x1A45DFA3, 0x18538067, 0x1F43B675
_BOXES = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot")
_VOC = b"Creative Voice File\x1a"
_TS_PACKET_BYTES = 188
_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))

# kbit/s and Hz of MPEG audio, layer III, by the bits of a frame's header: version 1; 2 and 2.5.
_KILOBITS = (
    (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
)
_RATES_HZ = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}


def check(contents: Contents) -> None:
    """Checks what can be seen of a recording without decoding it.

    Raises:
      DecodingError: It is empty, a pointer of Git LFS, or ends before its container says.
    """
    if not len(contents):
        raise DecodingError(EMPTY)
    if contents[: len(_LFS)] == _LFS:
        raise DecodingError(LFS_POINTER)
    head = contents[:12]
    checks: tuple[tuple[bool, Callable[[Contents], None]], ...] = (
        (headers.is_avi(contents), _check_avi),
        (head[:4] == _MATROSKA.to_bytes(4, "big"), _check_matroska),
        (head[:4] == b"OggS", _check_ogg),
        (head[:4] == b"caff", _check_caf),
        (contents[: len(_VOC)] == _VOC, _check_voc),
        (head[4:8] in _BOXES, _check_boxes),
        (head[:1] == b"G" and contents[188:189] == b"G", _check_transport_stream),
    )
    for applies, check_one in checks:
        if applies:
            check_one(contents)


def mp3_ends_early(contents: Contents) -> bool:
    """Returns whether the last frame of an MP3, layer III, is cut."""
    position, end = headers.id3_end(contents), len(contents)
    while position + 4 <= end:
        size = _mp3_frame_bytes(contents[position : position + 4])
        if not size:
            return False  # Other data follows the sound.
        position += size
    return position > end


def _check_avi(contents: Contents) -> None:
    (size,) = struct.unpack("<I", contents[4:8])
    if size < 0x7FFF0000 and len(contents) + _LACKING_BYTES < size + 8:
        check_complete(size + 8, len(contents), unit="bytes")


def _check_caf(contents: Contents) -> None:
    position = 8
    while position + 12 <= len(contents):
        _, size = struct.unpack(">4sq", contents[position : position + 12])
        if size < 0:  # to the end
            return
        position += 12 + size
    if position > len(contents):
        check_complete(position, len(contents), unit="bytes")


def _check_voc(contents: Contents) -> None:
    """Checks Creative Voice: blocks with their sizes, closed by one of type 0."""
    position = int.from_bytes(contents[20:22], "little")
    while position + 4 <= len(contents) and contents[position : position + 1] != b"\0":
        position += 4 + int.from_bytes(contents[position + 1 : position + 4], "little")
    if position > len(contents):
        check_complete(position, len(contents), unit="bytes")


def _check_boxes(contents: Contents) -> None:
    """Checks MP4, MOV and 3GP: boxes with their sizes."""
    position = 0
    while position + 8 <= len(contents):
        size, name = struct.unpack(">I4s", contents[position : position + 8])
        if size == 1 and position + 16 <= len(contents):
            (size,) = struct.unpack(">Q", contents[position + 8 : position + 16])
        if size < 8 or not name.isascii():  # to the end, or no box
            return
        position += size
    if position > len(contents):
        check_complete(position, len(contents), unit="bytes")


def _check_transport_stream(contents: Contents) -> None:
    if len(contents) % _TS_PACKET_BYTES:
        raise DecodingError("truncated: its last packet is incomplete")


def _check_matroska(contents: Contents) -> None:
    """Checks Matroska and WebM: elements with their sizes, which in live recordings are unknown."""
    position, end = 0, len(contents)
    while position < end:
        head = contents[position : position + 12]
        id_bytes = 9 - head[0].bit_length()
        size_bytes, size = _ebml_size(head[id_bytes:])
        if id_bytes > 4 or not size_bytes:
            return  # padding, or what a damaged size leads to
        position += id_bytes + size_bytes
        if int.from_bytes(head[:id_bytes], "big") in (_SEGMENT, _CLUSTER):
            if size is not None and position + size > end:
                check_complete(position + size, end, unit="bytes")
            continue
        position += size or 0
    if position > end:
        check_complete(position, end, unit="bytes")


def _ebml_size(field: bytes) -> tuple[int, int | None]:
    """Returns how many bytes a size of Matroska takes, and the size, `None` where it is unknown.

    The first is 0 if there is no size.
    """
    length = 9 - field[0].bit_length() if field else 9
    if length > 8 or length > len(field):
        return 0, 0
    largest = 2 ** (7 * length) - 1
    size = int.from_bytes(field[:length], "big") & largest
    return length, None if size == largest else size


def _check_ogg(contents: Contents) -> None:
    for page in _ogg_pages(contents):
        told = int.from_bytes(page[22:26], "little")
        if _ogg_checksum(page[:22] + bytes(4) + page[26:]) != told:
            raise DecodingError("corrupt: a page does not have the checksum that it tells")


def _ogg_pages(contents: Contents) -> Iterator[bytes]:
    """Yields the pages of an Ogg file. Raises DecodingError where one is cut."""
    position = 0
    while contents[position : position + 4] == b"OggS":
        head = contents[position : position + 27]
        lacing = contents[position + 27 : position + 27 + head[26]] if len(head) == 27 else b""
        size = len(head) + len(lacing) + sum(lacing)
        if len(head) < 27 or len(lacing) < head[26] or position + size > len(contents):
            raise DecodingError("truncated: its last page is incomplete")
        yield contents[position : position + size]
        position += size
    rest = contents[position : position + 65_536]
    if b"OggS" in rest:
        raise DecodingError("corrupt: there is no page where one should begin")
    if rest and b"OggS".startswith(rest[:4]):
        raise DecodingError("truncated: its last page is incomplete")


def _ogg_checksum(page: bytes) -> int:
    """Returns the CRC-32 of a page as Ogg counts it: zlib's, with the bits in the other order."""
    remainder = zlib.crc32(page.translate(_REVERSED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int(f"{remainder:032b}"[::-1], 2)


def _mp3_frame_bytes(head: bytes) -> int:
    """Returns the size of a frame of MPEG audio, layer III, by its header; 0 if it is none."""
    word = int.from_bytes(head, "big")
    version, layer = word >> 19 & 3, word >> 17 & 3
    rate_index, bitrate_index = word >> 10 & 3, word >> 12 & 15
    if word >> 21 != 0x7FF or version == 1 or layer != 1 or rate_index == 3:
        return 0
    if bitrate_index in (0, 15):
        return 0
    rate_hz = _RATES_HZ[version][rate_index]
    kilobits = _KILOBITS[version != 3][bitrate_index]
    return (144 if version == 3 else 72) * kilobits * 1_000 // rate_hz + (word >> 9 & 1)
