"""Resampling against scipy."""

import math

import numpy as np
import pytest
import tensorflow as tf
from scipy import signal

from modules.audio import resampling
from schemas.sound import SAMPLE_RATE_HZ

RATES_HZ = (1_000, 8_000, 11_025, 22_050, 24_000, 32_000, 44_100, 48_000, 88_200, 96_000, 192_000)
ODD_RATES_HZ = (22_051, 15_999)  # as many phases as samples a second

_resample = tf.function(
    resampling.resample,
    input_signature=[tf.TensorSpec([None], tf.float32), tf.TensorSpec([], tf.int32)],
    autograph=False,
)


def noise(num_samples: int, *, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1, 1, num_samples).astype(np.float32)


def scipy_resample(waveform: np.ndarray, rate_hz: int) -> np.ndarray:
    divisor = math.gcd(rate_hz, SAMPLE_RATE_HZ)
    up, down = SAMPLE_RATE_HZ // divisor, rate_hz // divisor
    return signal.resample_poly(waveform.astype(np.float64), up, down)


@pytest.mark.parametrize("rate_hz", RATES_HZ + ODD_RATES_HZ)
@pytest.mark.parametrize("duration_s", [0.0001, 0.0102, 0.4])
def test_resample_equals_scipy(rate_hz, duration_s):
    waveform = noise(math.ceil(duration_s * rate_hz))
    expected = scipy_resample(waveform, rate_hz)
    static = resampling.resample(tf.constant(waveform), rate_hz)
    dynamic = _resample(waveform, rate_hz)
    assert static.dtype == dynamic.dtype == tf.float32
    np.testing.assert_allclose(static, expected, atol=1e-6, rtol=0)
    np.testing.assert_allclose(dynamic, expected, atol=1e-6, rtol=0)


@pytest.mark.parametrize("rate_hz", [8_000, 48_000, 22_051])
def test_resample_of_nothing_is_nothing(rate_hz):
    empty = np.zeros(0, np.float32)
    assert resampling.resample(tf.constant(empty), rate_hz).shape == [0]
    assert _resample(empty, rate_hz).shape == [0]


def test_equal_rate_is_unchanged():
    waveform = noise(1_000)
    np.testing.assert_array_equal(
        resampling.resample(tf.constant(waveform), SAMPLE_RATE_HZ), waveform, strict=True
    )
    np.testing.assert_array_equal(_resample(waveform, SAMPLE_RATE_HZ), waveform)


@pytest.mark.parametrize("rate_hz", [0, 999, 384_001])
def test_impossible_rates_are_refused(rate_hz):
    with pytest.raises(ValueError, match="sample rate must be between"):
        resampling.resample(tf.constant(noise(10)), rate_hz)
    with pytest.raises(tf.errors.InvalidArgumentError, match="sample rate must be between"):
        _resample(noise(10), rate_hz)


def test_resampling_uses_core_ops_only(ops_of):
    assert not [op for op in ops_of(_resample) if op.startswith(("IO>", "PyFunc", "EagerPy"))]
