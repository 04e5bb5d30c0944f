"""The front end `whisper`: a trained speech encoder's first blocks, and a small head."""

from typing import TYPE_CHECKING

from modules.networks.front_end import FrontEnd
from modules.training.settings import BALANCED

if TYPE_CHECKING:
    import keras

    from modules.networks.registry import NetworkSpec

# Of the standardised waveform: speech of standard deviation 1 at -23 dB.
GAIN = 0.0708
LSTM_UNITS = 500
# An LSTM over every frame would take a hundred times as long as all else.
FRAME_S, SEGMENT_S = 0.02, 0.2
MEAN, LSTM = "mean", "lstm"


def _held(spec: "NetworkSpec") -> tuple[str, ...]:
    assert spec.encoder is not None
    return tuple(f"block{number}" for number in range(1, spec.encoder.blocks + 1))


def _groups(spec: "NetworkSpec") -> dict[str, tuple[str, ...]]:
    groups: dict[str, tuple[str, ...]] = {block: (block,) for block in _held(spec)}
    groups["block1"] = ("stem", "block1")
    if spec.preset == LSTM:
        return {
            **groups,
            "lstm": ("standardised", "lstm"),
            "dense": ("dense1", "dense2", "emotion"),
        }
    return {**groups, "pooling": ("standardised", "scale"), "dense": ("dense", "emotion")}


def _build(spec: "NetworkSpec", *, seed: int) -> "keras.Sequential":
    """Builds the untrained network; the weights of its encoder, too, are random."""
    import keras

    from modules.networks.frames import OwnLSTM, OwnMean, SegmentMeans
    from modules.networks.heads import MemberScale, Standardisation, hidden_layer, paper_head
    from modules.networks.log_mel import LogMel
    from modules.networks.whisper.layers import Block, Stem

    encoder = spec.encoder
    assert encoder is not None
    keras.utils.set_random_seed(seed)
    layers = [
        keras.Input((spec.input_samples, 1), name="waveform"),
        LogMel(encoder.bands, gain=GAIN, name="log_mel"),
        Stem(encoder.width, positions=encoder.positions, name="stem"),
    ]
    for number in range(1, encoder.blocks + 1):
        passes = number - 1 in encoder.pooled
        layers.append(
            Block(encoder.width, heads=encoder.heads, passes_input=passes, name=f"block{number}")
        )
    if spec.preset == MEAN:
        layers += [
            OwnMean(name="mean"),
            Standardisation(name="standardised"),
            MemberScale(members=spec.members, name="scale"),
        ]
        layers += hidden_layer(outputs=spec.outputs, members=spec.members)
    else:
        segments = round(WHISPER.input_s / SEGMENT_S)
        layers += [
            SegmentMeans(round(SEGMENT_S / FRAME_S), segments=segments, name="segments"),
            Standardisation(name="standardised"),
            OwnLSTM(LSTM_UNITS, name="lstm"),
        ]
        layers += paper_head(outputs=spec.outputs)
    return keras.Sequential(layers, name=f"ser_whisper_{spec.preset}")


WHISPER = FrontEnd(
    name="whisper",
    summary="the first blocks of a Whisper encoder, trained on speech recognition and frozen",
    presets={
        MEAN: "mean over time of the blocks' outputs, one hidden layer",
        LSTM: "means over 0.2 s of them into an LSTM and the paper's dense layers",
    },
    input_s=10.0,
    recipe=BALANCED,
    groups=_groups,
    held=_held,
    takes_encoder=True,
    takes_members=(MEAN,),
    takes_speakers=(MEAN,),
    build=_build,
)
