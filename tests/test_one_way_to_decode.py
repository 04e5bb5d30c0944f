"""Indexing, audit, training and client hear the same of a file, whatever it is.

The oracles: the samples that were encoded, libsndfile, and PyAV's own decoding and resampling.
"""

import functools
import hashlib
import io
from typing import Any

import av
import numpy as np
import pytest
import soundfile
import tensorflow as tf
from recordings import KINDS, NUM_FRAMES, Kind, by_av, by_soundfile, decoded_by_av, speechlike

from corpora.audit import listening
from corpora.audit.clips import Clip
from corpora.indexing import probe
from modules.audio import decoding, loading, resampling, wav_graph
from modules.audio.errors import DecodingError
from schemas.recordings import AUDIO_SUFFIXES
from schemas.signatures import SIGNATURE_AUDIO
from schemas.utterance import Utterance
from serving.client.client import Client, PredictionError

# What codings pad at either end, in seconds: an AAC frame of 1,024 samples at 16 kHz.
PADDING_S = 0.065

_decode_wav = tf.function(
    wav_graph.decode_wav, input_signature=[tf.TensorSpec([], tf.string)], autograph=False
)


@functools.cache
def contents_of(kind: Kind) -> bytes:
    try:
        return kind.make()
    except (av.FFmpegError, soundfile.LibsndfileError, ValueError) as error:
        pytest.skip(f"the wheels have no encoder for {kind}: {error}")


class Sent(Exception):
    """What the client would have sent."""

    def __init__(self, signature, inputs):
        self.signature, self.inputs = signature, inputs


class SilentClient(Client):
    """A client that raises `Sent` instead of sending."""

    def _predict(self, path, model, signature, inputs, started_s):
        raise Sent(signature, inputs)


def heard_by_client(path) -> Any:
    """Returns what a server hears, or the client's reason for not asking one."""
    with SilentClient("localhost:1") as client:
        try:
            client.predict_file(path, model="m")
        except PredictionError as error:
            return error.reason
        except Sent as sent:
            if sent.signature == SIGNATURE_AUDIO:
                samples, rate_hz = _decode_wav(sent.inputs["audio"][0])
                return samples.numpy()[:, 0], int(rate_hz)
            return sent.inputs["waveform"][0], int(sent.inputs["rate_hz"][0])
    raise AssertionError("neither sent nor refused")


def refused_by_index(path) -> str:
    utterance = Utterance(utterance_id="", path=str(path), domain="", speaker="", emotion="")
    return probe.problem(utterance, probe.probe(str(path)))


def heard_by_audit(path) -> listening.Heard:
    return listening.listen(Clip(utterance_id="", path=str(path), fold="", domain=""))


def heard_by_training(contents: bytes) -> Any:
    try:
        return loading.load_with_rate(contents)
    except DecodingError as error:
        return str(error)


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_all_hear_the_same(kind, tmp_path):
    contents = contents_of(kind)
    path = tmp_path / f"clip.{kind.suffix}"
    path.write_bytes(contents)

    samples, rate_hz = decoding.decode(contents)
    assert samples.dtype == np.float32
    assert samples.shape[1] == kind.channels
    assert rate_hz == kind.rate_hz
    waveform = np.ascontiguousarray(samples[:, 0])

    audit = heard_by_audit(path)
    assert audit.problem == ""
    assert audit.samples_sha256 == hashlib.sha256(waveform.tobytes()).hexdigest()
    assert audit.duration_s == len(waveform) / rate_hz

    training, training_rate_hz = heard_by_training(contents)
    assert training_rate_hz == rate_hz
    resampled = resampling.resample(tf.constant(waveform), rate_hz).numpy()
    np.testing.assert_allclose(training, resampled, atol=1e-6, rtol=0)

    client, client_rate_hz = heard_by_client(path)
    assert client_rate_hz == rate_hz
    np.testing.assert_array_equal(client, waveform)

    indexed = probe.probe(str(path))
    assert indexed.problem == ""
    assert indexed.sample_rate_hz == rate_hz
    exact = kind.lossless and kind.suffix != "mkv"  # which tells milliseconds
    tolerance_s = 1e-6 if exact or kind.by_soundfile else PADDING_S
    assert indexed.duration_s == pytest.approx(len(waveform) / rate_hz, abs=tolerance_s)


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_what_is_heard_is_what_was_encoded(kind):
    contents = contents_of(kind)
    samples, rate_hz = decoding.decode(contents)
    if kind.lossless:
        np.testing.assert_array_equal(samples, speechlike(kind.channels) / np.float32(32_768))
    if kind.by_soundfile:
        expected, expected_rate_hz = soundfile.read(
            io.BytesIO(contents), dtype="float32", always_2d=True
        )
        assert rate_hz == expected_rate_hz
        np.testing.assert_array_equal(samples, expected)
    if not kind.lossless and not kind.by_soundfile:
        expected, expected_rate_hz = decoded_by_av(contents)
        assert rate_hz == expected_rate_hz
        np.testing.assert_allclose(samples, expected, atol=1e-7, rtol=0)
        # Not noise: what was encoded, up to the coding's loss and delay. (Opus knows 48 kHz only.)
        heard = samples[:: round(len(samples) / NUM_FRAMES), 0]
        original = speechlike()[2_000:8_000, 0] / 32_768
        correlation = np.correlate(heard, original, "valid")
        assert correlation.max() > 0.7 * np.linalg.norm(original) * np.linalg.norm(
            heard[2_000:8_000]
        )


def test_every_suffix_that_readers_take_is_tried():
    assert {f".{kind.suffix}" for kind in KINDS} == AUDIO_SUFFIXES


def outcomes(contents: bytes, path) -> tuple[str, str, str, str]:
    """Returns why indexing, audit, training and client refuse a file; empty where they do not."""
    path.write_bytes(contents)
    training, client = heard_by_training(contents), heard_by_client(path)
    if not isinstance(training, str) and not isinstance(client, str):
        resampled = resampling.resample(tf.constant(client[0]), client[1]).numpy()
        np.testing.assert_allclose(training[0], resampled, atol=1e-6, rtol=0)
    return (
        refused_by_index(path),
        heard_by_audit(path).problem,
        training if isinstance(training, str) else "",
        client if isinstance(client, str) else "",
    )


def assert_all_agree(contents: bytes, path) -> str:
    """Asserts that all refuse a file for the same reason, or none does; returns the reason."""
    index, audit, training, client = outcomes(contents, path)
    assert index == audit == training == client
    return training


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.channels == 1], ids=str)
def test_all_refuse_a_truncated_file_for_the_same_reason(kind, tmp_path):
    contents = contents_of(kind)
    for share in (0.0005, 0.02, 0.5, 0.999):
        cut = contents[: max(1, round(share * len(contents)))]
        reason = assert_all_agree(cut, tmp_path / "clip")
        tells_its_length = kind.lossless and kind.suffix != "avi"
        # A wav header may promise a few bytes too many.
        is_wav = str(kind).startswith(("wav", "rf64", "w64"))
        if tells_its_length and (share < 0.9 or (kind.by_soundfile and not is_wav)):
            assert reason.startswith(("truncated", "corrupt", "not audio")), (share, reason)


def _damaged() -> tuple[dict[str, tuple[bytes, str]], dict[str, tuple[bytes, str]]]:
    generator = np.random.default_rng(0)
    silence, header = np.zeros([1_000, 2]), by_soundfile("WAV", "PCM_16")
    half_silent = np.stack([np.zeros(1_000), generator.normal(0, 0.1, 1_000)], axis=1)
    not_finite = generator.normal(0, 0.1, [1_000, 1])
    not_finite[500] = np.nan

    def encoded(samples, form="WAV", subtype="PCM_16", rate_hz=16_000):
        file = io.BytesIO()
        soundfile.write(file, samples, rate_hz, format=form, subtype=subtype)
        return file.getvalue()

    no_samples = {
        f"no samples, {form}": (by_soundfile(form, subtype, num_frames=0), "has no samples")
        for form, subtype in (
            ("WAV", "PCM_16"),
            ("WAVEX", "FLOAT"),
            ("RF64", "PCM_24"),
            ("W64", "DOUBLE"),
        )
    }
    no_track = {
        f"no sound track, {form}": (by_av(form, None, picture=picture), "has no sound track")
        for form, picture in (
            ("avi", "mpeg4"),
            ("mp4", "mpeg4"),
            ("mov", "mpeg4"),
            ("matroska", "mpeg4"),
            ("webm", "vp8"),
            ("mpeg", "mpeg1video"),
            ("flv", "flv"),
            ("asf", "wmv2"),
            ("3gp", "mpeg4"),
        )
    }
    return {
        "empty": (b"", "empty file"),
        "text": (b"Not audio at all.\n" * 50, "not audio, or its header is damaged"),
        "garbage": (generator.bytes(5_000), "not audio, or its header is damaged"),
        "picture": (b"\x89PNG\r\n\x1a\n" + bytes(500), "not audio, or its header is damaged"),
        "playlist": (
            b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n/etc/passwd\n",
            "not audio, or its header is damaged",
        ),
        "wav, garbage": (header[:12] + generator.bytes(900), "corrupt: wav file without a format"),
        "wav, 40 bits": (header[:34] + b"\x28\0" + header[36:], "wav file of a width"),
        "wav, no rate": (header[:24] + bytes(4) + header[28:], "corrupt: its wav header contra"),
        "wav, 1 Hz": (
            header[:24] + b"\1\0\0\0\2\0\0\0" + header[32:],
            "its sample rate, 1 Hz, is not that of speech",
        ),
        "flac, garbage": (b"fLaC" + generator.bytes(900), "not audio|truncated or corrupt"),
        "999 Hz": (encoded(half_silent[:, 1:], rate_hz=999), "its sample rate, 999 Hz, is not"),
        **no_samples,
        **no_track,
    }, {
        "silent": (encoded(silence), "silent: all samples are equal"),
        "silent flac": (encoded(silence, "FLAC"), "silent: all samples are equal"),
        "silent first channel": (
            encoded(half_silent),
            "its first channel is silent, channel 2 of 2 is not: choose it",
        ),
        "not finite": (
            encoded(not_finite, subtype="FLOAT"),
            "corrupt: has samples that are not finite numbers",
        ),
    }


UNREADABLE, UNUSABLE = _damaged()


@pytest.mark.parametrize("name", UNREADABLE)
def test_all_refuse_a_damaged_file_for_the_same_reason(name, tmp_path):
    contents, reason = UNREADABLE[name]
    told = assert_all_agree(contents, tmp_path / "clip")
    assert any(told.startswith(one) for one in reason.split("|")), told


@pytest.mark.parametrize("name", UNUSABLE)
def test_training_and_client_refuse_what_cannot_be_speech(name, tmp_path):
    contents, reason = UNUSABLE[name]
    index, audit, training, client = outcomes(contents, tmp_path / "clip")
    assert index == training == client
    assert training.startswith(reason)
    # Silence is a finding of its own in an audit.
    all_silent = name in ("silent", "silent flac")
    assert audit == ("" if all_silent else training)
    assert heard_by_audit(tmp_path / "clip").constant == all_silent


def test_lengths_are_those_that_were_encoded():
    frames = {
        str(kind): len(decoding.decode(contents_of(kind))[0]) for kind in KINDS if kind.lossless
    }
    assert set(frames.values()) == {NUM_FRAMES}
