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

FILTERS = 128
KERNEL_SAMPLES = 128
LSTM_UNITS = 500
DENSE_UNITS = 1_000
DROPOUT = 0.3


def build_network(*, preset: str, seed: int) -> keras.Sequential:
    """Builds the untrained network, 5,379,798 parameters under every preset.

    Args:
      preset: a key of `PRESETS`.
      seed: fixes the initial weights.

    Returns:
      A model from waveforms, float32 `[batch, 54000, 1]`, to probabilities, float32 `[batch, 6]`
      in the order of `features.EMOTIONS`. Layer names are those of `LAYER_GROUPS`.

    Raises:
      ValueError: the preset is unknown.
    """
    if preset not in PRESETS:
        raise ValueError(f"unknown preset {preset!r}; there are {', '.join(PRESETS)}")
    sizes = PRESETS[preset]
    layers = keras.layers
    keras.utils.set_random_seed(seed)

    def dropout(name: str) -> keras.Layer:
        return layers.Dropout(DROPOUT, name=name)

    def conv(name: str, stride: int) -> keras.Layer:
        return layers.Conv1D(FILTERS, KERNEL_SAMPLES, strides=stride, activation="relu", name=name)

    return keras.Sequential(
        [
            keras.Input((INPUT_SAMPLES, 1), name="waveform"),
            conv("conv1", sizes.conv1_stride),
            layers.MaxPooling1D(sizes.pool1, name="pool1"),
            dropout("conv1_dropout"),
            conv("conv2", sizes.conv2_stride),
            layers.MaxPooling1D(sizes.pool2, name="pool2"),
            dropout("conv2_dropout"),
            # Two steps only: unrolled, which spares the loop's overhead.
            layers.LSTM(LSTM_UNITS, return_sequences=True, unroll=True, name="lstm"),
            layers.Flatten(name="flatten"),
            layers.Dense(DENSE_UNITS, activation="tanh", name="dense1"),
            dropout("dense1_dropout"),
            layers.Dense(DENSE_UNITS, activation="tanh", name="dense2"),
            dropout("dense2_dropout"),
            layers.Dense(len(EMOTIONS), activation="softmax", name="emotion"),
        ],
        name=f"ser_{preset}",
    )


def load_network(path: str) -> keras.Sequential:
    """Loads a network that `network.save(path)` wrote; `path` ends in `.keras`."""
    return keras.saving.load_model(path, compile=False)
