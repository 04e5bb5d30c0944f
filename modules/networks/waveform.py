"""The CNN+LSTM of Marczewski et al. 2017 (section 2, figure 1), and the same without LSTM."""

import dataclasses
import functools
from typing import TYPE_CHECKING

from modules.networks.architecture import Architecture
from schemas.sound import INPUT_SAMPLES

if TYPE_CHECKING:
    import keras

FILTERS = 128
KERNEL_SAMPLES = 128
LSTM_STEPS = 2
LSTM_UNITS = 500
DENSE_UNITS = 1_000
DROPOUT = 0.3


@dataclasses.dataclass(frozen=True, kw_only=True)
class Preset:
    """Strides and pool sizes, in samples of each layer's input; weight shapes are common to all.

    Attributes:
      summary: One line for tables.
      conv1_stride, conv2_stride: Strides of the convolutions.
      pool1, pool2: Sizes of the pools behind them.
    """

    summary: str
    conv1_stride: int
    pool1: int
    conv2_stride: int
    pool2: int


PRESETS: dict[str, Preset] = {
    # 54,000 → 3,368 → 421 → 37 → 2 steps. Only the first 48,240 samples reach the output.
    "fast": Preset(
        summary="strides 16 and 8, pools 8 and 16: a tenth of the paper's arithmetic",
        conv1_stride=16,
        pool1=8,
        conv2_stride=8,
        pool2=16,
    ),
    # 54,000 → 53,873 → 420 → 293 → 2 steps. Only the first 49,151 samples reach the output.
    "paper": Preset(
        summary="strides 1, pools 128, as published",
        conv1_stride=1,
        pool1=128,
        conv2_stride=1,
        pool2=128,
    ),
}
PRECISIONS = ("float32", "bfloat16")


def _build(
    *, preset: str, precision: str, outputs: int, seed: int, lstm: bool
) -> "keras.Sequential":
    """Builds the untrained network: 5,379,798 parameters with six outputs, under every preset.

    Without LSTM the dense layers get the two steps of 128 numbers as they are (paper, Table 2).
    """
    import keras

    from modules.networks.layers import PooledConv1D, ShortLSTM

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
    # Valid convolutions and pools drop incomplete windows at the end, so that the outputs depend
    # on the first samples only.
    used_samples = conv1.used_steps(conv2.used_steps(LSTM_STEPS))
    return keras.Sequential(
        [
            keras.Input((INPUT_SAMPLES, 1), name="waveform"),
            layers.Cropping1D((0, INPUT_SAMPLES - used_samples), name="heard"),
            conv1,
            dropout("conv1_dropout"),
            conv2,
            dropout("conv2_dropout"),
            *([ShortLSTM(LSTM_UNITS, return_sequences=True, name="lstm")] if lstm else []),
            layers.Flatten(name="flatten"),
            layers.Dense(DENSE_UNITS, activation="tanh", name="dense1"),
            dropout("dense1_dropout"),
            layers.Dense(DENSE_UNITS, activation="tanh", name="dense2"),
            dropout("dense2_dropout"),
            layers.Dense(outputs, activation="softmax", name="emotion"),
        ],
        name=f"ser_{preset}" if lstm else f"ser_cnn_{preset}",
    )


_CONVOLUTIONS = {"conv1": ("conv1",), "conv2": ("conv2",)}
_DENSE = {"dense": ("dense1", "dense2", "emotion")}
_SUMMARIES = {name: preset.summary for name, preset in PRESETS.items()}

CNN_LSTM = Architecture(
    name="cnn_lstm",
    summary="the paper's network: two convolutions, an LSTM, three dense layers",
    presets=_SUMMARIES,
    precisions=PRECISIONS,
    input_samples=INPUT_SAMPLES,
    groups={**_CONVOLUTIONS, "lstm": ("lstm",), **_DENSE},
    build=functools.partial(_build, lstm=True),
)
CNN = Architecture(
    name="cnn",
    summary="the paper's network without its LSTM (Table 2)",
    presets=_SUMMARIES,
    precisions=PRECISIONS,
    input_samples=INPUT_SAMPLES,
    groups={**_CONVOLUTIONS, **_DENSE},
    build=functools.partial(_build, lstm=False),
)
