"""Samples as numbers, against plain arithmetic."""

import numpy as np
import pytest
import tensorflow as tf

from modules.audio import samples
from modules.audio.network_input import decode_pcm16


def test_first_channel_is_not_an_average():
    stereo = np.random.default_rng(0).uniform(-1, 1, (10, 2)).astype(np.float32)
    np.testing.assert_array_equal(samples.first_channel(stereo), stereo[:, 0])
    np.testing.assert_array_equal(samples.first_channel(tf.constant(stereo)), stereo[:, 0])


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        (np.array([0, 64, 128, 255], np.uint8), [-1.0, -0.5, 0.0, 127 / 128]),
        (np.array([-(2**15), 2**14, 2**15 - 1], np.int16), [-1.0, 0.5, 32767 / 32768]),
        (np.array([-(2**31), 2**30], np.int32), [-1.0, 0.5]),
        (np.array([-1.5, 0.25], np.float64), [-1.5, 0.25]),
    ],
)
def test_full_scale_is_one(stored, expected):
    scaled = samples.to_float(stored)
    assert scaled.dtype == np.float32
    assert scaled.tolist() == expected


def test_pcm16_rounds_clips_and_returns():
    waveform = np.array([0.0, 0.5, -0.5, 0.99 / 32768, 2.0, -2.0, 1.0], np.float32)
    contents = samples.encode_pcm16(waveform)
    assert np.frombuffer(contents, "<i2").tolist() == [0, 16384, -16384, 1, 32767, -32768, 32767]
    decoded = decode_pcm16(tf.constant(contents))
    np.testing.assert_array_equal(decoded.numpy()[:3], waveform[:3])
    assert samples.encode_pcm16(decoded.numpy()) == contents
