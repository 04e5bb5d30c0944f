"""The front end `waveform`: the CNN+LSTM of Marczewski et al. 2017 (section 2, figure 1).

Its presets ending in `-cnn` are the same without LSTM (Table 2).
"""

import dataclasses
from typing import TYPE_CHECKING

from modules.networks.front_end import FrontEnd
from modules.training.settings import PAPER
from schemas.sound import INPUT_DURATION_S

if TYPE_CHECKING:
    import keras

    from modules.networks.registry import NetworkSpec

FILTERS = 128
KERNEL_SAMPLES = 128
LSTM_STEPS = 2
LSTM_UNITS = 500
DROPOUT = 0.3
WITHOUT_LSTM = "-cnn"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Sizes:
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


SIZES: dict[str, Sizes] = {
    # 54,000 → 3,368 → 421 → 37 → 2 steps. Only the first 48,240 samples reach the output.
    "fast": Sizes(
        summary="strides 16 and 8, pools 8 and 16: a tenth of the paper's arithmetic",
        conv1_stride=16,
        pool1=8,
        conv2_stride=8,
        pool2=16,
    ),
    # 54,000 → 53,873 → 420 → 293 → 2 steps. Only the first 49,151 samples reach the output.
    "paper": Sizes(
        summary="strides 1, pools 128, as published",
        conv1_stride=1,
        pool1=128,
        conv2_stride=1,
        pool2=128,
    ),
}


def _sizes(preset: str) -> tuple[Sizes, bool]:
    """Returns the sizes of a preset, and whether it has an LSTM."""
    return SIZES[preset.removesuffix(WITHOUT_LSTM)], not preset.endswith(WITHOUT_LSTM)


def _groups(spec: "NetworkSpec") -> dict[str, tuple[str, ...]]:
    convolutions = {"conv1": ("conv1",), "conv2": ("conv2",)}
    dense = {"dense": ("dense1", "dense2", "emotion")}
    _, lstm = _sizes(spec.preset)
    return {**convolutions, **({"lstm": ("lstm",)} if lstm else {}), **dense}


def _build(spec: "NetworkSpec", *, seed: int) -> "keras.Sequential":
    """Builds the untrained network: 5,379,798 parameters with six outputs, under every preset.

    Without LSTM the dense layers get the two steps of 128 numbers as they are (paper, Table 2).
    """
    import keras

    from modules.networks.heads import paper_head
    from modules.networks.layers import PooledConv1D, ShortLSTM

    sizes, lstm = _sizes(spec.preset)
    layers, samples = keras.layers, spec.input_samples
    keras.utils.set_random_seed(seed)

    def conv(name: str, stride: int, pool: int) -> PooledConv1D:
        return PooledConv1D(
            FILTERS,
            KERNEL_SAMPLES,
            strides=stride,
            activation="relu",
            pool_size=pool,
            precision=spec.precision,
            name=name,
        )

    conv1 = conv("conv1", sizes.conv1_stride, sizes.pool1)
    conv2 = conv("conv2", sizes.conv2_stride, sizes.pool2)
    # Valid convolutions and pools drop incomplete windows at the end, so that the outputs depend
    # on the first samples only.
    used_samples = conv1.used_steps(conv2.used_steps(LSTM_STEPS))
    return keras.Sequential(
        [
            keras.Input((samples, 1), name="waveform"),
            layers.Cropping1D((0, samples - used_samples), name="heard"),
            conv1,
            layers.Dropout(DROPOUT, name="conv1_dropout"),
            conv2,
            layers.Dropout(DROPOUT, name="conv2_dropout"),
            *([ShortLSTM(LSTM_UNITS, return_sequences=True, name="lstm")] if lstm else []),
            layers.Flatten(name="flatten"),
            *paper_head(outputs=spec.outputs),
        ],
        name=f"ser_{spec.preset.replace('-', '_')}",
    )


_LSTM_PRESETS = {name: sizes.summary for name, sizes in SIZES.items()}

WAVEFORM = FrontEnd(
    name="waveform",
    summary="the paper's network: two convolutions over samples, an LSTM, three dense layers",
    presets={
        **_LSTM_PRESETS,
        **{
            f"{name}{WITHOUT_LSTM}": f"{summary}; without LSTM (Table 2)"
            for name, summary in _LSTM_PRESETS.items()
        },
    },
    precisions=("float32", "bfloat16"),
    input_s=INPUT_DURATION_S,
    recipe=PAPER,
    without_lstm={name: name + WITHOUT_LSTM for name in SIZES},
    groups=_groups,
    build=_build,
)
