"""Layers that equal Keras' own and compute less.

Imports keras only: they run on any Keras backend.
"""

from typing import Any

import keras


@keras.saving.register_keras_serializable(package="ser")
class PooledConv1D(keras.layers.Conv1D):
    """A valid convolution, max pooling and activation in one: equal to the three, and faster.

    - The convolution runs on frames of `strides` steps: a frame's steps become channels of one
      step, and the kernel is folded likewise, so that what is left is a dense convolution with
      stride 1, which libraries compute well; few channels and a long stride they do not.
    - Bias and activation follow the pooling: neither changes which output is the largest.
    - What pooling would drop at the end is not computed.

    The weights are those of `keras.layers.Conv1D`; the activation must not decrease.

    Args:
      args: Arguments of `keras.layers.Conv1D`.
      pool_size: Size of a pool, in steps of the convolution's output.
      precision: Precision of the convolution's operands and products, `float32` or `bfloat16`.
        Sums, weights and everything else stay float32.
      kwargs: Arguments of `keras.layers.Conv1D`.

    Raises:
      ValueError: The kernel is no multiple of the stride.
    """

    def __init__(
        self, *args: Any, pool_size: int, precision: str = "float32", **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        if self.kernel_size[0] % self.strides[0]:
            raise ValueError(
                f"the kernel of {self.kernel_size[0]} steps is no multiple of the stride,"
                f" {self.strides[0]}"
            )
        self.pool_size = pool_size
        self.precision = precision

    def used_steps(self, outputs: int) -> int:
        """Returns how many steps of the input decide the first `outputs` steps of the output."""
        return (outputs * self.pool_size - 1) * self.strides[0] + self.kernel_size[0]

    def compute_output_shape(self, input_shape: tuple[Any, ...]) -> tuple[Any, ...]:
        """Returns `[batch, steps after pooling, filters]`."""
        steps = (input_shape[1] - self.kernel_size[0]) // self.strides[0] + 1
        return (input_shape[0], steps // self.pool_size, self.filters)

    def call(self, inputs: Any) -> Any:
        """Maps `[batch, time, channels]` to `[batch, convolved time // pool_size, filters]`."""
        ops, (kernel,), (stride,) = keras.ops, self.kernel_size, self.strides
        channels = inputs.shape[2]
        used = self.used_steps(self.compute_output_shape(inputs.shape)[1])
        frames = ops.reshape(inputs[:, :used], (-1, used // stride, stride * channels))
        folded = ops.reshape(self.kernel, (kernel // stride, stride * channels, self.filters))
        products = ops.conv(
            ops.cast(frames, self.precision),
            ops.cast(folded, self.precision),
            strides=1,
            padding="valid",
        )
        largest = ops.cast(ops.max_pool(products, self.pool_size), "float32")
        return self.activation(largest + self.bias)

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments to build the layer again."""
        own = {"pool_size": self.pool_size, "precision": self.precision}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable(package="ser")
class ShortLSTM(keras.layers.LSTM):
    """An LSTM for a few steps: unrolled, and without products with the state of zeros it starts in.

    The weights and outputs are those of `keras.layers.LSTM` with `return_sequences=True`.
    """

    def call(
        self, sequences: Any, initial_state: Any = None, mask: Any = None, training: bool = False
    ) -> Any:
        """Maps `[batch, time, channels]` to `[batch, time, units]`."""
        if initial_state is not None or mask is not None or not self.return_sequences:
            raise NotImplementedError("ShortLSTM starts at zero and returns every step")
        ops, cell = keras.ops, self.cell
        hidden = carry = None
        outputs = []
        for step in range(sequences.shape[1]):
            gates = ops.matmul(sequences[:, step], cell.kernel) + cell.bias
            if hidden is not None:
                gates = gates + ops.matmul(hidden, cell.recurrent_kernel)
            enter, keep, value, leave = ops.split(gates, 4, axis=1)
            entering = cell.recurrent_activation(enter) * cell.activation(value)
            kept = 0.0 if carry is None else cell.recurrent_activation(keep) * carry
            carry = entering + kept
            hidden = cell.recurrent_activation(leave) * cell.activation(carry)
            outputs.append(hidden)
        return ops.stack(outputs, axis=1)
