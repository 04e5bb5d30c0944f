"""For tests: a tiny network, its exports, and sounds to ask it about."""

import io
from pathlib import Path

import av
import keras
import numpy as np
import soundfile

EMODB = ["anger", "disgust", "fear", "happiness", "sadness"]
URDU = ["anger", "happiness", "sadness"]
DOMAIN_LABELS = {"emodb": EMODB, "urdu": URDU}


def make_network(
    *, rank: int = 3, favourite: int | None = None, seed: int = 0, classes: int = 6
) -> keras.Model:
    """Returns a network over 54 frames; `favourite` is the class it always answers."""
    keras.utils.set_random_seed(seed)
    shape = (54_000, 1) if rank == 3 else (54_000,)
    inputs = keras.Input(shape)
    hidden = keras.layers.Reshape((54_000, 1))(inputs)
    hidden = keras.layers.Conv1D(8, 1_000, strides=1_000, activation="relu")(hidden)
    hidden = keras.layers.Dropout(0.5)(hidden)
    hidden = keras.layers.LSTM(6, return_sequences=True)(hidden)
    hidden = keras.layers.GlobalMaxPooling1D()(hidden)
    # What random weights make of clips is small; scaled up, it tells them apart.
    hidden = keras.layers.Rescaling(20.0)(hidden)
    logits = keras.layers.Dense(classes, activation="softmax", name="softmax")
    network = keras.Model(inputs, logits(hidden))
    if favourite is not None:
        logits.kernel.assign(np.zeros(logits.kernel.shape))
        logits.bias.assign(200.0 * np.eye(classes)[favourite])
    return network


def export_tiny(network: keras.Model, directory: Path, **changes) -> Path:
    """Exports with the arguments most tests want; `changes` override them."""
    from modules.export.model import export_model
    from schemas.labels import PAPER

    arguments = {
        "labels": PAPER,
        "trim_silence": False,
        "statistics": None,
        "domain_labels": DOMAIN_LABELS,
        "domain": None,
        "clean_process": False,
    }
    export_model(network, str(directory), **{**arguments, **changes})
    return directory


def speech_like(duration_s: float = 1.0, rate_hz: int = 16_000, seed: int = 0) -> np.ndarray:
    """Returns a noisy vowel-like tone below 3 kHz, float64 [samples] within ±0.7."""
    time_s = np.arange(round(duration_s * rate_hz)) / rate_hz
    rng = np.random.default_rng(seed)
    harmonics = sum(
        rng.uniform(0.2, 1.0) * np.sin(2 * np.pi * f * time_s + rng.uniform(0, 6))
        for f in 150.0 * np.arange(1, 20)
    )
    envelope = 0.5 + 0.5 * np.sin(2 * np.pi * 3.0 * time_s)
    return 0.7 * harmonics * envelope / np.abs(harmonics).max()


def encode(samples: np.ndarray, rate_hz: int, *, container: str, subtype: str) -> bytes:
    """Returns samples, [frames] or [frames, channels], as the bytes of an audio file."""
    contents = io.BytesIO()
    soundfile.write(contents, samples, rate_hz, format=container, subtype=subtype)
    return contents.getvalue()


def wav(samples: np.ndarray, rate_hz: int = 16_000, subtype: str = "PCM_16") -> bytes:
    """Returns samples as the bytes of a wav file."""
    return encode(samples, rate_hz, container="WAV", subtype=subtype)


def prepared_by_hand(waveform_16k: np.ndarray, *, mean=None, std=None) -> np.ndarray:
    """Returns the network's input, float32 [54000], computed without TensorFlow."""
    clip = np.asarray(waveform_16k, np.float64)[:54_000]
    mean = clip.mean() if mean is None else mean
    std = clip.std() if std is None else std
    return np.pad((clip - mean) / std, (0, 54_000 - len(clip))).astype(np.float32)


def video(samples: np.ndarray | None, rate_hz: int = 22_050) -> bytes:
    """Returns an AVI file of one second with the sound `samples`, int16 [1, frames], or none."""
    file = io.BytesIO()
    with av.open(file, "w", format="avi") as container:
        pictures = container.add_stream("mpeg4", rate=25)
        pictures.width = pictures.height = 32
        pictures.pix_fmt = "yuv420p"
        sound = None if samples is None else container.add_stream("pcm_s16le", rate=rate_hz)
        if sound is not None:
            sound.layout = "mono"
        for _ in range(25):
            picture = av.VideoFrame.from_ndarray(np.zeros([32, 32, 3], np.uint8), format="rgb24")
            container.mux(pictures.encode(picture))
        container.mux(pictures.encode(None))
        if sound is not None:
            frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
            frame.sample_rate = rate_hz
            container.mux(sound.encode(frame))
            container.mux(sound.encode(None))
    return file.getvalue()
