"""Audio as TensorFlow core ops: the same functions prepare a clip for training and for serving.

Every function takes and returns tensors of unknown length, and works eagerly, inside a
`tf.function`, inside a TF Transform `preprocessing_fn`, and inside a SavedModel that a stock
TF Serving loads: there is no op here that TensorFlow itself does not bring.
"""

import functools
import math

import numpy as np
import tensorflow as tf

from modules.audio.media import STREAMING_DATA_BYTES
from schemas.sound import INPUT_SAMPLES, SAMPLE_RATE_HZ

MIN_RATE_HZ = 1_000
MAX_RATE_HZ = 384_000

TRIM_THRESHOLD_DB = -40.0
TRIM_FRAME_S = 0.025
TRIM_HOP_S = 0.010
TRIM_MARGIN_S = 0.050

STD_FLOOR = 1e-8

_KAISER_BETA = 5.0
_ZERO_CROSSINGS = 10  # on either side of the filter's centre
_MIN_BLOCK_SAMPLES = 32
_MAX_BANK_SIZE = 2**20  # weights; above, windows are gathered instead (4 MiB of float32)
_CHUNK_SAMPLES = 4_096
_DIVISORS = tuple(d for d in range(1, SAMPLE_RATE_HZ + 1) if SAMPLE_RATE_HZ % d == 0)

MAX_WAV_CHUNKS = 1_000


# --- Resampling -----------------------------------------------------------------------------------


def resample(waveform: tf.Tensor, rate_hz: int | tf.Tensor) -> tf.Tensor:
    """Resamples to 16 kHz with the polyphase filter of `scipy.signal.resample_poly`'s defaults.

    The filter is a windowed sinc (Kaiser, beta 5.0, ten zero crossings a side, unit gain at DC);
    the ends are treated as zeros. The result equals scipy's to 1e-6.

    Args:
      waveform: float32 [samples].
      rate_hz: the waveform's rate; a Python int, whose filter becomes a constant, or a scalar
        int32 or int64 tensor, whose filter is computed in the graph.

    Returns:
      float32 [ceil(samples * 16,000 / rate_hz)]; the input itself if `rate_hz` is 16,000.

    Raises:
      ValueError: a Python int is not within `MIN_RATE_HZ` … `MAX_RATE_HZ`.
      tf.errors.InvalidArgumentError: a tensor is not, when it is evaluated.
    """
    static_rate_hz = tf.get_static_value(rate_hz)
    if static_rate_hz is not None:
        return _resample_static(waveform, int(static_rate_hz))
    rate_hz = tf.cast(rate_hz, tf.int64)
    in_range = tf.logical_and(rate_hz >= MIN_RATE_HZ, rate_hz <= MAX_RATE_HZ)
    check = tf.debugging.Assert(in_range, [_rate_message(), rate_hz])
    with tf.control_dependencies([check] if check is not None else []):
        rate_hz = tf.identity(rate_hz)
    divisors = tf.constant(_DIVISORS, tf.int64)
    divisor = tf.reduce_max(tf.where(rate_hz % divisors == 0, divisors, 1))
    up, down = SAMPLE_RATE_HZ // divisor, rate_hz // divisor
    group = _group(up, down, maximum=tf.maximum)

    def by_blocks():
        bank = _bank(_taps(up, down), up, down, group)
        return _apply_bank(waveform, bank, up, down, group)

    def by_windows():
        return _apply_windows(waveform, _taps(up, down), up, down)

    return tf.case(
        [
            (tf.equal(rate_hz, SAMPLE_RATE_HZ), lambda: tf.identity(waveform)),
            (2 * up * down * group**2 <= _MAX_BANK_SIZE, by_blocks),
        ],
        default=by_windows,
    )


def _rate_message() -> str:
    return f"the sample rate must be between {MIN_RATE_HZ:,} and {MAX_RATE_HZ:,} Hz; it is:"


def _resample_static(waveform: tf.Tensor, rate_hz: int) -> tf.Tensor:
    """As `resample`; the filter is a constant."""
    if not MIN_RATE_HZ <= rate_hz <= MAX_RATE_HZ:
        raise ValueError(f"{_rate_message()} {rate_hz:,}")
    if rate_hz == SAMPLE_RATE_HZ:
        return waveform
    divisor = math.gcd(rate_hz, SAMPLE_RATE_HZ)
    up, down = SAMPLE_RATE_HZ // divisor, rate_hz // divisor
    group = _group(up, down)
    if 2 * up * down * group**2 <= _MAX_BANK_SIZE:
        return _apply_bank(waveform, tf.constant(_constant_bank(up, down)), up, down, group)
    return _apply_windows(waveform, tf.constant(_constant_taps(up, down)), up, down)


@functools.lru_cache(maxsize=8)
def _constant_taps(up: int, down: int) -> np.ndarray:
    """Returns the filter, float32 [20 * max(up, down) + 1], its centre in the middle."""
    ratio = max(up, down)
    half_length = _ZERO_CROSSINGS * ratio
    offset = np.arange(-half_length, half_length + 1, dtype=np.float64)
    taps = np.sinc(offset / ratio) * np.i0(
        _KAISER_BETA * np.sqrt(np.maximum(0.0, 1.0 - (offset / half_length) ** 2))
    )
    return (taps * (up / taps.sum())).astype(np.float32)


def _taps(up: tf.Tensor, down: tf.Tensor) -> tf.Tensor:
    """As `_constant_taps`, from int64 scalar tensors."""
    ratio = tf.maximum(up, down)
    half_length = _ZERO_CROSSINGS * ratio
    offset = tf.cast(tf.range(-half_length, half_length + 1), tf.float64)
    angle = np.pi * offset / tf.cast(ratio, tf.float64)
    sinc = tf.where(angle == 0.0, tf.ones_like(angle), tf.math.divide_no_nan(tf.sin(angle), angle))
    relative = offset / tf.cast(half_length, tf.float64)
    taps = sinc * tf.math.bessel_i0(_KAISER_BETA * tf.sqrt(tf.nn.relu(1.0 - relative**2)))
    return tf.cast(taps * (tf.cast(up, tf.float64) / tf.reduce_sum(taps)), tf.float32)


def _group(up, down, *, maximum=max):
    """Returns how many periods of the filter bank make a block.

    Large enough that the inputs of one block of outputs lie within two blocks of inputs, and that
    a block's matrix product is worth its call.
    """
    reach = 2 * (_ZERO_CROSSINGS * maximum(up, down)) // up + 3
    return maximum(-(-_MIN_BLOCK_SAMPLES // up), -(-reach // down))


@functools.lru_cache(maxsize=32)
def _constant_bank(up: int, down: int) -> np.ndarray:
    """Returns the weights of a block, float32 [2 * down * group, up * group]."""
    group = _group(up, down)
    half_length = _ZERO_CROSSINGS * max(up, down)
    row = np.arange(2 * down * group)[:, np.newaxis] - half_length // up
    index = np.arange(up * group)[np.newaxis, :] * down - row * up
    taps = _constant_taps(up, down)[np.clip(index + half_length, 0, 2 * half_length)]
    return np.where(np.abs(index) <= half_length, taps, np.float32(0.0))


def _bank(taps: tf.Tensor, up: tf.Tensor, down: tf.Tensor, group: tf.Tensor) -> tf.Tensor:
    """As `_constant_bank`, from int64 scalar tensors."""
    half_length = _ZERO_CROSSINGS * tf.maximum(up, down)
    row = tf.range(2 * down * group)[:, tf.newaxis] - half_length // up
    index = tf.range(up * group)[tf.newaxis, :] * down - row * up
    weights = tf.gather(taps, tf.clip_by_value(index + half_length, 0, 2 * half_length))
    return tf.where(tf.abs(index) <= half_length, weights, 0.0)


def _apply_bank(waveform, bank, up, down, group) -> tf.Tensor:
    """Computes `up * group` outputs at a time from `2 * down * group` inputs.

    Two matrix products over the clip cut into blocks: nothing larger than the clip is ever made,
    however long it is.
    """
    up, down, group = (tf.cast(value, tf.int64) for value in (up, down, group))
    left = _ZERO_CROSSINGS * tf.maximum(up, down) // up
    length = tf.size(waveform, out_type=tf.int64)
    num_outputs = -(-length * up // down)
    block = down * group
    num_blocks = -(-num_outputs // (up * group))
    padded = tf.pad(waveform, [[left, (num_blocks + 1) * block - left - length]])
    blocks = tf.reshape(padded, [num_blocks + 1, block])
    outputs = tf.matmul(blocks[:-1], bank[:block]) + tf.matmul(blocks[1:], bank[block:])
    return tf.reshape(outputs, [-1])[:num_outputs]


def _apply_windows(waveform, taps, up, down) -> tf.Tensor:
    """As `_apply_bank` for ratios with too many phases for a bank (22,051 Hz has 16,000).

    Gathers each output's window and weights, `_CHUNK_SAMPLES` outputs at a time.
    """
    up, down = tf.cast(up, tf.int64), tf.cast(down, tf.int64)
    half_length = _ZERO_CROSSINGS * tf.maximum(up, down)
    length = tf.size(waveform, out_type=tf.int64)
    num_outputs = -(-length * up // down)
    reach = half_length // up + 1
    lag = tf.range(-reach, reach + 1)[tf.newaxis, :]
    padded_taps = tf.pad(taps, [[2 * up, 2 * up]])
    padded_waveform = tf.pad(waveform, [[reach, reach]])

    def chunk(start):
        position = tf.minimum(start + tf.range(_CHUNK_SAMPLES, dtype=tf.int64), num_outputs - 1)
        position = position[:, tf.newaxis] * down
        weights = tf.gather(padded_taps, position % up + lag * up + half_length + 2 * up)
        windows = tf.gather(padded_waveform, position // up - lag + reach)
        return tf.reduce_sum(weights * windows, axis=1)

    starts = tf.range(0, num_outputs, _CHUNK_SAMPLES, dtype=tf.int64)
    outputs = tf.map_fn(
        chunk,
        starts,
        parallel_iterations=1,
        fn_output_signature=tf.TensorSpec([_CHUNK_SAMPLES], tf.float32),
    )
    return tf.reshape(outputs, [-1])[:num_outputs]


# --- Channels, PCM --------------------------------------------------------------------------------


def first_channel(samples: tf.Tensor) -> tf.Tensor:
    """Returns the first channel, [frames], of `samples`, [frames, channels].

    Channels are not averaged: where they are delayed against each other (EMOVO), that would be a
    comb filter.
    """
    return samples[:, 0]


def decode_pcm16(contents: tf.Tensor) -> tf.Tensor:
    """Decodes little-endian 16-bit PCM, a scalar string, to float32 [samples] in [-1, 1)."""
    return tf.cast(tf.io.decode_raw(contents, tf.int16), tf.float32) / 32768.0


def encode_pcm16(waveform: np.ndarray) -> bytes:
    """Encodes float [samples] as little-endian 16-bit PCM, rounded and clipped to [-1, 1)."""
    scaled = np.rint(np.asarray(waveform, np.float32) * np.float32(32768.0))
    return np.clip(scaled, -32768, 32767).astype("<i2").tobytes()


# --- From samples to network input ----------------------------------------------------------------


def trim_silence(
    waveform: tf.Tensor,
    *,
    threshold_db: float = TRIM_THRESHOLD_DB,
    margin_s: float = TRIM_MARGIN_S,
) -> tf.Tensor:
    """Removes leading and trailing silence.

    Silent is a frame (25 ms, every 10 ms) whose RMS about the clip's mean is below `threshold_db`
    relative to the clip's loudest frame; relative, because whole corpora are recorded at -40 dBFS.

    Args:
      waveform: float32 [samples] at 16 kHz.
      threshold_db: relative to the loudest frame, negative.
      margin_s: how much of the silence stays at either end.

    Returns:
      float32 [trimmed samples]; never empty unless the input is, all of a clip without any sound.
    """
    frame, hop = int(TRIM_FRAME_S * SAMPLE_RATE_HZ), int(TRIM_HOP_S * SAMPLE_RATE_HZ)
    margin = round(margin_s * SAMPLE_RATE_HZ)
    length = tf.size(waveform)
    num_frames = tf.maximum(-(-(length - frame) // hop), 0) + 1
    power = tf.square(waveform - tf.reduce_mean(waveform))
    power = tf.pad(power, [[0, tf.maximum((num_frames - 1) * hop + frame - length, 0)]])
    # Frames are sums of the blocks that frame and hop have in common, five each, every second one.
    block = math.gcd(frame, hop)
    blocks = tf.reduce_sum(tf.reshape(power, [-1, block]), axis=1)
    frames = tf.add_n([blocks[k :: hop // block][:num_frames] for k in range(frame // block)])
    loud = frames >= tf.reduce_max(frames) * 10.0 ** (threshold_db / 10.0)
    loud_frames = tf.cast(tf.where(loud)[:, 0], tf.int32)
    # The guard is for clips that are empty or not finite, where no frame is loud.
    first = tf.reduce_min(tf.concat([loud_frames, [num_frames - 1]], axis=0))
    last = tf.reduce_max(tf.concat([loud_frames, [0]], axis=0))
    any_loud = tf.size(loud_frames) > 0
    start = tf.where(any_loud, tf.maximum(first * hop - margin, 0), 0)
    end = tf.where(any_loud, tf.minimum(last * hop + frame + margin, length), length)
    return waveform[start:end]


def standardise(
    waveform: tf.Tensor,
    mean: float | tf.Tensor | None = None,
    std: float | tf.Tensor | None = None,
) -> tf.Tensor:
    """Standardises to mean 0 and standard deviation 1.

    Args:
      waveform: float32 [samples].
      mean, std: scalars, those of a domain or of all training data; both `None`: the waveform's
        own.

    Returns:
      float32 [samples]; zeros where the standard deviation is below `STD_FLOOR`.

    Raises:
      ValueError: only one of `mean` and `std` is given.
    """
    if (mean is None) != (std is None):
        raise ValueError("give both mean and std, or neither")
    if mean is None:
        # In float32 the mean of a constant is off by its rounding, and the rest would be scaled up.
        exact = tf.cast(waveform, tf.float64)
        exact_mean = tf.reduce_mean(exact)
        centred = exact - exact_mean
        std = tf.cast(tf.sqrt(tf.reduce_mean(tf.square(centred))), tf.float32)
        centred = tf.cast(centred, tf.float32)
    else:
        std = tf.cast(std, tf.float32)
        centred = waveform - tf.cast(mean, tf.float32)
    return tf.where(std > STD_FLOOR, centred / tf.maximum(std, STD_FLOOR), 0.0)


def fit_length(waveform: tf.Tensor, num_samples: int = INPUT_SAMPLES) -> tf.Tensor:
    """Cuts the end of `waveform`, float32 [samples], or pads it with zeros, to [num_samples]."""
    waveform = waveform[:num_samples]
    padded = tf.pad(waveform, [[0, num_samples - tf.size(waveform)]])
    return tf.reshape(padded, [num_samples])


def prepare(
    waveform: tf.Tensor,
    *,
    trim: bool,
    mean: float | tf.Tensor | None = None,
    std: float | tf.Tensor | None = None,
) -> tf.Tensor:
    """Turns samples into the network's input; used by Transform and by the serving signatures.

    Trims silence (if `trim`), cuts to 54,000 samples, standardises, and only then pads with zeros
    (paper, section 2).

    Args:
      waveform: float32 [samples] at 16 kHz, mono.
      trim: whether to remove leading and trailing silence first.
      mean, std: as for `standardise`.

    Returns:
      float32 [54000].
    """
    if trim:
        waveform = trim_silence(waveform)
    return fit_length(standardise(waveform[:INPUT_SAMPLES], mean, std))


# --- Wav files ------------------------------------------------------------------------------------

_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
_ENCODINGS = ((_PCM, 8), (_PCM, 16), (_PCM, 24), (_PCM, 32), (_FLOAT, 32), (_FLOAT, 64))


def decode_wav(contents: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Decodes a whole wav file: what the `serve_audio` signature runs.

    Reads integer PCM of 8, 16, 24 and 32 bit and float of 32 and 64 bit with any number of
    channels, WAVE_FORMAT_EXTENSIBLE, and other chunks before the data. A header that was written
    before the length was known (data size 0 or 0xFFFFFFFF) takes the rest of the file.

    Args:
      contents: scalar string, the file's bytes.

    Returns:
      samples: float32 [frames, channels] in [-1, 1) for integer PCM.
      rate_hz: int32 scalar.

    Raises:
      tf.errors.InvalidArgumentError: not a wav file, an encoding that is not listed above, no
        samples, or fewer than the header promises.
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
    frame_bytes = _little_endian(contents, format_start + 12, 2)
    bits = _little_endian(contents, format_start + 14, 2)
    extensible = tf.logical_and(tf.equal(tag, _EXTENSIBLE), format_bytes >= 26)
    subformat = _little_endian(contents, format_start + 24 * tf.cast(extensible, tf.int64), 2)
    tag = tf.where(extensible, subformat, tag)

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
        tf.logical_and(rate_hz >= MIN_RATE_HZ, rate_hz <= MAX_RATE_HZ),
        _rate_message(),
        contents,
        rate_hz,
    )
    available = length - data_start
    streaming = tf.logical_or(tf.equal(data_bytes, 0), data_bytes >= STREAMING_DATA_BYTES)
    contents = _require(
        tf.logical_or(streaming, data_bytes <= available),
        "wav file is truncated; bytes of samples promised and there:",
        contents,
        data_bytes,
        available,
    )
    # A graph may divide before it has found the header contradictory.
    num_frames = tf.where(streaming, available, data_bytes) // tf.maximum(frame_bytes, 1)
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


def _slice(contents: tf.Tensor, start, length) -> tf.Tensor:
    """Returns `length` bytes of a scalar string from `start`; fewer, or none, at its end."""
    start = tf.minimum(tf.cast(start, tf.int32), tf.strings.length(contents))
    return tf.strings.substr(contents, start, tf.cast(length, tf.int32))


def _little_endian(contents: tf.Tensor, start, num_bytes: int) -> tf.Tensor:
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

    def more(position, format_start, format_bytes, data_start, data_bytes):
        del format_start, format_bytes, data_bytes
        return tf.logical_and(data_start < 0, position + 8 <= length)

    def step(position, format_start, format_bytes, data_start, data_bytes):
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
        maximum_iterations=MAX_WAV_CHUNKS,
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
