"""From a recording's bytes to samples: by content, never by a file's name.

Wav files, what corpora mostly consist of, go through tensorflow-io; everything else goes through
PyAV. tensorflow-io has decoders for FLAC, Ogg and MP3 too, but the ones of 0.37.1 loop for ever
on some damaged headers, return no sample rate, and take 3 to 10 times as long as PyAV
(3 s of FLAC: 4.5 ms against 0.6 ms).
"""

import functools
import io
import struct
from collections.abc import Callable
from fractions import Fraction

import av
import numpy as np
import tensorflow as tf
import tensorflow_io as tfio

from modules import audio
from modules.features import SAMPLE_RATE_HZ

MAX_DURATION_S = 1_800.0

_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
# (format tag, bits) -> what tensorflow-io returns. It reads 32-bit integers as if they were
# floats, and refuses 64-bit floats: those two are left to numpy.
_TFIO_DTYPES = {
    (_PCM, 8): tf.uint8,
    (_PCM, 16): tf.int16,
    (_PCM, 24): tf.int32,  # in the upper three bytes
    (_FLOAT, 32): tf.float32,
}
_NUMPY_DTYPES = {(_PCM, 32): "<i4", (_FLOAT, 64): "<f8"}

# Some of FFmpeg's formats open other files, or addresses, that their content names (playlists);
# only those that hold the sound themselves are allowed.
_CONTAINERS = (
    "aac,ac3,aiff,amr,ape,asf,au,avi,caf,dv,eac3,flac,flv,matroska,mov,mp3,mpeg,mpegts,"
    "nistsphere,ogg,tta,voc,w64,wav,wv"
)
# Containers whose header tells the number of samples exactly.
_EXACT = frozenset({"aiff", "au", "caf", "flac", "w64", "wav"})
_LEAST_FRACTION = 0.9  # of the duration that other containers tell


class DecodingError(Exception):
    """A recording cannot be used. The message is the reason, in words."""


# --- Public ---------------------------------------------------------------------------------------


def decode(contents: bytes) -> tuple[np.ndarray, int]:
    """Decodes a recording.

    Args:
      contents: the bytes of a wav file, of any other kind of sound file, or of a video.

    Returns:
      samples: float32 [frames, channels] in [-1, 1] (float files may exceed it).
      rate_hz: the recording's own rate.

    Raises:
      DecodingError: empty, not audio, truncated, corrupt, without a sound track, or longer than
        `MAX_DURATION_S`.
    """
    samples, rate_hz = _decode_native(contents)
    return _to_float(samples), rate_hz


def load(
    contents: bytes, *, start_s: float | None = None, end_s: float | None = None
) -> np.ndarray:
    """Returns what training hears of a recording: float32 [samples], 16 kHz, the first channel.

    Args:
      contents: as for `decode`.
      start_s, end_s: the part to return; `None` for the recording's own start or end.

    Raises:
      DecodingError: as for `decode`; and if there are no samples, if all of them are equal, or if
        one of them is not finite.
    """
    return load_with_rate(contents, start_s=start_s, end_s=end_s)[0]


def load_with_rate(
    contents: bytes, *, start_s: float | None = None, end_s: float | None = None
) -> tuple[np.ndarray, int]:
    """As `load`, but also returns the rate in Hz that the recording had before resampling."""
    samples, rate_hz = _decode_native(contents)
    if not audio.MIN_RATE_HZ <= rate_hz <= audio.MAX_RATE_HZ:
        raise DecodingError(f"its sample rate, {rate_hz:,} Hz, is not that of speech")
    if len(samples) == 0:
        raise DecodingError("has no samples")
    segment = _segment(samples, rate_hz, start_s, end_s)
    # Channels are not averaged, see audio.first_channel; this is the same before the conversion.
    waveform = _to_float(segment[:, 0])
    if not np.isfinite(waveform).all():
        raise DecodingError("corrupt: has samples that are not finite numbers")
    if waveform.max() == waveform.min():
        raise DecodingError("silent: all samples are equal")
    if rate_hz != SAMPLE_RATE_HZ:
        waveform = _resampler(rate_hz)(waveform).numpy()
    return waveform, rate_hz


@functools.lru_cache(maxsize=32)
def _resampler(rate_hz: int) -> Callable[[np.ndarray], tf.Tensor]:
    """Returns `audio.resample` for one rate as a graph: a third of the time of its single ops."""
    return tf.function(
        lambda waveform: audio.resample(waveform, rate_hz),
        input_signature=[tf.TensorSpec([None], tf.float32)],
        autograph=False,
    )


def _segment(
    samples: np.ndarray, rate_hz: int, start_s: float | None, end_s: float | None
) -> np.ndarray:
    """Returns the frames from `start_s` to `end_s` of samples, [frames, channels]."""
    start = 0 if start_s is None else round(start_s * rate_hz)
    end = len(samples) if end_s is None else round(end_s * rate_hz)
    segment = samples[start:end]
    if len(segment) == 0:
        until = "its end" if end_s is None else f"{end_s:g} s"
        duration_s = len(samples) / rate_hz
        raise DecodingError(
            f"has nothing from {start_s or 0:g} s to {until}: it is {duration_s:.3f} s long"
        )
    return segment


def _decode_native(contents: bytes) -> tuple[np.ndarray, int]:
    """As `decode`, but samples keep the type they are stored in."""
    if not contents:
        raise DecodingError("empty file")
    if contents[:4] == b"RIFF" and contents[8:12] == b"WAVE":
        return _decode_wav(contents)
    return _decode_av(contents)


def _to_float(samples: np.ndarray) -> np.ndarray:
    """Scales integers of any width to float32 in [-1, 1)."""
    if samples.dtype == np.uint8:
        return (samples.astype(np.float32) - 128.0) / 128.0
    if samples.dtype.kind == "i":
        return samples.astype(np.float32) / np.float32(2 ** (8 * samples.dtype.itemsize - 1))
    return samples.astype(np.float32)


# --- Wav ------------------------------------------------------------------------------------------


def _decode_wav(contents: bytes) -> tuple[np.ndarray, int]:
    """Decodes a RIFF WAVE file after having checked its structure."""
    chunk = _wav_chunks(contents)
    if len(chunk.get(b"fmt ", b"")) < 16:
        raise DecodingError("corrupt: wav file without a format chunk")
    if b"data" not in chunk:
        raise DecodingError("truncated: wav file without a data chunk")
    form, data = chunk[b"fmt "], chunk[b"data"]
    tag, num_channels, rate_hz, _, frame_bytes, bits = struct.unpack_from("<HHIIHH", form)
    if tag == _EXTENSIBLE and len(form) >= 26:
        (tag,) = struct.unpack_from("<H", form, 24)
    if tag not in (_PCM, _FLOAT):
        return _decode_av(contents)  # compressed: µ-law, ADPCM, …
    if (tag, bits) not in _TFIO_DTYPES and (tag, bits) not in _NUMPY_DTYPES:
        raise DecodingError(f"wav file of a width there is no decoder for: {bits} bits")
    if num_channels == 0 or rate_hz == 0 or frame_bytes != num_channels * bits // 8:
        raise DecodingError(
            f"corrupt: its wav header contradicts itself ({num_channels} channels of {bits} bits,"
            f" {rate_hz} Hz, {frame_bytes} bytes a frame)"
        )
    data = data[: len(data) // frame_bytes * frame_bytes]
    _check_duration(len(data) / frame_bytes / rate_hz)
    if not data:
        return np.zeros([0, num_channels], np.float32), rate_hz
    if (tag, bits) in _NUMPY_DTYPES:
        samples = np.frombuffer(data, _NUMPY_DTYPES[tag, bits]).reshape(-1, num_channels)
        return samples, rate_hz
    # tensorflow-io believes whatever a header says: it is shown this one (most files have just it).
    header = struct.pack("<4sI4s4sI", b"RIFF", 36 + len(data), b"WAVE", b"fmt ", 16) + struct.pack(
        "<HHIIHH4sI",
        tag,
        num_channels,
        rate_hz,
        (rate_hz * frame_bytes) & 0xFFFFFFFF,
        frame_bytes,
        bits,
        b"data",
        len(data),
    )
    plain = len(contents) == len(header) + len(data) and contents.startswith(header)
    contents = contents if plain else header + data
    return tfio.audio.decode_wav(contents, dtype=_TFIO_DTYPES[tag, bits]).numpy(), rate_hz


def _wav_chunks(contents: bytes) -> dict[bytes, memoryview]:
    """Returns a RIFF file's chunks up to its data, by name."""
    chunks: dict[bytes, memoryview] = {}
    view, position = memoryview(contents), 12
    while b"data" not in chunks and position + 8 <= len(contents):
        name = contents[position : position + 4]
        (size,) = struct.unpack_from("<I", contents, position + 4)
        position += 8
        available = len(contents) - position
        streaming = size == 0 or size >= audio.STREAMING_DATA_BYTES
        if name == b"data" and streaming:
            size = available
        if name == b"data" and size > available:
            raise DecodingError(
                f"truncated: its header promises {size:,} bytes of samples, {available:,} are there"
            )
        chunks.setdefault(name, view[position : position + size])
        position += size + size % 2
    return chunks


def _check_duration(duration_s: float) -> None:
    if duration_s > MAX_DURATION_S:
        raise DecodingError(f"longer than {MAX_DURATION_S / 60:g} minutes: cut it into utterances")


# --- All other formats ----------------------------------------------------------------------------


def _decode_av(contents: bytes) -> tuple[np.ndarray, int]:
    """Decodes the first sound track of whatever PyAV recognises."""
    try:
        container = av.open(io.BytesIO(contents), options={"format_whitelist": _CONTAINERS})
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
            promised = _flac_frames(contents) if is_flac else 0
            reason = error.strerror if isinstance(error, OSError) else str(error)
            raise DecodingError(
                "truncated or corrupt"
                + (f" (its header promises {promised:,} samples)" if promised else "")
                + f": {(reason or type(error).__name__)[:100]}"
            ) from None
        promised = _flac_frames(contents) if is_flac else _promised_frames(container, contents)
    if len(samples) < promised:
        raise DecodingError(
            f"truncated: its header promises {promised:,} samples, {len(samples):,} are there"
        )
    if contents[:4] == b"OggS" and _ogg_is_cut(contents):
        raise DecodingError("truncated: its last page is incomplete")
    return samples, rate_hz


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
        _check_duration(num_frames / frame.sample_rate)
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


def _flac_frames(contents: bytes) -> int:
    """Returns the number of frames that STREAMINFO tells; 0: unknown, or not a bare FLAC file."""
    if contents[:4] != b"fLaC" or len(contents) < 26 or contents[4] & 0x7F != 0:
        return 0
    return int.from_bytes(contents[18:26], "big") & (2**36 - 1)


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
