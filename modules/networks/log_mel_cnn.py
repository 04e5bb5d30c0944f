"""The front end `log_mel_cnn`: a small convolutional network over the spectrogram, from scratch."""

from typing import TYPE_CHECKING

from modules.networks.front_end import FrontEnd
from modules.training.settings import BALANCED_FROM_SCRATCH

if TYPE_CHECKING:
    import keras

    from modules.networks.registry import NetworkSpec

BANDS = 64
FILTERS = (32, 64, 128)
KERNEL_FRAMES = 5
_GAIN = 0.0708


def _groups(spec: "NetworkSpec") -> dict[str, tuple[str, ...]]:
    del spec
    convolutions: dict[str, tuple[str, ...]] = {
        f"conv{number}": (f"conv{number}",) for number in range(1, len(FILTERS) + 1)
    }
    convolutions["conv1"] = ("standardised", "conv1")
    return {**convolutions, "dense": ("dense", "emotion")}


def _build(spec: "NetworkSpec", *, seed: int) -> "keras.Sequential":
    """Builds the untrained network."""
    import keras

    from modules.networks.frames import OwnConv1D, OwnMean
    from modules.networks.heads import Standardisation, hidden_layer
    from modules.networks.log_mel import LogMel

    keras.utils.set_random_seed(seed)
    return keras.Sequential(
        [
            keras.Input((spec.input_samples, 1), name="waveform"),
            LogMel(BANDS, gain=_GAIN, name="log_mel"),
            Standardisation(name="standardised"),
            *(
                OwnConv1D(filters, KERNEL_FRAMES, name=f"conv{number}")
                for number, filters in enumerate(FILTERS, start=1)
            ),
            OwnMean(name="mean"),
            *hidden_layer(outputs=spec.outputs, members=spec.members),
        ],
        name="ser_log_mel_cnn",
    )


LOG_MEL_CNN = FrontEnd(
    name="log_mel_cnn",
    summary="a small convolutional network over the log-mel spectrogram, trained from scratch",
    presets={"small": "three convolutions of 32, 64 and 128 filters, mean over time"},
    input_s=10.0,
    recipe=BALANCED_FROM_SCRATCH,
    groups=_groups,
    build=_build,
)
