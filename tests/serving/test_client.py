"""The client against the embedded server, and on bad files."""

import numpy as np
import pytest
import soundfile
from tiny_models import EMODB, encode, export_tiny, make_network, speech_like, video, wav

from serving.client.client import Client
from serving.client.errors import PredictionError, ServerError, UnknownModelError
from serving.embedded.server import Server

pytestmark = pytest.mark.component


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("serving")
    export_tiny(make_network(), root / "emodb" / "1", domain="emodb")
    return root


@pytest.fixture(scope="module")
def server(root):
    with Server(root, poll_s=None) as server:
        yield server


@pytest.fixture(scope="module")
def client(server):
    with Client(server.address, timeout_s=60) as client:
        yield client


@pytest.mark.parametrize(("duration_s", "rate_hz"), [(1.5, 16_000), (3.375, 8_000), (6.25, 48_000)])
def test_how_much_was_heard_is_told(client, tmp_path, duration_s, rate_hz):
    path = tmp_path / "clip.wav"
    path.write_bytes(wav(speech_like(duration_s, rate_hz), rate_hz))
    found = client.predict_file(path, model="emodb")
    assert found.duration_s == pytest.approx(duration_s, abs=1e-3)
    assert found.heard_s == pytest.approx(duration_s, abs=1e-3)


def test_a_wav_file_and_its_samples_get_the_same_answer(client, tmp_path):
    path = tmp_path / "clip.wav"
    path.write_bytes(wav(speech_like(1.2, 48_000), 48_000, "PCM_24"))
    from_file = client.predict_file(path, model="emodb")
    samples, rate_hz = soundfile.read(path, dtype="float32")
    from_samples = client.predict_waveform(samples, rate_hz=rate_hz, model="emodb")
    assert list(from_file.probabilities) == [*EMODB, "surprise"]
    assert from_file.probabilities == pytest.approx(from_samples.probabilities, abs=1e-5)
    assert from_file.emotion == max(from_file.probabilities, key=from_file.probabilities.get)
    assert from_file.probabilities["surprise"] == 0.0
    assert sum(from_file.probabilities.values()) == pytest.approx(1.0, abs=1e-5)
    assert (from_file.model, from_file.version) == ("emodb", 1)


@pytest.mark.parametrize(
    ("container", "subtype", "tolerance"),
    [
        ("FLAC", "PCM_16", 1e-3),
        ("AIFF", "PCM_24", 1e-3),
        ("WAV", "ULAW", 0.05),
        ("OGG", "VORBIS", 0.05),
        ("MP3", "MPEG_LAYER_III", 0.2),
    ],
)
def test_other_containers_are_recognised_by_content(
    client, tmp_path, container, subtype, tolerance
):
    samples = speech_like(1.2)
    (tmp_path / "reference.wav").write_bytes(wav(samples))
    (tmp_path / "misnamed.wav").write_bytes(
        encode(samples, 16_000, container=container, subtype=subtype)
    )
    reference = client.predict_file(tmp_path / "reference.wav", model="emodb")
    answer = client.predict_file(tmp_path / "misnamed.wav", model="emodb")
    assert answer.probabilities == pytest.approx(reference.probabilities, abs=tolerance)


def test_a_video_is_answered_for_its_sound(client, tmp_path):
    samples = (32_767 * speech_like(1.2)).astype(np.int16)
    (tmp_path / "reference.wav").write_bytes(wav(samples))
    (tmp_path / "clip.avi").write_bytes(video(samples[np.newaxis], 16_000))
    reference = client.predict_file(tmp_path / "reference.wav", model="emodb")
    answer = client.predict_file(tmp_path / "clip.avi", model="emodb")
    assert answer.probabilities == pytest.approx(reference.probabilities, abs=1e-5)
    (tmp_path / "mute.avi").write_bytes(video(None))
    with pytest.raises(PredictionError, match="has no sound track"):
        client.predict_file(tmp_path / "mute.avi", model="emodb")


def test_a_wav_of_unknown_length_is_read_to_its_end(client, tmp_path):
    contents = wav(speech_like(0.7))
    at = contents.index(b"data") + 4
    (tmp_path / "known.wav").write_bytes(contents)
    (tmp_path / "streamed.wav").write_bytes(contents[:at] + b"\xff" * 4 + contents[at + 4 :])
    known = client.predict_file(tmp_path / "known.wav", model="emodb")
    streamed = client.predict_file(tmp_path / "streamed.wav", model="emodb")
    assert streamed.probabilities == pytest.approx(known.probabilities, abs=1e-6)


@pytest.mark.parametrize(
    ("contents", "reason"),
    [
        (None, "no such file"),
        (b"", "empty file"),
        (b"words, not sound " * 50, "not audio"),
        (wav(np.zeros(8_000)), "silent"),
        (wav(np.full(8_000, 0.25), subtype="PCM_U8"), "silent"),
        (encode(np.zeros(8_000), 16_000, container="FLAC", subtype="PCM_16"), "silent"),
        (wav(np.zeros(0)), "no samples"),
        (wav(np.stack([np.zeros(8_000), speech_like(0.5)], axis=1)), "silent"),
        (wav(speech_like())[:-3_000], r"truncated: .* 32,000 bytes of samples, 29,000 are there$"),
        (wav(speech_like())[:30], "corrupt: wav file without a format chunk"),
        (wav(np.array([0.1, np.nan, 0.2]), subtype="FLOAT"), "not finite numbers"),
    ],
    ids=str.split(
        "missing empty text silent offset silent-flac no-samples half-silent truncated header nan"
    ),
)
def test_a_bad_file_is_named_with_its_reason(client, tmp_path, contents, reason):
    path = tmp_path / "clip.wav"
    if contents is not None:
        path.write_bytes(contents)
    with pytest.raises(PredictionError, match=reason) as caught:
        client.predict_file(path, model="emodb")
    assert caught.value.path == str(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "{{" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_folder_is_no_file(client, tmp_path):
    with pytest.raises(PredictionError, match="is a folder"):
        client.predict_file(tmp_path, model="emodb")


def test_a_recording_too_long_for_a_request_is_answered_by_windows(client, tmp_path, monkeypatch):
    monkeypatch.setattr(Client, "most_audio_bytes", 300_000)
    path = tmp_path / "clip.wav"
    samples = speech_like(11).astype(np.float32)
    path.write_bytes(wav(samples))
    found = client.predict_file(path, model="emodb")
    # From 0, 2, 4 and 6 s on, and the last 4 s.
    assert (found.windows, found.window_s, found.duration_s) == (5, 4.0, 11.0)
    alone = [
        client.predict_waveform(
            samples[start : start + 64_000], rate_hz=16_000, model="emodb"
        ).probabilities
        for start in (0, 32_000, 64_000, 96_000, 112_000)
    ]
    mean = {label: np.mean([each[label] for each in alone]) for label in alone[0]}
    assert found.probabilities == pytest.approx(mean, abs=1e-3)  # 16 bits in the file


@pytest.mark.parametrize(
    ("waveform", "reason"),
    [
        (np.zeros(100), "silent"),
        (np.zeros(0), "no samples"),
        (np.zeros((2, 100)), "one channel"),
    ],
)
def test_bad_waveforms_are_refused(client, waveform, reason):
    with pytest.raises(PredictionError, match=reason):
        client.predict_waveform(waveform, rate_hz=16_000, model="emodb")


def test_an_impossible_rate_is_the_servers_answer(client):
    with pytest.raises(PredictionError, match=r"sample rate must be .*: 10$"):
        client.predict_waveform(speech_like(), rate_hz=10, model="emodb")


def test_check_tells_the_version_that_answers(client):
    assert client.check("emodb") == 1


def test_an_unknown_model_is_named(client, tmp_path):
    path = tmp_path / "clip.wav"
    path.write_bytes(wav(speech_like()))
    with pytest.raises(UnknownModelError, match=r"emovo: the server at 127.0.0.1:\d+ has no such"):
        client.predict_file(path, model="emovo")
    with pytest.raises(UnknownModelError, match="serving root"):
        client.check("emovo")


def test_a_server_that_is_gone_is_named(root):
    with Server(root, poll_s=None, preload=False) as server:
        address = server.address
    with Client(address, timeout_s=60) as client, pytest.raises(ServerError, match=address):
        client.check("emodb")
