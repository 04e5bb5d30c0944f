"""Headers of the common containers, read from their bytes: nothing is decoded, no library needed.

For each of these, the callbacks of FFmpeg into Python take as long as reading and hashing the file.
"""

import functools
import struct

from modules.audio.contents import Contents


def flac(contents: Contents) -> tuple[int, int]:
    """Returns rate in Hz and number of frames by STREAMINFO; 0 where unknown or no bare FLAC."""
    head = contents[:26]
    if head[:4] != b"fLaC" or len(head) < 26 or head[4] & 0x7F != 0:
        return 0, 0
    stream_info = int.from_bytes(head[18:26], "big")  # 20 bits rate, …, 36 bits frames
    return stream_info >> 44, stream_info & (2**36 - 1)


def is_avi(contents: Contents) -> bool:
    """Returns whether a file begins as an avi file does."""
    return contents[:4] == b"RIFF" and contents[8:12] == b"AVI "


def avi(contents: Contents) -> tuple[int, float] | None:
    """Returns rate in Hz and duration in s of an avi file's first sound track.

    `None` if there is none, or if the header is unusual.
    """
    position, sound_s = 12, 0.0
    while position + 8 <= len(contents):
        name, size = struct.unpack("<4sI", contents[position : position + 8])
        position += 8
        if name == b"LIST":
            if contents[position : position + 4] not in (b"hdrl", b"strl"):
                return None  # the header has ended
            position += 4  # into the list
            continue
        if position + size > len(contents):
            return None
        body = contents[position : position + min(size, 64)]
        if name == b"strh" and size >= 36 and body[:4] == b"auds":
            scale, rate, _, length = struct.unpack_from("<IIII", body, 20)
            sound_s = length * scale / rate if rate else 0.0
        if name == b"strf" and sound_s and size >= 8:
            (rate_hz,) = struct.unpack_from("<I", body, 4)
            return (rate_hz, sound_s) if rate_hz else None
        position += size + size % 2
    return None


def full_last_packet(contents: Contents) -> Contents:
    """Returns a CAF file with the length of its last packet mended.

    libsndfile says of a last packet that is full that all of it is padding, and FFmpeg finds no
    packet in it then.
    """
    if contents[:4] != b"caff":
        return contents
    position, packet_frames = 8, 0
    while position + 12 <= len(contents):
        name, size = struct.unpack(">4sq", contents[position : position + 12])
        position += 12
        if name == b"desc":
            (packet_frames,) = struct.unpack(">I", contents[position + 20 : position + 24])
        if name == b"pakt" and size >= 24:
            packets, frames, _, padding = struct.unpack(">qqii", contents[position : position + 24])
            if padding == packet_frames > 0 and packets * packet_frames == frames:
                place = position + 20
                return contents[:place] + bytes(4) + contents[place + 4 : len(contents)]
            return contents
        if size < 0 or not name.isalpha():
            return contents
        position += size
    return contents


def id3_end(contents: Contents) -> int:
    """Returns where an ID3 tag at the beginning of a file ends; 0 if there is none."""
    if contents[:3] != b"ID3" or len(contents) < 10:
        return 0
    return 10 + functools.reduce(lambda total, byte: total << 7 | byte & 0x7F, contents[6:10], 0)


def mp3_tells_length(contents: Contents) -> bool:
    """Returns whether the first frame of an MP3 is a table of contents (`Xing` or `Info`)."""
    start = id3_end(contents)
    head = contents[start : start + 64]
    return b"Xing" in head or b"Info" in head
