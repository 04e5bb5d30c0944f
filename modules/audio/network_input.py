"""From samples at 16 kHz to the network's input, as TensorFlow core ops.

The same functions prepare a clip for training and for serving. They take and return tensors of
unknown length, and work eagerly, inside a `tf.function`, inside a TF Transform `preprocessing_fn`,
and inside a SavedModel that a stock TF Serving loads.
"""

import math

import tensorflow as tf

from schemas.sound import SAMPLE_RATE_HZ

TRIM_THRESHOLD_DB = -40.0
TRIM_FRAME_S = 0.025
TRIM_HOP_S = 0.010
TRIM_MARGIN_S = 0.050

STD_FLOOR = 1e-8


def decode_pcm16(contents: tf.Tensor) -> tf.Tensor:
    """Decodes little-endian 16-bit PCM, a scalar string, to float32 [samples] in [-1, 1)."""
    return tf.cast(tf.io.decode_raw(contents, tf.int16), tf.float32) / 32768.0


def rounded_to_16_bits(waveform: tf.Tensor) -> tf.Tensor:
    """Returns what `samples.encode_pcm16` leaves of float32 [samples], in [-1, 1)."""
    return tf.clip_by_value(tf.round(waveform * 32768.0), -32768.0, 32767.0) / 32768.0


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
      threshold_db: Relative to the loudest frame, negative.
      margin_s: How much of the silence stays at either end.

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
      mean: Scalar, that of a domain or of all training data; `None` for the waveform's own.
      std: Scalar as `mean`, and `None` where it is.

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


def fit_length(waveform: tf.Tensor, num_samples: int) -> tf.Tensor:
    """Cuts the end of `waveform`, float32 [samples], or pads it with zeros, to [num_samples]."""
    waveform = waveform[:num_samples]
    padded = tf.pad(waveform, [[0, num_samples - tf.size(waveform)]])
    return tf.reshape(padded, [num_samples])


def prepare(
    waveform: tf.Tensor,
    *,
    num_samples: int,
    trim: bool,
    mean: float | tf.Tensor | None = None,
    std: float | tf.Tensor | None = None,
) -> tf.Tensor:
    """Turns samples into the network's input; used by Transform and by the serving signatures.

    Trims silence (if `trim`), cuts to `num_samples`, standardises, and only then pads with zeros
    (paper, section 2).

    Args:
      waveform: float32 [samples] at 16 kHz, one channel.
      num_samples: Length of the network's input.
      trim: Whether to remove leading and trailing silence first.
      mean: As for `standardise`.
      std: As for `standardise`.

    Returns:
      float32 [num_samples].
    """
    if trim:
        waveform = trim_silence(waveform)
    return fit_length(standardise(waveform[:num_samples], mean, std), num_samples)
