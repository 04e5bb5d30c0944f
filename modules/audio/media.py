"""Recordings by content, never by name: their headers, and the sound of any container, videos too.

Imports neither TensorFlow nor TFX: clients and audits decode as training does.
"""

import functools
import io
import struct
from collections.abc import Iterator
from fractions import Fraction

import numpy as np

MAX_DURATION_S = 1_800.0
# A wav header that was written before the length was known carries 0, 0xFFFFFFFF (ffmpeg), or a
# value just below 2 GiB (sox) as the size of its data.
STREAMING_DATA_BYTES = 0x7FFF0000

# Some of FFmpeg's formats open other files, or addresses, that their content names (playlists);
# only those that hold the sound themselves are allowed.
CONTAINERS = (
    "aac,ac3,aiff,amr,ape,asf,au,avi,caf,dv,eac3,flac,flv,matroska,mov,mp3,mpeg,mpegts,"
    "nistsphere,ogg,tta,voc,w64,wav,wv"
)
# Containers whose header tells the number of samples exactly.
_EXACT = frozenset({"aiff", "au", "caf", "flac", "w64", "wav"})
_LEAST_FRACTION = 0.9  # of the duration that other containers tell


class DecodingError(Exception):
    """A recording cannot be used. The message is the reason, in words."""


def decode(contents: bytes) -> tuple[np.ndarray, int]:
    """Decodes the first sound track of whatever PyAV recognises.

    Args:
      contents: the bytes of a sound file or of a video.

    Returns:
      samples: [frames, channels], integers or floats, as stored.
      rate_hz: the recording's own rate.

    Raises:
      DecodingError: not audio, truncated, corrupt, without a sound track, or longer than
        `MAX_DURATION_S`.
    """
    import av  # loads FFmpeg

    try:
        container = av.open(io.BytesIO(contents), options={"format_whitelist": CONTAINERS})
    except (av.FFmpegError, ValueError, OSError):
        raise DecodingError("not audio: no decoder recognises its content") from None
    with container:
        if not container.streams.audio:
            raise DecodingError("has no sound track")
        stream = container.streams.audio[0]
        # PyAV crashes on decoding a stream whose codec it does not know.
        if stream.codec_context is None:
            raise DecodingError("its sound is in a coding that there is no decoder for")
        is_flac = stream.codec_context.name == "flac"
        if is_flac:
            stream.codec_context.options = {"err_detect": "crccheck+explode"}
        try:
            samples, rate_hz = _decode_stream(container, stream)
        except (av.FFmpegError, ValueError, OSError) as error:
            promised = flac_header(contents)[1] if is_flac else 0
            reason = error.strerror if isinstance(error, OSError) else str(error)
            raise DecodingError(
                "truncated or corrupt"
                + (f" (its header promises {promised:,} samples)" if promised else "")
                + f": {(reason or type(error).__name__)[:100]}"
            ) from None
        promised = flac_header(contents)[1] if is_flac else _promised_frames(container, contents)
    if len(samples) < promised:
        raise DecodingError(
            f"truncated: its header promises {promised:,} samples, {len(samples):,} are there"
        )
    if contents[:4] == b"OggS" and _ogg_is_cut(contents):
        raise DecodingError("truncated: its last page is incomplete")
    return samples, rate_hz


def to_float(samples: np.ndarray) -> np.ndarray:
    """Scales integers of any width to float32 in [-1, 1)."""
    if samples.dtype == np.uint8:
        return (samples.astype(np.float32) - 128.0) / 128.0
    if samples.dtype.kind == "i":
        return samples.astype(np.float32) / np.float32(2 ** (8 * samples.dtype.itemsize - 1))
    return samples.astype(np.float32)


def samples(contents: bytes) -> tuple[np.ndarray, int]:
    """Decodes whatever libsndfile (wav, flac, mp3, ogg, …) or FFmpeg (videos, AAC, …) knows.

    Returns:
      samples: float32 [frames, channels].
      rate_hz: the recording's own rate.

    Raises:
      DecodingError: as `decode`.
    """
    import soundfile

    try:
        return soundfile.read(io.BytesIO(contents), dtype="float32", always_2d=True)
    except (soundfile.SoundFileError, TypeError):  # TypeError: taken for headerless data
        stored, rate_hz = decode(contents)
        return to_float(stored), rate_hz


def wav_chunks(contents: bytes) -> Iterator[tuple[bytes, int, memoryview]]:
    """Yields the chunks of a RIFF WAVE file: name, promised size, and the bytes that are there.

    Samples of unknown length go on to the file's end.
    """
    view, position = memoryview(contents), 12
    while position + 8 <= len(contents):
        name, size = struct.unpack_from("<4sI", contents, position)
        position += 8
        if name == b"data" and not 0 < size < STREAMING_DATA_BYTES:
            size = len(contents) - position
        yield name, size, view[position : position + size]
        position += size + size % 2


def check_complete(promised_bytes: int, available_bytes: int) -> None:
    """Raises DecodingError if a wav file has fewer bytes of samples than its header promises."""
    if promised_bytes > available_bytes:
        raise DecodingError(
            f"truncated: its header promises {promised_bytes:,} bytes of samples,"
            f" {available_bytes:,} are there"
        )


def flac_header(contents: bytes) -> tuple[int, int]:
    """Returns rate in Hz and number of frames by STREAMINFO; 0 where unknown or no bare FLAC."""
    if contents[:4] != b"fLaC" or len(contents) < 26 or contents[4] & 0x7F != 0:
        return 0, 0
    stream_info = int.from_bytes(contents[18:26], "big")  # 20 bits rate, …, 36 bits frames
    return stream_info >> 44, stream_info & (2**36 - 1)


def check_duration(duration_s: float) -> None:
    """Raises DecodingError if a recording is longer than `MAX_DURATION_S`."""
    if duration_s > MAX_DURATION_S:
        raise DecodingError(f"longer than {MAX_DURATION_S / 60:g} minutes: cut it into utterances")


def _decode_stream(container, stream) -> tuple[np.ndarray, int]:
    """Returns a stream's samples, [frames, channels] as stored, and its rate in Hz."""
    pieces: list[np.ndarray] = []
    shape, num_frames = None, 0
    for frame in container.decode(stream):
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
        raise DecodingError("its sound track has no samples")
    return np.concatenate(pieces), shape[0]


def _promised_frames(container, contents: bytes) -> int:
    """Returns the least number of frames that the container's header lets one expect."""
    stream = container.streams.audio[0]
    name = container.format.name
    if not stream.duration or not stream.time_base or name == "ogg":
        return 0
    if name == "mp3" and not _mp3_tells_length(contents):
        return 0  # FFmpeg has extrapolated from the first frames
    frames = Fraction(stream.duration) * stream.time_base * stream.rate
    return int(frames if name in _EXACT else frames * Fraction(_LEAST_FRACTION))


def _mp3_tells_length(contents: bytes) -> bool:
    """Returns whether the first frame is a table of contents (`Xing` or `Info`)."""
    start = 0
    if contents[:3] == b"ID3" and len(contents) >= 10:
        size = functools.reduce(lambda total, byte: total << 7 | byte & 0x7F, contents[6:10], 0)
        start = 10 + size
    head = contents[start : start + 64]
    return b"Xing" in head or b"Info" in head


def _ogg_is_cut(contents: bytes) -> bool:
    """Returns whether the last page promises more bytes than there are."""
    page = contents.rfind(b"OggS")
    if page + 27 > len(contents):
        return True
    lacing = contents[page + 27 : page + 27 + contents[page + 26]]
    return page + 27 + contents[page + 26] + sum(lacing) > len(contents)
