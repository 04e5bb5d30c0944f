"""Wav files decoded in TensorFlow's ops: soundfile and the parser in Python are the oracles."""

import io
import struct

import numpy as np
import pytest
import soundfile
import tensorflow as tf

from modules.audio import decoding, wav_graph
from modules.audio import wav as wav_files
from modules.audio.errors import DecodingError

_decode_wav = tf.function(
    wav_graph.decode_wav, input_signature=[tf.TensorSpec([], tf.string)], autograph=False
)


def noise(num_samples: int, *, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1, 1, num_samples).astype(np.float32)


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
    for function in (wav_graph.decode_wav, _decode_wav):
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
        (_PLAIN[:-41], "truncated"),
        (wav(noise(0), subtype="PCM_16"), "without samples"),
        (wav(noise(100), subtype="ULAW"), "encoding is none of"),
        (_PLAIN[:22] + bytes(2) + _PLAIN[24:], "contradicts itself"),
        (_PLAIN[:24] + bytes(8) + _PLAIN[32:], "sample rate must be between"),
        (_PLAIN[:32] + bytes(2) + _PLAIN[34:], "contradicts itself"),
    ],
)
def test_decode_wav_refuses_the_rest_in_words(contents, message):
    for function in (wav_graph.decode_wav, _decode_wav):
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


def test_the_graph_and_the_parser_agree_on_damaged_files():
    generator = np.random.default_rng(1)
    accepted = 0
    for _ in range(300):
        damaged = bytearray(_PLAIN)
        damaged[generator.integers(12, 48)] = generator.integers(256)
        contents = bytes(damaged)
        try:
            # What is compressed is not the graph's: it refuses it.
            plain = wav_files.parse(contents).is_plain
            expected = decoding.decode(contents) if plain else None
        except DecodingError:
            expected = None
        if expected is None:
            with pytest.raises(tf.errors.InvalidArgumentError):
                _decode_wav(contents)
            continue
        samples, rate_hz = _decode_wav(contents)
        np.testing.assert_array_equal(samples, expected[0])
        assert rate_hz == expected[1]
        accepted += 1
    assert 40 < accepted < 250


def test_decoding_uses_core_ops_only(ops_of):
    assert not [op for op in ops_of(_decode_wav) if op.startswith(("IO>", "PyFunc", "EagerPy"))]
