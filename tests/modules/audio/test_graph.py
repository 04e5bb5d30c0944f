"""The oracles: scipy for resampling, soundfile for wav files, numpy for the rest."""

import io
import math
import struct

import numpy as np
import pytest
import soundfile
import tensorflow as tf
from scipy import signal

from modules.audio import graph as audio
from schemas.sound import INPUT_SAMPLES, SAMPLE_RATE_HZ

RATES_HZ = (1_000, 8_000, 11_025, 22_050, 24_000, 32_000, 44_100, 48_000, 88_200, 96_000, 192_000)
ODD_RATES_HZ = (22_051, 15_999)  # as many phases as samples a second

_UNKNOWN = tf.TensorSpec([None], tf.float32)
_resample = tf.function(
    audio.resample, input_signature=[_UNKNOWN, tf.TensorSpec([], tf.int32)], autograph=False
)
_decode_wav = tf.function(
    audio.decode_wav, input_signature=[tf.TensorSpec([], tf.string)], autograph=False
)
_prepare = tf.function(
    lambda waveform: audio.prepare(waveform, trim=True), input_signature=[_UNKNOWN], autograph=False
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
    static = audio.resample(tf.constant(waveform), rate_hz)
    dynamic = _resample(waveform, rate_hz)
    assert static.dtype == dynamic.dtype == tf.float32
    np.testing.assert_allclose(static, expected, atol=1e-6, rtol=0)
    np.testing.assert_allclose(dynamic, expected, atol=1e-6, rtol=0)


@pytest.mark.parametrize("rate_hz", [8_000, 48_000, 22_051])
def test_resample_of_nothing_is_nothing(rate_hz):
    empty = np.zeros(0, np.float32)
    assert audio.resample(tf.constant(empty), rate_hz).shape == [0]
    assert _resample(empty, rate_hz).shape == [0]


def test_equal_rate_is_unchanged():
    waveform = noise(1_000)
    np.testing.assert_array_equal(
        audio.resample(tf.constant(waveform), SAMPLE_RATE_HZ), waveform, strict=True
    )
    np.testing.assert_array_equal(_resample(waveform, SAMPLE_RATE_HZ), waveform)


@pytest.mark.parametrize("rate_hz", [0, 999, 384_001])
def test_impossible_rates_are_refused(rate_hz):
    with pytest.raises(ValueError, match="sample rate must be between"):
        audio.resample(tf.constant(noise(10)), rate_hz)
    with pytest.raises(tf.errors.InvalidArgumentError, match="sample rate must be between"):
        _resample(noise(10), rate_hz)


def test_first_channel_is_not_an_average():
    samples = noise(20).reshape(10, 2)
    np.testing.assert_array_equal(audio.first_channel(tf.constant(samples)), samples[:, 0])


def test_pcm16_rounds_clips_and_returns():
    waveform = np.array([0.0, 0.5, -0.5, 0.99 / 32768, 2.0, -2.0, 1.0], np.float32)
    contents = audio.encode_pcm16(waveform)
    assert np.frombuffer(contents, "<i2").tolist() == [0, 16384, -16384, 1, 32767, -32768, 32767]
    decoded = audio.decode_pcm16(tf.constant(contents))
    np.testing.assert_array_equal(decoded.numpy()[:3], waveform[:3])
    assert audio.encode_pcm16(decoded.numpy()) == contents


def test_trim_silence_is_relative_to_the_clip():
    voiced = noise(SAMPLE_RATE_HZ)
    loud = np.concatenate([np.zeros(16_000), voiced, np.zeros(24_000)])
    hiss = noise(len(loud), seed=1) * 1e-4
    margin = int(audio.TRIM_MARGIN_S * SAMPLE_RATE_HZ)
    for waveform in (loud, (loud + hiss) * 1e-3 + 0.05):  # -60 dBFS, with an offset
        waveform = waveform.astype(np.float32)
        trimmed = audio.trim_silence(tf.constant(waveform)).numpy()
        start = next(k for k in range(500) if trimmed[margin + k] == waveform[16_000]) + margin
        np.testing.assert_array_equal(trimmed[start:][:16_000], waveform[16_000:32_000])
        assert start <= margin + 400
        assert len(trimmed) - start - 16_000 <= margin + 400
        inner = waveform[16_000:32_000]
        np.testing.assert_array_equal(audio.trim_silence(tf.constant(inner)), inner)


@pytest.mark.parametrize("num_samples", [0, 1, 79, 399, 400, 401, 5_000])
def test_trim_silence_never_empties_a_clip(num_samples):
    for waveform in (np.zeros(num_samples, np.float32), noise(num_samples)):
        assert len(audio.trim_silence(tf.constant(waveform))) == num_samples


def test_standardise():
    waveform = noise(5_000) * 0.01 + 0.3
    result = audio.standardise(tf.constant(waveform)).numpy()
    expected = (waveform - waveform.mean(dtype=np.float64)) / waveform.std(dtype=np.float64)
    np.testing.assert_allclose(result, expected, atol=1e-5)
    given = audio.standardise(tf.constant(waveform), 0.25, tf.constant(2.0)).numpy()
    np.testing.assert_allclose(given, (waveform - 0.25) / 2.0, atol=1e-6)
    with pytest.raises(ValueError, match="both"):
        audio.standardise(tf.constant(waveform), 0.0)


@pytest.mark.parametrize("value", [0.0, 0.1, 0.9, -1.0])
def test_standardise_of_a_constant_is_zeros(value):
    result = audio.standardise(tf.fill([INPUT_SAMPLES], tf.constant(value, tf.float32)))
    assert not result.numpy().any()


def test_fit_length_cuts_and_pads_the_end():
    assert audio.fit_length(tf.constant([1.0, 2.0, 3.0]), 2).numpy().tolist() == [1.0, 2.0]
    assert audio.fit_length(tf.constant([1.0]), 3).numpy().tolist() == [1.0, 0.0, 0.0]


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


def test_prepare_has_a_static_shape_and_uses_core_ops_only():
    function = _prepare.get_concrete_function()
    assert function.output_shapes == [INPUT_SAMPLES]
    graphs = (function, _resample.get_concrete_function(), _decode_wav.get_concrete_function())
    for graph in graphs:
        definition = graph.graph.as_graph_def()
        nodes = [*definition.node, *(n for f in definition.library.function for n in f.node_def)]
        assert not [node.op for node in nodes if node.op.startswith(("IO>", "PyFunc", "EagerPy"))]


def wav(samples: np.ndarray, rate_hz: int = 44_100, **kwargs) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, rate_hz, **{"format": "WAV"} | kwargs)
    return file.getvalue()


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"])
@pytest.mark.parametrize("form", ["WAV", "WAVEX"])
@pytest.mark.parametrize("num_channels", [1, 2, 5])
def test_decode_wav_equals_soundfile(subtype, form, num_channels):
    samples = noise(1_001 * num_channels).reshape(-1, num_channels)
    contents = wav(samples, format=form, subtype=subtype)
    expected, rate_hz = soundfile.read(io.BytesIO(contents), dtype="float32", always_2d=True)
    for function in (audio.decode_wav, _decode_wav):
        decoded, decoded_rate_hz = function(contents)
        assert decoded_rate_hz.dtype == tf.int32
        assert decoded_rate_hz == rate_hz
        np.testing.assert_allclose(decoded, expected, atol=1e-7, rtol=0)


def test_decode_wav_walks_over_other_chunks():
    plain = wav(noise(100), subtype="PCM_16")
    odd = b"LIST" + struct.pack("<I", 5) + b"abcde\0"  # padded to an even length
    expected, _ = _decode_wav(plain)
    for contents in (plain[:12] + odd + plain[12:], plain[:36] + odd + plain[36:], plain + odd):
        np.testing.assert_array_equal(_decode_wav(contents)[0], expected)


@pytest.mark.parametrize("size", [0, 0x7FFFF000, 0xFFFFFFFF])
def test_decode_wav_takes_the_rest_of_a_stream(size):
    plain = wav(noise(100), subtype="PCM_16")
    streamed = plain[:40] + struct.pack("<I", size) + plain[44:] + b"\1"  # half a frame
    np.testing.assert_array_equal(_decode_wav(streamed)[0], _decode_wav(plain)[0])


_PLAIN = wav(noise(100), subtype="PCM_16")


@pytest.mark.parametrize(
    ("contents", "message"),
    [
        (b"", "not a wav file"),
        (b"RIFF", "not a wav file"),
        (b"fLaC" + bytes(100), "not a wav file"),
        (_PLAIN[:12], "without a format chunk"),
        (_PLAIN[:30], "without a format chunk"),
        (_PLAIN[:40], "without a data chunk"),
        (_PLAIN[:44], "truncated"),
        (_PLAIN[:-1], "truncated"),
        (wav(noise(0), subtype="PCM_16"), "without samples"),
        (wav(noise(100), subtype="ULAW"), "encoding is none of"),
        (_PLAIN[:22] + bytes(2) + _PLAIN[24:], "contradicts itself"),
        (_PLAIN[:24] + bytes(4) + _PLAIN[28:], "sample rate must be between"),
        (_PLAIN[:32] + bytes(2) + _PLAIN[34:], "contradicts itself"),
    ],
)
def test_decode_wav_refuses_the_rest_in_words(contents, message):
    for function in (audio.decode_wav, _decode_wav):
        with pytest.raises(tf.errors.InvalidArgumentError, match=message):
            function(contents)


def test_decode_wav_survives_damage():
    generator = np.random.default_rng(0)
    for _ in range(200):
        damaged = bytearray(_PLAIN)
        for position in generator.integers(0, 60, 2):
            damaged[position] = generator.integers(256)
        try:
            samples, _ = _decode_wav(bytes(damaged[: generator.integers(40, len(damaged) + 1)]))
        except tf.errors.InvalidArgumentError:
            continue
        assert samples.shape[0] > 0
