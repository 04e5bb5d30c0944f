"""The CNN+LSTM of Marczewski et al. 2017 (section 2, figure 1), in Keras 3.

Imports keras and numpy only: the network builds and trains on any Keras backend.
"""

import dataclasses

import keras

from modules.features import EMOTIONS, INPUT_SAMPLES

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
    # 54,000 → 53,873 → 420 → 293 → 2 steps, as the paper has it.
    "paper": Preset(conv1_stride=1, pool1=128, conv2_stride=1, pool2=128),
    # 54,000 → 3,368 → 421 → 37 → 2 steps: a tenth of the arithmetic.
    "fast": Preset(conv1_stride=16, pool1=8, conv2_stride=8, pool2=16),
}

ARCHITECTURES = ("cnn_lstm", "cnn")
FILTERS = 128
KERNEL_SAMPLES = 128
LSTM_UNITS = 500
DENSE_UNITS = 1_000
DROPOUT = 0.3


@keras.saving.register_keras_serializable(package="ser")
class FramedConv1D(keras.layers.Conv1D):
    """A valid, strided convolution computed on frames of `strides` steps: equal, and twice as fast.

    `strides` steps of the input become channels of one step, and the kernel is folded likewise, so
    that what is left is a dense convolution with stride 1, which libraries compute well; few
    channels and a long stride they do not. The weights are those of `keras.layers.Conv1D`.
    """

    def call(self, inputs):
        """Maps `[batch, time, channels]` to `[batch, (time - kernel) // strides + 1, filters]`."""
        ops, (kernel,), (stride,) = keras.ops, self.kernel_size, self.strides
        if kernel % stride:
            return super().call(inputs)
        time, channels = inputs.shape[1:]
        used = (time - kernel) // stride * stride + kernel
        frames = ops.reshape(inputs[:, :used], (-1, used // stride, stride * channels))
        folded = ops.reshape(self.kernel, (kernel // stride, stride * channels, self.filters))
        outputs = ops.conv(frames, folded, strides=1, padding="valid")
        return self.activation(outputs + self.bias)


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


def build_network(*, preset: str, seed: int, architecture: str = "cnn_lstm") -> keras.Sequential:
    """Builds the untrained network, 5,379,798 parameters under every preset.

    Args:
      preset: a key of `PRESETS`.
      seed: fixes the initial weights.
      architecture: `cnn_lstm`, or `cnn` for the same without the LSTM: the dense layers then get
        the two steps of 128 numbers as they are (paper, Table 2).

    Returns:
      A model from waveforms, float32 `[batch, 54000, 1]`, to probabilities, float32 `[batch, 6]`
      in the order of `features.EMOTIONS`. Layer names are those of `LAYER_GROUPS`.

    Raises:
      ValueError: the preset or the architecture is unknown.
    """
    if architecture not in ARCHITECTURES:
        raise ValueError(f"unknown architecture {architecture!r}; there are {ARCHITECTURES}")
    if preset not in PRESETS:
        raise ValueError(f"unknown preset {preset!r}; there are {', '.join(PRESETS)}")
    sizes = PRESETS[preset]
    layers = keras.layers
    keras.utils.set_random_seed(seed)

    def dropout(name: str) -> keras.Layer:
        return layers.Dropout(DROPOUT, name=name)

    def conv(name: str, stride: int) -> keras.Layer:
        return FramedConv1D(FILTERS, KERNEL_SAMPLES, strides=stride, activation="relu", name=name)

    return keras.Sequential(
        [
            keras.Input((INPUT_SAMPLES, 1), name="waveform"),
            conv("conv1", sizes.conv1_stride),
            layers.MaxPooling1D(sizes.pool1, name="pool1"),
            dropout("conv1_dropout"),
            conv("conv2", sizes.conv2_stride),
            layers.MaxPooling1D(sizes.pool2, name="pool2"),
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
