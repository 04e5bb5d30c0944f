"""The layers of Whisper's encoder (Radford et al. 2022, section 2.2).

They keep to what `modules/networks/frames.py` says of frames behind a clip's end.

Imports keras only: they run on any Keras backend.
"""

from typing import Any

import keras

from modules.networks.frames import own_frames

_EPSILON = 1e-5
_FAR = -1e9


@keras.saving.register_keras_serializable(package="ser")
class Stem(keras.layers.Layer):
    """Two convolutions over the spectrogram, the second of stride 2, and the frames' positions.

    Args:
      width: Number of channels of the output.
      positions: Largest number of frames of the output.
      kwargs: Arguments of `keras.layers.Layer`.
    """

    def __init__(self, width: int, *, positions: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.width = width
        self.positions = positions

    def build(self, input_shape: tuple[Any, ...]) -> None:
        """Makes the weights, in the order of `encoders.encoder.STEM`."""
        width = self.width
        self.conv1 = self.add_weight((3, input_shape[2], width), name="conv1_kernel")
        self.conv1_bias = self.add_weight((width,), "zeros", name="conv1_bias")
        self.conv2 = self.add_weight((3, width, width), name="conv2_kernel")
        self.conv2_bias = self.add_weight((width,), "zeros", name="conv2_bias")
        self.position = self.add_weight((self.positions, width), name="positions")

    def compute_output_shape(self, input_shape: tuple[Any, ...]) -> tuple[Any, ...]:
        """Returns `[batch, frames / 2, width]`."""
        steps = None if input_shape[1] is None else -(-input_shape[1] // 2)
        return (input_shape[0], steps, self.width)

    def call(self, inputs: Any) -> Any:
        """Maps `[batch, frames, bands]` to `[batch, frames / 2, width]`."""
        ops = keras.ops
        own = own_frames(inputs)

        def convolved(frames: Any, kernel: Any, bias: Any, strides: int) -> Any:
            around = ops.pad(frames, [[0, 0], [1, 1], [0, 0]])
            return ops.gelu(
                ops.conv(around, kernel, strides=strides, padding="valid") + bias,
                approximate=False,
            )

        frames = ops.where(own, convolved(inputs, self.conv1, self.conv1_bias, 1), 0.0)
        frames = convolved(frames, self.conv2, self.conv2_bias, 2)
        frames = frames + self.position[: ops.shape(frames)[1]]
        return ops.where(own[:, ::2], frames, 0.0)

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments to build the layer again."""
        return {**super().get_config(), "width": self.width, "positions": self.positions}


@keras.saving.register_keras_serializable(package="ser")
class Block(keras.layers.Layer):
    """A transformer block: attention and two dense layers, each behind a normalisation.

    The channels of its input that come before the last `width` ones are passed on as they are, so
    that outputs of lower blocks reach the pooling.

    Args:
      width: Number of channels of a block.
      heads: Number of attention heads.
      passes_input: Whether what it works on is passed on, too.
      kwargs: Arguments of `keras.layers.Layer`.
    """

    def __init__(self, width: int, *, heads: int, passes_input: bool, **kwargs: Any):
        super().__init__(**kwargs)
        self.width = width
        self.heads = heads
        self.passes_input = passes_input

    def build(self, input_shape: tuple[Any, ...]) -> None:
        """Makes the weights, in the order of `encoders.encoder.BLOCK`."""
        del input_shape
        width = self.width

        def dense(name: str, inputs: int, outputs: int, *, bias: bool = True) -> tuple[Any, ...]:
            kernel = self.add_weight((inputs, outputs), name=f"{name}_kernel")
            return (
                kernel,
                self.add_weight((outputs,), "zeros", name=f"{name}_bias") if bias else 0,
            )

        def norm(name: str) -> tuple[Any, Any]:
            scale = self.add_weight((width,), "ones", name=f"{name}_scale")
            return scale, self.add_weight((width,), "zeros", name=f"{name}_offset")

        self._attention_norm = norm("attention_norm")
        self._query = dense("query", width, width)
        self._key = dense("key", width, width, bias=False)
        self._value = dense("value", width, width)
        self._output = dense("output", width, width)
        self._dense_norm = norm("dense_norm")
        self._expand = dense("expand", width, 4 * width)
        self._contract = dense("contract", 4 * width, width)

    def compute_output_shape(self, input_shape: tuple[Any, ...]) -> tuple[Any, ...]:
        """Returns `[batch, time, channels]`."""
        channels = input_shape[2] + (self.width if self.passes_input else 0)
        return (*input_shape[:2], channels)

    def call(self, inputs: Any) -> Any:
        """Maps `[batch, time, passed + width]` to the same, or to `width` channels more."""
        ops = keras.ops
        own = own_frames(inputs)
        below = inputs[:, :, -self.width :]
        frames = below + self._attended(_normalised(below, self._attention_norm), own)
        hidden = _dense(_normalised(frames, self._dense_norm), self._expand)
        frames = frames + _dense(ops.gelu(hidden, approximate=False), self._contract)
        passed = inputs if self.passes_input else inputs[:, :, : -self.width]
        return ops.concatenate([passed, ops.where(own, frames, 0.0)], axis=2)

    def _attended(self, frames: Any, own: Any) -> Any:
        ops = keras.ops
        batch, time = ops.shape(frames)[0], ops.shape(frames)[1]
        channels = self.width // self.heads

        def by_head(values: Any) -> Any:
            split = ops.reshape(values, (batch, time, self.heads, channels))
            return ops.transpose(split, (0, 2, 1, 3))

        query, key, value = (
            by_head(_dense(frames, weights)) for weights in (self._query, self._key, self._value)
        )
        scores = ops.matmul(query, ops.transpose(key, (0, 1, 3, 2))) * channels**-0.5
        scores = scores + ops.where(ops.transpose(own, (0, 2, 1)), 0.0, _FAR)[:, None]
        attended = ops.transpose(ops.matmul(ops.softmax(scores), value), (0, 2, 1, 3))
        return _dense(ops.reshape(attended, (batch, time, self.width)), self._output)

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments to build the layer again."""
        own = {"width": self.width, "heads": self.heads, "passes_input": self.passes_input}
        return {**super().get_config(), **own}


def _normalised(frames: Any, weights: tuple[Any, Any]) -> Any:
    ops, (scale, offset) = keras.ops, weights
    mean = ops.mean(frames, axis=2, keepdims=True)
    variance = ops.mean(ops.square(frames - mean), axis=2, keepdims=True)
    return (frames - mean) * ops.rsqrt(variance + _EPSILON) * scale + offset


def _dense(frames: Any, weights: tuple[Any, Any]) -> Any:
    kernel, bias = weights
    return keras.ops.matmul(frames, kernel) + bias
