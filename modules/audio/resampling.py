"""Resampling to 16 kHz as TensorFlow core ops, for training and for serving alike.

Takes and returns tensors of unknown length, and works eagerly, inside a `tf.function`, inside a TF
Transform `preprocessing_fn`, and inside a SavedModel that a stock TF Serving loads: there is no op
here that TensorFlow itself does not bring.
"""

import functools
import math
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import tensorflow as tf

from schemas.sound import MAX_RATE_HZ, MIN_RATE_HZ, SAMPLE_RATE_HZ

# A whole number, of Python or a scalar tensor.
Number: TypeAlias = "int | tf.Tensor"

_KAISER_BETA = 5.0
_ZERO_CROSSINGS = 10  # on either side of the filter's centre
_MIN_BLOCK_SAMPLES = 32
_MAX_BANK_SIZE = 2**20  # weights; above, windows are gathered instead (4 MiB of float32)
_CHUNK_SAMPLES = 4_096
_DIVISORS = tuple(d for d in range(1, SAMPLE_RATE_HZ + 1) if SAMPLE_RATE_HZ % d == 0)


def resample(waveform: tf.Tensor, rate_hz: int | tf.Tensor) -> tf.Tensor:
    """Resamples to 16 kHz with the polyphase filter of `scipy.signal.resample_poly`'s defaults.

    The filter is a windowed sinc (Kaiser, beta 5.0, ten zero crossings a side, unit gain at DC);
    the ends are treated as zeros. The result equals scipy's to 1e-6.

    Args:
      waveform: float32 [samples].
      rate_hz: The waveform's rate; a Python int, whose filter becomes a constant, or a scalar
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
    check = tf.debugging.Assert(in_range, [rate_message(), rate_hz])
    with tf.control_dependencies([check] if check is not None else []):
        rate_hz = tf.identity(rate_hz)
    divisors = tf.constant(_DIVISORS, tf.int64)
    divisor = tf.reduce_max(tf.where(rate_hz % divisors == 0, divisors, 1))
    up, down = SAMPLE_RATE_HZ // divisor, rate_hz // divisor
    group = _group(up, down, maximum=tf.maximum)

    def by_blocks() -> tf.Tensor:
        bank = _bank(_taps(up, down), up, down, group)
        return _apply_bank(waveform, bank, up, down, group)

    def by_windows() -> tf.Tensor:
        return _apply_windows(waveform, _taps(up, down), up, down)

    return tf.case(
        [
            (tf.equal(rate_hz, SAMPLE_RATE_HZ), lambda: tf.identity(waveform)),
            (2 * up * down * group**2 <= _MAX_BANK_SIZE, by_blocks),
        ],
        default=by_windows,
    )


def is_usual(rate_hz: int) -> bool:
    """Returns whether a filter bank for the rate is small, as for all rates of sound cards.

    >>> is_usual(44_100), is_usual(22_051)
    (True, False)
    """
    divisor = math.gcd(rate_hz, SAMPLE_RATE_HZ)
    up, down = SAMPLE_RATE_HZ // divisor, rate_hz // divisor
    return bool(2 * up * down * _group(up, down) ** 2 <= _MAX_BANK_SIZE)


def rate_message() -> str:
    """Returns what an error says of a rate out of range; the rate itself follows."""
    return f"the sample rate must be between {MIN_RATE_HZ:,} and {MAX_RATE_HZ:,} Hz; it is:"


def _resample_static(waveform: tf.Tensor, rate_hz: int) -> tf.Tensor:
    """As `resample`; the filter is a constant."""
    if not MIN_RATE_HZ <= rate_hz <= MAX_RATE_HZ:
        raise ValueError(f"{rate_message()} {rate_hz:,}")
    if rate_hz == SAMPLE_RATE_HZ:
        return waveform
    divisor = math.gcd(rate_hz, SAMPLE_RATE_HZ)
    up, down = SAMPLE_RATE_HZ // divisor, rate_hz // divisor
    if is_usual(rate_hz):
        group = _group(up, down)
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


def _group(up: Any, down: Any, *, maximum: Callable[[Any, Any], Any] = max) -> Any:
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


def _apply_bank(
    waveform: tf.Tensor, bank: tf.Tensor, up: Number, down: Number, group: Number
) -> tf.Tensor:
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


def _apply_windows(waveform: tf.Tensor, taps: tf.Tensor, up: Number, down: Number) -> tf.Tensor:
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

    def chunk(start: tf.Tensor) -> tf.Tensor:
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
