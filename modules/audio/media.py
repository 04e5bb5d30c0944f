"""Recordings through PyAV (FFmpeg): any container, videos too.

FFmpeg is loaded by the first recording that needs it.
"""

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from typing import Any

import numpy as np

from modules.audio import headers
from modules.audio.errors import (
    NO_DECODER,
    NO_SOUND_TRACK,
    NOT_AUDIO,
    DecodingError,
    check_complete,
    check_duration,
    check_rate,
)

# Some of FFmpeg's formats open other files, or addresses, that their content names (playlists);
# only those that hold the sound themselves are allowed.
CONTAINERS = (
    "aac,ac3,aiff,amr,ape,asf,au,avi,caf,dv,eac3,flac,flv,matroska,mov,mp3,mpeg,mpegts,"
    "nistsphere,ogg,tta,voc,w64,wav,wv"
)
# Containers whose header tells the number of samples exactly, where they are not compressed.
_EXACT = frozenset({"aiff", "au", "caf"})
_LEAST_FRACTION = 0.9  # of the duration that other containers tell
# More frames than that for a byte of a file are a header's error, not a coding.
_MAX_FRAMES_A_BYTE = 64
# Codings whose frames in a packet FFmpeg knows better than most containers' headers.
_BLOCK_CODINGS = ("adpcm", "g72", "gsm")


def header(contents: bytes) -> tuple[int, float]:
    """Returns rate in Hz and duration in s of the first sound track; does not decode.

    Raises:
      DecodingError: Not audio, without a sound track, or in an unknown coding.
    """
    with _opened(contents) as (container, stream):
        ticks = _ticks(container, stream, contents)
        if ticks is None:
            ticks = sum(packet.duration or 0 for packet in container.demux(stream))
            if not ticks and container.duration:
                return stream.rate, container.duration / 1_000_000
        if stream.codec_context.name == "opus":
            # What a decoder leaves out of the first packets.
            ticks -= round(stream.codec_context.delay / stream.rate / stream.time_base)
        return stream.rate, float(ticks * stream.time_base)


def decode(contents: bytes) -> tuple[np.ndarray, int]:
    """Decodes the first sound track of whatever PyAV recognises.

    Args:
      contents: The bytes of a sound file or of a video.

    Returns:
      samples: [frames, channels], integers or floats, as stored; may be empty.
      rate_hz: The recording's own rate.

    Raises:
      DecodingError: Not audio, truncated, corrupt, without a sound track, or longer than
        `MAX_DURATION_S`.
    """
    import av

    with _opened(contents) as (container, stream):
        _, promised = headers.flac(contents)
        if stream.codec_context.name == "flac":
            stream.codec_context.options = {"err_detect": "crccheck+explode"}
        try:
            samples, rate_hz = _decode_stream(container, stream)
        except (av.FFmpegError, ValueError, OSError) as error:
            raise DecodingError(_failure(error, promised)) from None
        promised = promised or _promised_frames(container, stream, contents)
    check_complete(promised, len(samples), unit="samples")
    return samples, rate_hz


@contextmanager
def _opened(contents: bytes) -> Iterator[tuple[Any, Any]]:
    """Opens a recording: the container and its first sound track.

    Raises:
      DecodingError: There is none that can be decoded, or FFmpeg finds the header damaged.
    """
    import av

    # Asking all formats whether a file is theirs takes a third of the time of opening it.
    known = "flac" if contents[:4] == b"fLaC" else None
    options = {"format_whitelist": CONTAINERS}
    try:
        container = av.open(io.BytesIO(contents), format=known, options=options)
    except (av.FFmpegError, ValueError, OSError):
        raise DecodingError(NOT_AUDIO) from None
    with container:
        if not container.streams.audio:
            raise DecodingError(NO_SOUND_TRACK if container.streams else NOT_AUDIO)
        stream = container.streams.audio[0]
        # PyAV crashes on decoding a stream whose codec it does not know.
        if stream.codec_context is None:
            raise DecodingError(NO_DECODER)
        if not stream.rate or not stream.time_base:
            raise DecodingError(NOT_AUDIO)
        check_rate(stream.rate)
        try:
            yield container, stream
        except (av.FFmpegError, ValueError, OSError):
            raise DecodingError(NOT_AUDIO) from None


def _ticks(container: Any, stream: Any, contents: bytes) -> int | None:
    """Returns the duration that the header tells in the stream's unit; `None` if in no sane way."""
    name, codec = container.format.name, stream.codec_context.name
    ticks = stream.duration
    if name == "avi" or (name == "caf" and codec.startswith("pcm_")):
        ticks = stream.frames  # The other one is an estimate.
    elif codec.startswith(_BLOCK_CODINGS) or name in ("aac", "asf"):
        return None  # It is that of the whole file, or extrapolated from the first frames.
    elif name == "mp3" and not headers.mp3_tells_length(contents):
        return None
    if not ticks or ticks * stream.time_base * stream.rate > _MAX_FRAMES_A_BYTE * len(contents):
        return None
    return ticks


def _promised_frames(container: Any, stream: Any, contents: bytes) -> int:
    """Returns the least number of frames that the container's header lets one expect."""
    name = container.format.name
    ticks = _ticks(container, stream, contents)
    # Whether wav and Ogg files are complete was checked before, byte by byte.
    if ticks is None or name in ("wav", "w64", "ogg"):
        return 0
    frames = Fraction(ticks) * stream.time_base * stream.rate
    return int(frames if _is_exact(container, stream) else frames * Fraction(_LEAST_FRACTION))


def _is_exact(container: Any, stream: Any) -> bool:
    return container.format.name in _EXACT and stream.codec_context.name.startswith("pcm_")


def _failure(error: Exception, promised: int) -> str:
    reason = error.strerror if isinstance(error, OSError) else str(error)
    return (
        "truncated or corrupt"
        + (f" (its header promises {promised:,} samples)" if promised else "")
        + f": {(reason or type(error).__name__)[:100]}"
    )


def _decode_stream(container: Any, stream: Any) -> tuple[np.ndarray, int]:
    """Returns a stream's samples, [frames, channels] as stored, and its rate in Hz."""
    pieces: list[np.ndarray] = []
    shape, num_frames = None, 0
    for frame in _frames(container, stream):
        # The frames' rate: a stream's header may tell that of the core only (HE-AAC).
        own = (frame.sample_rate, frame.layout.nb_channels, frame.format.name)
        shape = shape or own
        if own != shape:
            raise DecodingError("corrupt: its rate or its number of channels changes midway")
        num_frames += frame.samples
        check_duration(num_frames / frame.sample_rate)
        array = frame.to_ndarray()
        pieces.append(array.T if frame.format.is_planar else array.reshape(-1, own[1]))
    if shape is None:
        return np.zeros([0, 1], np.float32), stream.rate
    return np.concatenate(pieces), shape[0]


def _frames(container: Any, stream: Any) -> Iterator[Any]:
    """Yields the decoded frames of a stream."""
    sample_bits = re.fullmatch(r"pcm_[a-z](\d+)be", stream.codec_context.name)
    if container.format.name != "aiff" or not sample_bits:
        yield from container.decode(stream)
        return
    import av

    # FFmpeg takes the byte that pads samples of an odd length (24 bits mono) for part of them, and
    # fails.
    frame_bytes = stream.codec_context.channels * int(sample_bits[1]) // 8
    for packet in container.demux(stream):
        whole = packet.size // frame_bytes * frame_bytes
        if whole:
            yield from stream.codec_context.decode(av.Packet(bytes(packet)[:whole]))
    yield from stream.codec_context.decode(None)
