"""From a recording's bytes to samples: by content, never by a file's name.

Wav files, what corpora mostly consist of, go through tensorflow-io; everything else goes through
PyAV. tensorflow-io has decoders for FLAC, Ogg and MP3 too, but the ones of 0.37.1 loop for ever
on some damaged headers, return no sample rate, and take 3 to 10 times as long as PyAV
(3 s of FLAC: 4.5 ms against 0.6 ms).
"""

import functools
import struct
from collections.abc import Callable

import numpy as np
import tensorflow as tf
import tensorflow_io as tfio

from modules.audio import graph, media
from modules.audio.media import DecodingError, check_duration, to_float
from schemas.sound import SAMPLE_RATE_HZ

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
    return to_float(samples), rate_hz


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
    if not graph.MIN_RATE_HZ <= rate_hz <= graph.MAX_RATE_HZ:
        raise DecodingError(f"its sample rate, {rate_hz:,} Hz, is not that of speech")
    if len(samples) == 0:
        raise DecodingError("has no samples")
    segment = _segment(samples, rate_hz, start_s, end_s)
    # Channels are not averaged, see audio.first_channel; this is the same before the conversion.
    waveform = to_float(segment[:, 0])
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
        lambda waveform: graph.resample(waveform, rate_hz),
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
    return media.decode(contents)


# --- Wav ------------------------------------------------------------------------------------------


def _decode_wav(contents: bytes) -> tuple[np.ndarray, int]:
    """Decodes a RIFF WAVE file after having checked its structure."""
    chunk: dict[bytes, memoryview] = {}
    for name, size, body in media.wav_chunks(contents):
        chunk.setdefault(name, body)
        if name == b"data":
            media.check_complete(size, len(body))
            break
    if len(chunk.get(b"fmt ", b"")) < 16:
        raise DecodingError("corrupt: wav file without a format chunk")
    if b"data" not in chunk:
        raise DecodingError("truncated: wav file without a data chunk")
    form, data = chunk[b"fmt "], chunk[b"data"]
    tag, num_channels, rate_hz, _, frame_bytes, bits = struct.unpack_from("<HHIIHH", form)
    if tag == _EXTENSIBLE and len(form) >= 26:
        (tag,) = struct.unpack_from("<H", form, 24)
    if tag not in (_PCM, _FLOAT):
        return media.decode(contents)  # compressed: µ-law, ADPCM, …
    if (tag, bits) not in _TFIO_DTYPES and (tag, bits) not in _NUMPY_DTYPES:
        raise DecodingError(f"wav file of a width there is no decoder for: {bits} bits")
    if num_channels == 0 or rate_hz == 0 or frame_bytes != num_channels * bits // 8:
        raise DecodingError(
            f"corrupt: its wav header contradicts itself ({num_channels} channels of {bits} bits,"
            f" {rate_hz} Hz, {frame_bytes} bytes a frame)"
        )
    data = data[: len(data) // frame_bytes * frame_bytes]
    check_duration(len(data) / frame_bytes / rate_hz)
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
