"""What servers were asked, against what their models were trained on."""

import numpy as np
import pytest
import tensorflow as tf
from base_releases import record, write
from tensorflow_serving.apis import predict_pb2
from tiny_models import speech_like, wav

from cli.main import main
from components.embeddings_gate.shift import moments
from pipeline.request_drift import compared
from schemas import features
from serving.embedded.request_log import RequestLog


def _embed(waveform):
    return np.array([np.abs(waveform).max(), waveform.std()])


def _clip(seed):
    return ((0.3 + 0.05 * (seed % 10)) * speech_like(1.0, seed=seed)).astype(np.float32)


def _example(samples):
    example = tf.train.Example()
    pcm = np.rint(samples * 32_768).astype("<i2").tobytes()
    example.features.feature[features.AUDIO].bytes_list.value.append(pcm)
    return example.SerializeToString()


def _keep(log, model, emotions, unsure=None, **inputs):
    request, response = predict_pb2.PredictRequest(), predict_pb2.PredictResponse()
    response.model_spec.name = model
    for name, values in inputs.items():
        request.inputs[name].CopyFrom(tf.make_tensor_proto(values))
    response.outputs["emotion"].CopyFrom(tf.make_tensor_proto(emotions))
    if unsure is not None:
        response.outputs["unsure"].CopyFrom(tf.make_tensor_proto(unsure))
    log.keep(request, response)


@pytest.fixture
def log(tmp_path):
    found = RequestLog(tmp_path / "log", rate=1.0, limit_bytes=2**30)
    yield found
    found.close()


def test_recordings_of_every_signature_are_compared(tmp_path, log):
    clips = [_clip(seed) for seed in range(5)]
    _keep(log, "emodb", ["anger", "fear"], ["", "silence"], audio=[wav(clips[0]), wav(clips[1])])
    padded = np.stack([np.pad(clips[2], (0, 500)), np.pad(clips[3], (0, 500))])
    _keep(
        log,
        "emodb",
        ["anger", "anger"],
        ["", ""],
        waveform=padded,
        num_samples=np.array([16_000, 16_000], np.int32),
        rate_hz=np.array([16_000, 16_000], np.int32),
    )
    _keep(log, "emodb", ["fear"], examples=[_example(clips[4])])
    _keep(log, "emodb", ["fear"], audio=[b"no sound"])
    log.close()
    others = np.array([_embed(_clip(seed)) for seed in range(50, 90)]) + 0.2
    reference = {"emodb": moments(others), "urdu": moments(others + 9.0)}
    [found] = compared(tmp_path / "log", reference, _embed, most_clips=100)
    assert (found.model, found.clips, found.unreadable) == ("emodb", 5, 1)
    assert found.emotions == {"anger": 3, "fear": 3}
    assert found.unsure == 0.25
    own = np.array([_embed(clip) for clip in clips])
    spread = (own.var(axis=0) + others.var(axis=0)) / 2
    expected = np.sqrt(np.mean((own.mean(axis=0) - others.mean(axis=0)) ** 2 / spread))
    assert found.shift == pytest.approx(expected, rel=1e-3)


def test_the_newest_requests_count_and_a_model_of_all_domains_has_all_of_them(tmp_path, log):
    for seed in range(6):
        scale = 0.01 if seed < 3 else 1.0
        _keep(log, "multi-domain", ["anger"], audio=[wav(scale * speech_like(0.5, seed=seed))])
    log.close()
    values = np.array([_embed(speech_like(0.5, seed=seed)) for seed in range(20, 40)])
    reference = {"a": moments(values[:5]), "b": moments(values[5:])}
    [newest] = compared(tmp_path / "log", reference, _embed, most_clips=3)
    [everything] = compared(tmp_path / "log", {"c": moments(values)}, _embed, most_clips=6)
    assert (newest.clips, everything.clips) == (3, 6)
    assert newest.shift < 1 < everything.shift
    [same] = compared(tmp_path / "log", {"c": moments(values)}, _embed, most_clips=3)
    assert newest.shift == pytest.approx(same.shift)


def test_bad_input_is_named(tmp_path, capsys):
    release = write(tmp_path / "release", record())
    assert main(["serving", "drift", str(tmp_path), "--release", str(release)]) == 2
    assert "hold no trained layers" in capsys.readouterr().err
    assert main(["serving", "drift", str(tmp_path), "--release", str(tmp_path / "none")]) == 2
    assert "none" in capsys.readouterr().err
