"""Wav files as TensorFlow core ops: how a served model decodes them without any library.

`modules.audio.wav` reads the same files in Python.
"""

import functools

import tensorflow as tf

from modules.audio.network_input import decode_pcm16
from modules.audio.resampling import Number, rate_message
from modules.audio.wav import (
    EXTENSIBLE,
    FLOAT,
    MAX_CHUNKS,
    MOST_LACKING_BYTES,
    PCM,
    STREAMING_DATA_BYTES,
)
from schemas.sound import MAX_RATE_HZ, MIN_RATE_HZ

_ENCODINGS = ((PCM, 8), (PCM, 16), (PCM, 24), (PCM, 32), (FLOAT, 32), (FLOAT, 64))


def decode_wav(contents: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Decodes a whole wav file: what the `serve_audio` signature runs.

    Reads integer PCM of 8, 16, 24 and 32 bit and float of 32 and 64 bit with any number of
    channels, WAVE_FORMATEXTENSIBLE, and other chunks before the data. A header that was written
    before the length was known (data size 0 or 0xFFFFFFFF) takes the rest of the file.

    Args:
      contents: Scalar string, the file's bytes.

    Returns:
      samples: float32 [frames, channels] in [-1, 1) for integer PCM.
      rate_hz: int32 scalar.

    Raises:
      tf.errors.InvalidArgumentError: not a wav file, an encoding that is not listed above, no
        samples, or far fewer than the header promises.
    """
    contents = tf.convert_to_tensor(contents, tf.string)
    length = tf.cast(tf.strings.length(contents), tf.int64)
    contents = _require(
        tf.logical_and(
            length >= 12,
            tf.logical_and(
                tf.equal(_slice(contents, 0, 4), b"RIFF"),
                tf.equal(_slice(contents, 8, 4), b"WAVE"),
            ),
        ),
        "not a wav file: it does not begin with RIFF and WAVE",
        contents,
    )
    format_start, format_bytes, data_start, data_bytes = _find_chunks(contents, length)
    contents = _require(format_bytes >= 16, "wav file without a format chunk", contents)
    contents = _require(data_start >= 0, "wav file without a data chunk", contents)

    tag = _little_endian(contents, format_start, 2)
    num_channels = _little_endian(contents, format_start + 2, 2)
    rate_hz = _little_endian(contents, format_start + 4, 4)
    byte_rate = _little_endian(contents, format_start + 8, 4)
    frame_bytes = _little_endian(contents, format_start + 12, 2)
    bits = _little_endian(contents, format_start + 14, 2)
    extensible = tf.logical_and(tf.equal(tag, EXTENSIBLE), format_bytes >= 26)
    subformat = _little_endian(contents, format_start + 24 * tf.cast(extensible, tf.int64), 2)
    tag = tf.where(extensible, subformat, tag)
    # Integers that do not fill their bytes lie in the upper bits.
    bits = tf.where(tf.equal(tag, PCM), -(-bits // 8) * 8, bits)

    encodings = tf.constant(_ENCODINGS, tf.int64)
    matches = tf.reduce_all(tf.equal(encodings, tf.stack([tag, bits])), axis=1)
    contents = _require(
        tf.reduce_any(matches),
        "wav encoding is none of PCM 8, 16, 24, 32 bit and float 32, 64 bit; format tag and bits:",
        contents,
        tag,
        bits,
    )
    contents = _require(
        tf.logical_and(num_channels > 0, tf.equal(frame_bytes, num_channels * bits // 8)),
        "wav header contradicts itself; channels, bits, bytes a frame:",
        contents,
        num_channels,
        bits,
        frame_bytes,
    )
    contents = _require(
        tf.logical_or(tf.equal(byte_rate, 0), tf.equal(byte_rate, rate_hz * frame_bytes)),
        "wav header contradicts itself; Hz, bytes a frame, bytes a second:",
        contents,
        rate_hz,
        frame_bytes,
        byte_rate,
    )
    contents = _require(
        tf.logical_and(rate_hz >= MIN_RATE_HZ, rate_hz <= MAX_RATE_HZ),
        rate_message(),
        contents,
        rate_hz,
    )
    available = length - data_start
    streaming = tf.logical_or(tf.equal(data_bytes, 0), data_bytes >= STREAMING_DATA_BYTES)
    contents = _require(
        tf.logical_or(
            streaming,
            data_bytes - available
            <= tf.minimum(tf.constant(MOST_LACKING_BYTES, tf.int64), data_bytes // 10),
        ),
        "wav file is truncated; bytes of samples promised and there:",
        contents,
        data_bytes,
        available,
    )
    # A graph may divide before it has found the header contradictory.
    num_frames = tf.where(streaming, available, tf.minimum(data_bytes, available)) // tf.maximum(
        frame_bytes, 1
    )
    contents = _require(num_frames > 0, "wav file without samples", contents)
    data = _slice(contents, data_start, num_frames * frame_bytes)
    samples = tf.switch_case(
        tf.argmax(matches, output_type=tf.int32),
        [functools.partial(decoder, data) for decoder in _SAMPLE_DECODERS],
    )
    return tf.reshape(samples, [num_frames, num_channels]), tf.cast(rate_hz, tf.int32)


def _require(condition: tf.Tensor, message: str, value: tf.Tensor, *facts: tf.Tensor) -> tf.Tensor:
    """Returns `value`, which nothing can read before `condition` was found to hold."""
    check = tf.debugging.Assert(condition, [message, *facts])
    with tf.control_dependencies([check] if check is not None else []):
        return tf.identity(value)


def _slice(contents: tf.Tensor, start: Number, length: Number) -> tf.Tensor:
    """Returns `length` bytes of a scalar string from `start`; fewer, or none, at its end."""
    start = tf.minimum(tf.cast(start, tf.int32), tf.strings.length(contents))
    return tf.strings.substr(contents, start, tf.cast(length, tf.int32))


def _little_endian(contents: tf.Tensor, start: Number, num_bytes: int) -> tf.Tensor:
    """Returns the unsigned integer at `start` as an int64 scalar."""
    digits = tf.io.decode_raw(_slice(contents, start, num_bytes), tf.uint8)
    weights = tf.constant([256**k for k in range(num_bytes)], tf.int64)
    return tf.reduce_sum(tf.cast(digits, tf.int64) * weights)


def _find_chunks(contents: tf.Tensor, length: tf.Tensor) -> tuple[tf.Tensor, ...]:
    """Walks the chunks up to the data.

    Returns:
      int64 scalars: where the format chunk starts and how many bytes of it there are, where the
      data starts (-1: no data) and how many bytes its header promises.
    """

    def more(
        position: tf.Tensor,
        format_start: tf.Tensor,
        format_bytes: tf.Tensor,
        data_start: tf.Tensor,
        data_bytes: tf.Tensor,
    ) -> tf.Tensor:
        del format_start, format_bytes, data_bytes
        return tf.logical_and(data_start < 0, position + 8 <= length)

    def step(
        position: tf.Tensor,
        format_start: tf.Tensor,
        format_bytes: tf.Tensor,
        data_start: tf.Tensor,
        data_bytes: tf.Tensor,
    ) -> tuple[tf.Tensor, ...]:
        name = _slice(contents, position, 4)
        size = _little_endian(contents, position + 4, 4)
        start = position + 8
        is_format, is_data = tf.equal(name, b"fmt "), tf.equal(name, b"data")
        return (
            start + size + size % 2,
            tf.where(is_format, start, format_start),
            tf.where(is_format, tf.minimum(size, length - start), format_bytes),
            tf.where(is_data, start, data_start),
            tf.where(is_data, size, data_bytes),
        )

    zero, none = tf.constant(0, tf.int64), tf.constant(-1, tf.int64)
    _, *found = tf.while_loop(
        more,
        step,
        (tf.constant(12, tf.int64), zero, zero, none, zero),
        maximum_iterations=MAX_CHUNKS,
    )
    return tuple(found)


def _decode_uint8(data: tf.Tensor) -> tf.Tensor:
    return (tf.cast(tf.io.decode_raw(data, tf.uint8), tf.float32) - 128.0) / 128.0


def _decode_int24(data: tf.Tensor) -> tf.Tensor:
    digits = tf.cast(tf.reshape(tf.io.decode_raw(data, tf.uint8), [-1, 3]), tf.int32)
    unsigned = tf.reduce_sum(digits * tf.constant([1, 2**8, 2**16]), axis=1)
    signed = tf.where(unsigned < 2**23, unsigned, unsigned - 2**24)
    return tf.cast(signed, tf.float32) / float(2**23)


def _decode_int32(data: tf.Tensor) -> tf.Tensor:
    return tf.cast(tf.io.decode_raw(data, tf.int32), tf.float32) / float(2**31)


def _decode_float32(data: tf.Tensor) -> tf.Tensor:
    return tf.io.decode_raw(data, tf.float32)


def _decode_float64(data: tf.Tensor) -> tf.Tensor:
    return tf.cast(tf.io.decode_raw(data, tf.float64), tf.float32)


_SAMPLE_DECODERS = (
    _decode_uint8,
    decode_pcm16,
    _decode_int24,
    _decode_int32,
    _decode_float32,
    _decode_float64,
)
