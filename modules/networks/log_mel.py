"""Whisper's log-mel spectrogram (Radford et al. 2022, section 2.2) as a Keras layer.

Imports keras and numpy only, so that it runs on any Keras backend.
"""

from typing import Any

import keras
import numpy as np

from schemas.sound import SAMPLE_RATE_HZ

FRAME_SAMPLES = 400
HOP_SAMPLES = 160
_FLOOR = 1e-10
# Below the loudest value of a clip, in powers of ten.
_RANGE = 8.0
# Of Slaney's mel scale: linear up to 1 kHz, at three mel per 200 Hz, and logarithmic above.
_LINEAR_HZ_PER_MEL = 200.0 / 3
_BREAK_HZ = 1000.0
_BREAK_MEL = _BREAK_HZ / _LINEAR_HZ_PER_MEL
_LOG_STEP = np.log(6.4) / 27.0


def mel_filters(bands: int) -> np.ndarray:
    """Returns triangular filters of equal area on Slaney's mel scale, as librosa's default.

    Args:
      bands: Number of filters from 0 Hz to half the sampling rate.

    Returns:
      float32 `[201, bands]`, weights of a frame's power spectrum.
    """
    bins_hz = np.linspace(0, SAMPLE_RATE_HZ / 2, FRAME_SAMPLES // 2 + 1)
    top = _BREAK_MEL + np.log(SAMPLE_RATE_HZ / 2 / _BREAK_HZ) / _LOG_STEP
    mel = np.linspace(0.0, top, bands + 2)
    edges_hz = np.where(
        mel < _BREAK_MEL,
        mel * _LINEAR_HZ_PER_MEL,
        _BREAK_HZ * np.exp(_LOG_STEP * (mel - _BREAK_MEL)),
    )
    low, centre, high = edges_hz[:-2], edges_hz[1:-1], edges_hz[2:]
    rising = (bins_hz[:, np.newaxis] - low) / (centre - low)
    falling = (high - bins_hz[:, np.newaxis]) / (high - centre)
    triangles = np.maximum(0.0, np.minimum(rising, falling))
    return (triangles * 2.0 / (high - low)).astype(np.float32)


@keras.saving.register_keras_serializable(package="ser")
class LogMel(keras.layers.Layer):
    """Log-mel spectrogram of a clip as Whisper's encoder takes it, of the clip's own length.

    A clip ends with its last sample that is not 0, as padding follows standardisation. What is
    behind the longest clip of a batch is not computed. Frames behind a clip's own end are 0 in all
    bands, by which later layers know them; a clip gives the same frames whatever it is padded to.

    Args:
      bands: Number of mel bands.
      gain: Factor of the samples, which are clipped to ±1 after it. Whisper was trained on
        speech at its own level; the network's input has standard deviation 1.
      kwargs: Arguments of `keras.layers.Layer`.
    """

    def __init__(self, bands: int, *, gain: float, **kwargs: Any):
        super().__init__(**kwargs)
        self.bands = bands
        self.gain = gain
        self._filters = mel_filters(bands)

    def compute_output_shape(self, input_shape: tuple[Any, ...]) -> tuple[Any, ...]:
        """Returns `[batch, frames, bands]`; the longest clip decides about the frames."""
        return (input_shape[0], None, self.bands)

    def call(self, inputs: Any) -> Any:
        """Maps float32 `[batch, samples, 1]` to float32 `[batch, frames, bands]`."""
        ops = keras.ops
        waveforms = inputs[:, :, 0]
        numbers = ops.arange(1, ops.shape(waveforms)[1] + 1)
        lengths = ops.max(ops.where(waveforms != 0, numbers, 0), axis=1)
        lengths = ops.maximum(lengths, FRAME_SAMPLES)
        longest = ops.max(lengths)
        waveforms = ops.clip(waveforms * self.gain, -1.0, 1.0)
        # Each clip is mirrored at both of its own ends by half a frame.
        half = FRAME_SAMPLES // 2
        last = lengths[:, np.newaxis] - 1
        places = ops.abs(ops.arange(-half, longest + half)[np.newaxis])
        places = last - ops.abs(last - places)
        padded = ops.take_along_axis(waveforms, ops.clip(places, 0, last), axis=1)
        real, imaginary = ops.stft(
            padded, FRAME_SAMPLES, HOP_SAMPLES, FRAME_SAMPLES, window="hann", center=False
        )
        power = (ops.square(real) + ops.square(imaginary))[:, : longest // HOP_SAMPLES]
        mel = ops.matmul(power, self._filters)
        logarithm = ops.log(ops.maximum(mel, _FLOOR)) / np.log(10.0)
        frames = ops.arange(longest // HOP_SAMPLES)[np.newaxis]
        own = (frames < lengths[:, np.newaxis] // HOP_SAMPLES)[:, :, np.newaxis]
        loudest = ops.max(ops.where(own, logarithm, -np.inf), axis=(1, 2), keepdims=True)
        scaled = (ops.maximum(logarithm, loudest - _RANGE) + 4.0) / 4.0
        return ops.where(own, scaled, 0.0)

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments to build the layer again."""
        return {**super().get_config(), "bands": self.bands, "gain": self.gain}
