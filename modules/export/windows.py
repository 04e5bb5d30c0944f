"""Recordings as overlapping windows of the network's length, in a serving graph.

The answer for a recording longer than the network hears at once is the mean of the answers for its
windows, each of which is answered as a recording alone would be.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from modules.audio import network_input
from schemas import sound

# Windows that the network sees at once: a request may bring half an hour of sound.
_AT_ONCE = 16
# Side by side, for all processors; more would only take memory.
_PARALLEL = 4


@dataclass(frozen=True, kw_only=True)
class Windows:
    """The windows of a batch of recordings; all tensors.

    Attributes:
      samples: float32 [samples], the recordings at 16 kHz, one behind the other.
      starts: int32 [windows], where each window begins in `samples`.
      lengths: int32 [windows], how long it is.
      recordings: int32 [windows], the recording that it is of, in ascending order.
      counts: int32 [batch], number of windows of each recording.
      duration_s: float32 [batch], length of each recording, silence that was trimmed included.
      trim: Whether silence is trimmed from the ends, of recordings and of windows.
    """

    samples: tf.Tensor
    starts: tf.Tensor
    lengths: tf.Tensor
    recordings: tf.Tensor
    counts: tf.Tensor
    duration_s: tf.Tensor
    trim: bool

    def mean(self, values: tf.Tensor) -> tf.Tensor:
        """Returns the mean over each recording's windows, [batch, …] of [windows, …]."""
        return tf.math.segment_mean(values, self.recordings)

    def window(self, number: tf.Tensor) -> tf.Tensor:
        """Returns one window, trimmed as if it were a whole recording: float32 [samples]."""
        start, recording = self.starts[number], self.recordings[number]
        samples = self.samples[start : start + self.lengths[number]]
        if not self.trim:
            return samples
        return tf.cond(
            self.counts[recording] > 1,
            lambda: network_input.trim_silence(samples),
            lambda: samples,
        )

    def map(self, function: Callable[[tf.Tensor], tf.Tensor], dtype: tf.DType) -> tf.Tensor:
        """Returns what a function makes of each window, [windows].

        Args:
          function: From a window, float32 [samples], to a scalar.
          dtype: Of the scalar.
        """
        return tf.map_fn(
            lambda number: function(self.window(number)),
            tf.range(tf.size(self.starts)),
            fn_output_signature=tf.TensorSpec([], dtype),
            parallel_iterations=_PARALLEL,
        )

    def each(
        self,
        function: Callable[[tf.Tensor], tf.Tensor],
        prepare: Callable[[tf.Tensor, tf.Tensor], tf.Tensor],
        *,
        input_samples: int,
        size: int,
        one_by_one: bool,
    ) -> tf.Tensor:
        """Returns what a function makes of each window.

        Args:
          function: From float32 [windows, input_samples] to float32 [windows, size].
          prepare: From a window, float32 [samples], and its recording, int32, to float32
            [input_samples].
          input_samples: Length of the network's input.
          size: Length of what the function makes of a window.
          one_by_one: Whether the function sees a single window at a time.

        Returns:
          float32 [windows, size].
        """

        def part(numbers: tf.Tensor) -> tf.Tensor:
            inputs = tf.map_fn(
                lambda number: prepare(self.window(number), self.recordings[number]),
                numbers,
                fn_output_signature=tf.TensorSpec([input_samples], tf.float32),
                parallel_iterations=_PARALLEL,
            )
            return function(inputs)

        count = tf.size(self.starts)
        parts = -(-count // (1 if one_by_one else _AT_ONCE))
        # Of one length: the last one is filled with what comes last.
        of_part = -(-count // tf.maximum(parts, 1))
        numbers = tf.minimum(tf.range(parts * of_part), count - 1)
        answers = tf.map_fn(
            part,
            tf.reshape(numbers, [parts, of_part]),
            fn_output_signature=tf.TensorSpec([None, size], tf.float32),
            parallel_iterations=_PARALLEL,
        )
        return tf.reshape(answers, [-1, size])[:count]


def waveforms(
    clips: Any, decode: Callable[[Any], tf.Tensor], *, trim: bool
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Decodes a batch of recordings.

    Args:
      clips: Tensors with a row for each recording.
      decode: From a recording's rows to its waveform at 16 kHz, float32 [samples].
      trim: Whether silence is trimmed from the ends.

    Returns:
      The waveforms, one behind the other, float32 [samples]; their lengths, int32 [batch]; and
      their lengths before they were trimmed, int32 [batch].
    """

    def one(clip: Any) -> tuple[tf.Tensor, tf.Tensor]:
        waveform = decode(clip)
        finite = tf.reduce_all(tf.math.is_finite(waveform))
        check = tf.debugging.Assert(finite, ["samples that are not numbers"])
        with tf.control_dependencies([check] if check is not None else []):
            whole = tf.size(waveform)
        return network_input.trim_silence(waveform) if trim else waveform, whole

    ragged, whole = tf.map_fn(
        one,
        clips,
        fn_output_signature=(
            tf.RaggedTensorSpec([None], tf.float32, ragged_rank=0),
            tf.TensorSpec([], tf.int32),
        ),
    )
    return ragged.values, tf.cast(ragged.row_lengths(), tf.int32), whole


def cut(
    samples: tf.Tensor, lengths: tf.Tensor, whole: tf.Tensor, *, length: int, trim: bool
) -> Windows:
    """Cuts recordings into windows that overlap by a half.

    Args:
      samples, lengths, whole: As of `waveforms`.
      length: Length of a window in samples; of a shorter recording, its own.
      trim: Whether silence is trimmed from the ends of each window.
    """
    counts = count(lengths, length=length)
    recordings = tf.repeat(tf.range(tf.size(counts)), counts)
    first = tf.gather(tf.cumsum(counts, exclusive=True), recordings)
    own = tf.gather(lengths, recordings)
    within = (tf.range(tf.size(recordings)) - first) * hop(length)
    within = tf.minimum(within, tf.maximum(own - length, 0))
    starts = tf.gather(tf.cumsum(lengths, exclusive=True), recordings)
    return Windows(
        samples=samples,
        starts=starts + within,
        lengths=tf.minimum(own, length),
        recordings=recordings,
        counts=counts,
        duration_s=tf.cast(whole, tf.float32) / sound.SAMPLE_RATE_HZ,
        trim=trim,
    )


def hop(length: int) -> int:
    """Returns how many samples lie between the beginnings of two windows.

    >>> hop(54_000)
    27000
    """
    return -(-length // 2)


def count(lengths: tf.Tensor, *, length: int) -> tf.Tensor:
    """Returns how many windows recordings have; the last one of each ends where it ends.

    >>> count(tf.constant([0, 1, 10, 11, 15, 16]), length=10).numpy().tolist()
    [1, 1, 1, 2, 2, 3]
    """
    return 1 - tf.maximum(lengths - length, 0) // -hop(length)
