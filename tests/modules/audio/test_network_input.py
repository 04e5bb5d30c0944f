"""From samples to the network's input, against numpy."""

import numpy as np
import pytest
import tensorflow as tf

from modules.audio import network_input
from schemas.sound import INPUT_SAMPLES, SAMPLE_RATE_HZ

_prepare = tf.function(
    lambda waveform: network_input.prepare(waveform, num_samples=INPUT_SAMPLES, trim=True),
    input_signature=[tf.TensorSpec([None], tf.float32)],
    autograph=False,
)


def noise(num_samples: int, *, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1, 1, num_samples).astype(np.float32)


def test_trim_silence_is_relative_to_the_clip():
    voiced = noise(SAMPLE_RATE_HZ)
    loud = np.concatenate([np.zeros(16_000), voiced, np.zeros(24_000)])
    hiss = noise(len(loud), seed=1) * 1e-4
    margin = int(network_input.TRIM_MARGIN_S * SAMPLE_RATE_HZ)
    for waveform in (loud, (loud + hiss) * 1e-3 + 0.05):  # -60 dBFS, with an offset
        waveform = waveform.astype(np.float32)
        trimmed = network_input.trim_silence(tf.constant(waveform)).numpy()
        start = next(k for k in range(500) if trimmed[margin + k] == waveform[16_000]) + margin
        np.testing.assert_array_equal(trimmed[start:][:16_000], waveform[16_000:32_000])
        assert start <= margin + 400
        assert len(trimmed) - start - 16_000 <= margin + 400
        inner = waveform[16_000:32_000]
        np.testing.assert_array_equal(network_input.trim_silence(tf.constant(inner)), inner)


@pytest.mark.parametrize("num_samples", [0, 1, 79, 399, 400, 401, 5_000])
def test_trim_silence_never_empties_a_clip(num_samples):
    for waveform in (np.zeros(num_samples, np.float32), noise(num_samples)):
        assert len(network_input.trim_silence(tf.constant(waveform))) == num_samples


def test_standardise():
    waveform = noise(5_000) * 0.01 + 0.3
    result = network_input.standardise(tf.constant(waveform)).numpy()
    expected = (waveform - waveform.mean(dtype=np.float64)) / waveform.std(dtype=np.float64)
    np.testing.assert_allclose(result, expected, atol=1e-5)
    given = network_input.standardise(tf.constant(waveform), 0.25, tf.constant(2.0)).numpy()
    np.testing.assert_allclose(given, (waveform - 0.25) / 2.0, atol=1e-6)
    with pytest.raises(ValueError, match="both"):
        network_input.standardise(tf.constant(waveform), 0.0)


@pytest.mark.parametrize("value", [0.0, 0.1, 0.9, -1.0])
def test_standardise_of_a_constant_is_zeros(value):
    result = network_input.standardise(tf.fill([INPUT_SAMPLES], tf.constant(value, tf.float32)))
    assert not result.numpy().any()


def test_fit_length_cuts_and_pads_the_end():
    assert network_input.fit_length(tf.constant([1.0, 2.0, 3.0]), 2).numpy().tolist() == [1.0, 2.0]
    assert network_input.fit_length(tf.constant([1.0]), 3).numpy().tolist() == [1.0, 0.0, 0.0]


@pytest.mark.parametrize("num_samples", [0, 1, 20_000, INPUT_SAMPLES, 80_000])
def test_prepare_pads_after_standardising(num_samples):
    waveform = noise(num_samples) * 0.1 + 0.2
    result = _prepare(waveform).numpy()
    kept = waveform[:INPUT_SAMPLES].astype(np.float64)
    assert result.shape == (INPUT_SAMPLES,)
    assert not result[num_samples:].any()
    if num_samples > 1:
        expected = (kept - kept.mean()) / kept.std()
        np.testing.assert_allclose(result[: len(kept)], expected, atol=1e-4)


def test_prepare_has_a_static_shape_and_uses_core_ops_only(ops_of):
    function = _prepare.get_concrete_function()
    assert function.output_shapes == [INPUT_SAMPLES]
    assert not [op for op in ops_of(_prepare) if op.startswith(("IO>", "PyFunc", "EagerPy"))]


def test_the_length_of_the_input_is_the_callers():
    waveform = tf.constant(noise(500))
    result = network_input.prepare(waveform, num_samples=300, trim=False).numpy()
    kept = waveform.numpy()[:300].astype(np.float64)
    np.testing.assert_allclose(result, (kept - kept.mean()) / kept.std(), atol=1e-5)
