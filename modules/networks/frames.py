"""Layers over the frames of clips of many lengths.

Frames behind a clip's end are 0 in all channels, in what every layer takes and returns, so that
outputs that were computed once and kept need no mask beside them.

Imports keras only: they run on any Keras backend.
"""

from typing import Any

import keras

# Tells a frame of a clip from none where all its channels are 0.
_SILENT = 1e-12


def own_frames(frames: Any) -> Any:
    """Returns which frames are a clip's own: bool `[batch, time, 1]` of `[batch, time, …]`."""
    return keras.ops.any(frames != 0, axis=2, keepdims=True)


@keras.saving.register_keras_serializable(package="ser")
class OwnMean(keras.layers.Layer):
    """The mean over a clip's own frames."""

    def compute_output_shape(self, input_shape: tuple[Any, ...]) -> tuple[Any, ...]:
        """Returns `[batch, channels]`."""
        return (input_shape[0], input_shape[2])

    def call(self, inputs: Any) -> Any:
        """Maps `[batch, time, channels]` to `[batch, channels]`."""
        ops = keras.ops
        own = ops.cast(own_frames(inputs), inputs.dtype)
        return ops.sum(inputs, axis=1) / ops.maximum(ops.sum(own, axis=1), 1.0)


@keras.saving.register_keras_serializable(package="ser")
class SegmentMeans(keras.layers.Layer):
    """Means over short stretches of a clip's own frames, always as many.

    Args:
      frames: Number of frames in a segment.
      segments: Number of segments; those behind a clip's end are 0.
      kwargs: Arguments of `keras.layers.Layer`.
    """

    def __init__(self, frames: int, *, segments: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.frames = frames
        self.segments = segments

    def compute_output_shape(self, input_shape: tuple[Any, ...]) -> tuple[Any, ...]:
        """Returns `[batch, segments, channels]`."""
        return (input_shape[0], self.segments, input_shape[2])

    def call(self, inputs: Any) -> Any:
        """Maps `[batch, time, channels]` to `[batch, segments, channels]`."""
        ops = keras.ops
        inputs = inputs[:, : self.frames * self.segments]
        missing = self.frames * self.segments - ops.shape(inputs)[1]
        padded = ops.pad(inputs, [[0, 0], [0, missing], [0, 0]])
        shape = (-1, self.segments, self.frames, inputs.shape[2])
        own = ops.cast(own_frames(padded), inputs.dtype)
        counts = ops.sum(ops.reshape(own, (*shape[:3], 1)), axis=2)
        return ops.sum(ops.reshape(padded, shape), axis=2) / ops.maximum(counts, 1.0)

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments to build the layer again."""
        return {**super().get_config(), "frames": self.frames, "segments": self.segments}


@keras.saving.register_keras_serializable(package="ser")
class OwnLSTM(keras.layers.LSTM):
    """An LSTM over a clip's own frames; its state behind the last of them is the output."""

    def call(
        self, sequences: Any, initial_state: Any = None, mask: Any = None, training: bool = False
    ) -> Any:
        """Maps `[batch, time, channels]` to `[batch, units]`."""
        del mask
        own = own_frames(sequences)[:, :, 0]
        return super().call(sequences, initial_state, mask=own, training=training)


@keras.saving.register_keras_serializable(package="ser")
class OwnConv1D(keras.layers.Conv1D):
    """A convolution over a clip's own frames, ReLU, and the largest of every two frames.

    Args:
      filters: Number of filters.
      kernel_size: Length of the kernel in frames.
      kwargs: Arguments of `keras.layers.Conv1D`.
    """

    def __init__(self, filters: int, kernel_size: int, **kwargs: Any):
        super().__init__(filters, kernel_size, **{**kwargs, "padding": "same"})

    def compute_output_shape(self, input_shape: tuple[Any, ...]) -> tuple[Any, ...]:
        """Returns `[batch, frames / 2, filters]`."""
        steps = None if input_shape[1] is None else -(-input_shape[1] // 2)
        return (input_shape[0], steps, self.filters)

    def call(self, inputs: Any) -> Any:
        """Maps `[batch, frames, channels]` to `[batch, frames / 2, filters]`."""
        ops = keras.ops
        own = own_frames(inputs)
        # Not below 0, so that frames behind the end never are the largest.
        frames = ops.where(own, ops.relu(super().call(inputs)), 0.0)
        pooled = ops.max_pool(frames, 2, strides=2, padding="same")
        # A clip's own frame may be 0 in all channels: then every filter is silent.
        return ops.where(own[:, ::2], ops.maximum(pooled, _SILENT), 0.0)
