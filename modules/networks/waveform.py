"""The CNN+LSTM of Marczewski et al. 2017 (section 2, figure 1), in Keras 3.

Imports keras and numpy only: the network builds and trains on any Keras backend.
"""

import dataclasses

import keras

from schemas.labels import EMOTIONS
from schemas.sound import INPUT_SAMPLES

# What is frozen, tuned or re-initialised together, from the input upwards, and its layers.
LAYER_GROUPS: dict[str, tuple[str, ...]] = {
    "conv1": ("conv1",),
    "conv2": ("conv2",),
    "lstm": ("lstm",),
    "dense": ("dense1", "dense2", "emotion"),
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Preset:
    """Strides and pool sizes, in samples of each layer's input; weight shapes are common to all."""

    conv1_stride: int
    pool1: int
    conv2_stride: int
    pool2: int


PRESETS: dict[str, Preset] = {
    # 54,000 → 53,873 → 420 → 293 → 2 steps, as the paper has it. The first 49,151 samples decide.
    "paper": Preset(conv1_stride=1, pool1=128, conv2_stride=1, pool2=128),
    # 54,000 → 3,368 → 421 → 37 → 2 steps: a tenth of the arithmetic. The first 48,240 samples do.
    "fast": Preset(conv1_stride=16, pool1=8, conv2_stride=8, pool2=16),
}

ARCHITECTURES = ("cnn_lstm", "cnn")
PRECISIONS = ("float32", "bfloat16")
FILTERS = 128
KERNEL_SAMPLES = 128
LSTM_STEPS = 2
LSTM_UNITS = 500
DENSE_UNITS = 1_000
DROPOUT = 0.3


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
      pool_size: in steps of the convolution's output.
      precision: of the convolution's operands and products, `float32` or `bfloat16`. Sums,
        weights and everything else stay float32.
      kwargs: of `keras.layers.Conv1D`.
    """

    def __init__(self, *args, pool_size: int, precision: str = "float32", **kwargs):
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

    def compute_output_shape(self, input_shape):
        steps = (input_shape[1] - self.kernel_size[0]) // self.strides[0] + 1
        return (input_shape[0], steps // self.pool_size, self.filters)

    def call(self, inputs):
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

    def get_config(self):
        own = {"pool_size": self.pool_size, "precision": self.precision}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable(package="ser")
class ShortLSTM(keras.layers.LSTM):
    """An LSTM for a few steps: unrolled, and without products with the state of zeros it starts in.

    The weights and outputs are those of `keras.layers.LSTM` with `return_sequences=True`.
    """

    def call(self, sequences, initial_state=None, mask=None, training=False):
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


def build_network(
    *, preset: str, seed: int, architecture: str = "cnn_lstm", precision: str = "float32"
) -> keras.Sequential:
    """Builds the untrained network, 5,379,798 parameters under every preset.

    Args:
      preset: a key of `PRESETS`.
      seed: fixes the initial weights.
      architecture: `cnn_lstm`, or `cnn` for the same without the LSTM: the dense layers then get
        the two steps of 128 numbers as they are (paper, Table 2).
      precision: of the convolutions, see `PooledConv1D`.

    Returns:
      A model from waveforms, float32 `[batch, 54000, 1]`, to probabilities, float32 `[batch, 6]`
      in the order of `schemas.labels.EMOTIONS`. Layer names are those of `LAYER_GROUPS`.

    Raises:
      ValueError: the preset, the architecture or the precision is unknown.
    """
    for name, value, known in (
        ("architecture", architecture, ARCHITECTURES),
        ("preset", preset, tuple(PRESETS)),
        ("precision", precision, PRECISIONS),
    ):
        if value not in known:
            raise ValueError(f"unknown {name} {value!r}; there are {', '.join(known)}")
    sizes = PRESETS[preset]
    layers = keras.layers
    keras.utils.set_random_seed(seed)

    def dropout(name: str) -> keras.Layer:
        return layers.Dropout(DROPOUT, name=name)

    def conv(name: str, stride: int, pool: int) -> PooledConv1D:
        return PooledConv1D(
            FILTERS,
            KERNEL_SAMPLES,
            strides=stride,
            activation="relu",
            pool_size=pool,
            precision=precision,
            name=name,
        )

    conv1 = conv("conv1", sizes.conv1_stride, sizes.pool1)
    conv2 = conv("conv2", sizes.conv2_stride, sizes.pool2)
    # What lies behind decides nothing: valid convolutions and pools leave it over.
    heard = conv1.used_steps(conv2.used_steps(LSTM_STEPS))
    return keras.Sequential(
        [
            keras.Input((INPUT_SAMPLES, 1), name="waveform"),
            layers.Cropping1D((0, INPUT_SAMPLES - heard), name="heard"),
            conv1,
            dropout("conv1_dropout"),
            conv2,
            dropout("conv2_dropout"),
            *(
                [ShortLSTM(LSTM_UNITS, return_sequences=True, name="lstm")]
                if architecture == "cnn_lstm"
                else []
            ),
            layers.Flatten(name="flatten"),
            layers.Dense(DENSE_UNITS, activation="tanh", name="dense1"),
            dropout("dense1_dropout"),
            layers.Dense(DENSE_UNITS, activation="tanh", name="dense2"),
            dropout("dense2_dropout"),
            layers.Dense(len(EMOTIONS), activation="softmax", name="emotion"),
        ],
        name=f"ser_{preset}" if architecture == "cnn_lstm" else f"ser_{architecture}_{preset}",
    )


def load_network(path: str) -> keras.Sequential:
    """Loads a network that `network.save(path)` wrote; `path` ends in `.keras`."""
    return keras.saving.load_model(path, compile=False)
