"""The spectrogram against Whisper's, in numpy: its filters, its frames, and what padding does."""

import math

import keras
import numpy as np
import pytest
import scipy.signal

from modules.networks.log_mel import LogMel, mel_filters

BINS_HZ = 40.0 * np.arange(201)


def slaney_hz(mel: float) -> float:
    """A frequency on the scale of Slaney's Auditory Toolbox (1998)."""
    return mel * 200 / 3 if mel < 15 else 1_000 * 6.4 ** ((mel - 15) / 27)


def edges_hz(bands: int) -> list[float]:
    """Corners of triangles at equal distances up to 8 kHz."""
    top = 15 + 27 * math.log(8) / math.log(6.4)
    return [slaney_hz(top * number / (bands + 1)) for number in range(bands + 2)]


def triangles(bands: int) -> np.ndarray:
    """Filters of unit area, float64 `[201, bands]`."""
    edges = edges_hz(bands)
    columns = [
        np.interp(BINS_HZ, edges[band : band + 3], [0, 1, 0]) * 2 / (edges[band + 2] - edges[band])
        for band in range(bands)
    ]
    return np.stack(columns, axis=1)


def log_mel(samples: np.ndarray, bands: int) -> np.ndarray:
    """Whisper's spectrogram of a whole recording, float64 `[frames, bands]`."""
    padded = np.pad(samples, 200, mode="reflect")
    starts = range(0, len(padded) - 399, 160)
    window = scipy.signal.get_window("hann", 400)
    frames = np.stack([padded[start : start + 400] * window for start in starts])
    # As there, without the last frame.
    power = np.abs(np.fft.rfft(frames)[:-1]) ** 2
    logarithm = np.log10(np.maximum(power @ triangles(bands), 1e-10))
    return (np.maximum(logarithm, logarithm.max() - 8) + 4) / 4


def as_batch(samples: np.ndarray, length: int | None = None) -> np.ndarray:
    """Returns one clip as networks take it, zero-padded, float32 `[1, length, 1]`."""
    padded = np.zeros((1, length or len(samples), 1), np.float32)
    padded[0, : len(samples), 0] = samples
    return padded


def sound(length: int, seed: int = 0) -> np.ndarray:
    """Noise, a tone, and a quiet end."""
    time_s = np.arange(length) / 16_000
    noise = np.random.default_rng(seed).normal(size=length)
    return (np.sin(2 * np.pi * 900 * time_s) + 0.3 * noise) * np.linspace(1, 1e-3, length)


@pytest.mark.parametrize("bands", [40, 64, 80])
def test_filters_are_slaneys_triangles(bands):
    filters = mel_filters(bands)
    assert filters.shape == (201, bands)
    np.testing.assert_allclose(filters, triangles(bands), rtol=1e-5, atol=1e-8)
    # Where two neighbours overlap, their heights add up to 1.
    edges = edges_hz(bands)
    heights = filters * (np.array(edges[2:]) - np.array(edges[:-2])) / 2
    between = (edges[1] <= BINS_HZ) & (edges[-2] >= BINS_HZ)
    np.testing.assert_allclose(heights.sum(axis=1)[between], 1, atol=1e-5)


def test_filters_are_those_that_whisper_comes_with():
    filters = mel_filters(80)
    # From its file mel_filters.npz: the first two filters at 40 Hz, the second at 80 Hz.
    np.testing.assert_allclose(
        [filters[1, 0], filters[1, 1], filters[2, 1]],
        [0.02486259, 0.00199082, 0.02287177],
        rtol=1e-4,
    )


@pytest.mark.parametrize("length", [400, 1_234, 3_200, 8_001])
def test_a_clip_gives_whispers_spectrogram(length):
    samples = sound(length)
    (found,) = LogMel(80, gain=0.0708)(as_batch(samples)).numpy()
    assert found.shape == (length // 160, 80)
    np.testing.assert_allclose(found, log_mel(0.0708 * samples, 80), atol=2e-4)


def test_samples_are_clipped_to_full_scale():
    samples = sound(1_600)
    (found,) = LogMel(40, gain=5.0)(as_batch(samples)).numpy()
    np.testing.assert_allclose(found, log_mel(np.clip(5 * samples, -1, 1), 40), atol=2e-4)


def test_a_clip_shorter_than_a_frame_is_filled_up():
    samples = sound(90)
    (found,) = LogMel(40, gain=0.1)(as_batch(samples, 2_000)).numpy()
    np.testing.assert_allclose(found, log_mel(0.1 * np.pad(samples, (0, 310)), 40), atol=2e-4)


def test_padding_and_company_change_nothing():
    lengths = (700, 4_000, 2_345)
    sounds = [sound(length, seed) for seed, length in enumerate(lengths)]
    batch = np.concatenate([as_batch(each, 16_000) for each in sounds])
    layer = LogMel(40, gain=0.0708)
    network = keras.Sequential([keras.Input((16_000, 1)), layer])
    for together in (layer(batch).numpy(), network.predict(batch, verbose=0)):
        # What is behind the longest clip is not computed.
        assert together.shape == (3, 4_000 // 160, 40)
        for row, each in zip(together, sounds, strict=True):
            own = len(each) // 160
            (alone,) = layer(as_batch(each)).numpy()
            np.testing.assert_allclose(row[:own], alone, atol=1e-5)
            assert not row[own:].any()


def test_a_clip_of_silence_is_finite():
    found = LogMel(40, gain=0.0708)(np.zeros((2, 1_600, 1), np.float32)).numpy()
    assert np.isfinite(found).all()


def test_the_layer_is_built_again_from_its_settings():
    layer = LogMel(48, gain=0.2)
    again = LogMel.from_config(layer.get_config())
    batch = as_batch(sound(1_000))
    np.testing.assert_array_equal(layer(batch), again(batch))
