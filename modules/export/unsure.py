"""Why an answer is not to be relied on, as TensorFlow core ops of a serving graph.

Each rule looks at one window of sound at 16 kHz; the first that holds is the reason. What the
thresholds are and how they were chosen: docs/trust.md.
"""

import numpy as np
import tensorflow as tf

from modules.audio import network_input
from modules.trust.record import SoundThresholds
from modules.trust.typicality import Typicality
from schemas import signatures, sound

# A reason's code is its place here.
REASONS = ("", *signatures.UNSURE_REASONS)
_FRAME_S, _HOP_S = 0.025, 0.010
_FRAME, _HOP = (round(each * sound.SAMPLE_RATE_HZ) for each in (_FRAME_S, _HOP_S))
_FFT = 512
_PRE_EMPHASIS = 0.97
# Twelve bands of equal ratio, over what speech has.
_BAND_EDGES_HZ = np.geomspace(100.0, 7_600.0, 13)
# Quieter bands, against the loudest in the window, count as if they were this far below it.
_RANGE_DB = 60.0
_LEVEL_RANGE_DB = 50.0
# Within this of the peak is its flat top.
_FLAT = 0.999
_TINY = 1e-12


def of_sound(samples: tf.Tensor, thresholds: SoundThresholds) -> tf.Tensor:
    """Returns the code of the first rule on the sound that holds, int32, 0 for none.

    Args:
      samples: float32 [samples], at most a window long, at 16 kHz and not standardised.
      thresholds: The rules' thresholds.
    """
    trimmed = network_input.trim_silence(samples)
    length_s = tf.cast(tf.size(trimmed), tf.float32) / sound.SAMPLE_RATE_HZ
    level_db, spectrum_db = changes_db(trimmed)
    no_speech = tf.logical_or(
        level_db < thresholds.level_change_db, spectrum_db < thresholds.spectrum_change_db
    )
    holds = tf.stack(
        [
            loudest_dbfs(samples) < thresholds.silence_dbfs,
            length_s < thresholds.shortest_s,
            clipped_share(samples) > thresholds.clipped_share,
            no_speech,
        ]
    )
    return tf.where(tf.reduce_any(holds), tf.argmax(holds, output_type=tf.int32) + 1, 0)


def loudest_dbfs(samples: tf.Tensor) -> tf.Tensor:
    """Returns the level of the loudest frame about the mean, 0 dB a full-scale square wave."""
    centred = samples - _mean(samples)
    power = tf.reduce_mean(tf.square(_frames(centred)), axis=1)
    return _db(tf.reduce_max(tf.concat([power, [0.0]], axis=0)))


def clipped_share(samples: tf.Tensor) -> tf.Tensor:
    """Returns the share of samples that are, as the one before, at the peak's flat top."""
    size = tf.abs(samples)
    top = size >= _FLAT * tf.reduce_max(tf.concat([size, [_TINY]], axis=0))
    flat = tf.logical_and(top[1:], top[:-1])
    count = tf.maximum(tf.cast(tf.size(samples), tf.float32), 1.0)
    return tf.reduce_sum(tf.cast(flat, tf.float32)) / count


def changes_db(samples: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns how sound moves: its level within 20 ms, and the shape of its spectrum over time.

    Both of the pre-emphasised sound; the shape is the bands' levels less their mean in the frame,
    and moves by the mean over bands of their standard deviation over frames.
    """
    emphasised = samples[1:] - _PRE_EMPHASIS * samples[:-1]
    frames = _frames(emphasised)
    level = _above(_db(tf.reduce_mean(tf.square(frames), axis=1)), _LEVEL_RANGE_DB)
    steps = tf.abs(level[2:] - level[:-2])
    level_change = tf.math.divide_no_nan(tf.reduce_sum(steps), tf.cast(tf.size(steps), tf.float32))
    window = tf.signal.hann_window(_FRAME)
    power = tf.square(tf.abs(tf.signal.rfft(frames * window, [_FFT])))
    bands = _above(_db(tf.linalg.matmul(power, tf.constant(_band_matrix()))), _RANGE_DB)
    shape = bands - tf.reduce_mean(bands, axis=1, keepdims=True)
    return level_change, tf.reduce_mean(tf.math.reduce_std(shape, axis=0))


class Distance:
    """Squared distances of embeddings from those of the training clips, as core ops.

    Args:
      typicality: What is known of those.
    """

    def __init__(self, typicality: Typicality):
        self._typicality = typicality

    def of(self, embeddings: tf.Tensor) -> tf.Tensor:
        """Maps float32 [n, channels] to float32 [n]; see `Typicality.distances`."""
        own = self._typicality
        standardised = (embeddings - own.mean) / own.scale
        along = tf.linalg.matmul(standardised, own.components, transpose_b=True)
        rest = standardised - tf.linalg.matmul(along, own.components)
        return (
            tf.reduce_sum(tf.square(along) / own.variances, axis=1)
            + tf.reduce_sum(tf.square(rest), axis=1) / own.residual_variance
        )


def of_recordings(codes: tf.Tensor, recordings: tf.Tensor, count: tf.Tensor) -> tf.Tensor:
    """Returns each recording's reason, string [batch], from the codes of its windows.

    A recording is unsure where at least half of its windows are; the reason is theirs, of several
    the most frequent, of equally frequent ones the first.

    Args:
      codes: int32 [windows].
      recordings: int32 [windows], the recording that each is of, ascending.
      count: int32, number of recordings.
    """
    by_reason = tf.math.unsorted_segment_sum(
        tf.one_hot(codes, len(REASONS), dtype=tf.int32), recordings, count
    )
    unsure = tf.reduce_sum(by_reason[:, 1:], axis=1)
    likeliest = tf.argmax(by_reason[:, 1:], axis=1, output_type=tf.int32) + 1
    code = tf.where(2 * unsure >= by_reason[:, 0] + unsure, likeliest, 0)
    return tf.gather(tf.constant(REASONS), code)


def _frames(samples: tf.Tensor) -> tf.Tensor:
    """Returns float32 [frames, samples]; what is shorter than a frame is padded to one."""
    missing = tf.maximum(_FRAME - tf.size(samples), 0)
    return tf.signal.frame(tf.pad(samples, [[0, missing]]), _FRAME, _HOP)


def _mean(samples: tf.Tensor) -> tf.Tensor:
    # In float32 the mean of a long constant is off by its rounding.
    exact = tf.reduce_sum(tf.cast(samples, tf.float64))
    return tf.cast(exact / tf.maximum(tf.cast(tf.size(samples), tf.float64), 1.0), tf.float32)


def _db(power: tf.Tensor) -> tf.Tensor:
    return 10.0 / np.log(10.0) * tf.math.log(power + _TINY)


def _above(levels_db: tf.Tensor, range_db: float) -> tf.Tensor:
    return tf.maximum(levels_db, tf.reduce_max(levels_db) - range_db)


def _band_matrix() -> np.ndarray:
    """Returns which bins of the spectrum are in which band, float32 [bins, bands]."""
    bins_hz = np.arange(_FFT // 2 + 1) * sound.SAMPLE_RATE_HZ / _FFT
    low, high = _BAND_EDGES_HZ[:-1], _BAND_EDGES_HZ[1:]
    return ((bins_hz[:, None] >= low) & (bins_hz[:, None] < high)).astype(np.float32)
