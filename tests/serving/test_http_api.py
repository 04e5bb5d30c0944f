"""REST as TF Serving has it, against the answers of gRPC, over real sockets."""

import base64
import json

import grpc
import numpy as np
import pytest
import requests
import tensorflow as tf
from google.protobuf import json_format
from prometheus_client import parser
from serving_requests import TIMEOUT_S, refusal, request_of
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    prediction_service_pb2_grpc,
)
from tiny_models import export_tiny, make_network, speech_like, wav

from schemas.labels import PAPER_EMOTIONS
from serving.embedded.server import Server

pytestmark = pytest.mark.component

SOUNDS = [wav(speech_like(seed=seed)) for seed in (1, 2)]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    root = tmp_path_factory.mktemp("serving")
    export_tiny(make_network(), root / "emodb" / "3")
    broken = root / "broken" / "1"
    broken.mkdir(parents=True)
    (broken / "saved_model.pb").write_bytes(b"no model")
    with Server(root, poll_s=None, rest_port=0) as server:
        yield server


@pytest.fixture(scope="module")
def answer(server):
    """What gRPC answers to both sounds."""
    with grpc.insecure_channel(server.address) as channel:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        return stub.Predict(request_of(audio=SOUNDS), timeout=TIMEOUT_S)


@pytest.fixture(scope="module")
def get(server):
    return lambda path: requests.get(f"http://127.0.0.1:{server.rest_port}{path}", timeout=60)


@pytest.fixture(scope="module")
def post(server):
    def post(path, body):
        content = body if isinstance(body, bytes) else json.dumps(body)
        address = f"http://127.0.0.1:{server.rest_port}{path}"
        return requests.post(address, data=content, timeout=TIMEOUT_S)

    return post


def _b64(sound):
    return {"b64": base64.b64encode(sound).decode()}


def test_rows_and_columns_are_answered_as_over_grpc(post, answer):
    expected = tf.make_ndarray(answer.outputs["probabilities"])
    body = {"signature_name": "serve_audio", "instances": [_b64(sound) for sound in SOUNDS]}
    rows = post("/v1/models/emodb:predict", body).json()["predictions"]
    np.testing.assert_allclose([row["probabilities"] for row in rows], expected, atol=1e-5)
    assert {row["emotion"] for row in rows} <= set(PAPER_EMOTIONS)

    body["instances"] = [{"audio": _b64(sound)} for sound in SOUNDS]
    assert post("/v1/models/emodb/versions/3:predict", body).json()["predictions"] == rows
    columns = {"signature_name": "serve_audio", "inputs": {"audio": [_b64(s) for s in SOUNDS]}}
    outputs = post("/v1/models/emodb:predict", columns).json()["outputs"]
    assert outputs["labels"] == [row["labels"] for row in rows]
    assert outputs["probabilities"] == [row["probabilities"] for row in rows]
    # Numbers read back as the float32 that gRPC sends.
    assert rows[0]["duration_s"] == 1.0


def test_examples_are_classified_over_both(server, post):
    pcm = (np.round(speech_like(seed=1) * 32767)).astype("<i2").tobytes()
    request = classification_pb2.ClassificationRequest()
    request.model_spec.name, request.model_spec.signature_name = "emodb", "classify"
    given = request.input.example_list_with_context
    given.context.features.feature["domain"].bytes_list.value.append(b"emodb")
    given.examples.add().features.feature["audio"].bytes_list.value.append(pcm)
    example = tf.train.Example()
    example.features.feature["audio"].bytes_list.value.append(pcm)
    example.features.feature["domain"].bytes_list.value.append(b"emodb")
    with grpc.insecure_channel(server.address) as channel:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        [clip] = stub.Classify(request, timeout=TIMEOUT_S).result.classifications
        same = request_of(signature="serving_default", examples=[example.SerializeToString()])
        answered = stub.Predict(same, timeout=TIMEOUT_S)
        request.model_spec.signature_name = "serve_audio"
        code, details = refusal(lambda each: stub.Classify(each, timeout=TIMEOUT_S), request)
    assert [each.label for each in clip.classes] == list(PAPER_EMOTIONS)
    expected = tf.make_ndarray(answered.outputs["probabilities"])[0]
    np.testing.assert_allclose([each.score for each in clip.classes], expected, atol=1e-6)
    assert (code, "serve_audio" in details) == ("INVALID_ARGUMENT", True)

    body = {
        "signature_name": "classify",
        "context": {"domain": "emodb"},
        "examples": [{"audio": _b64(pcm)}],
    }
    [rows] = post("/v1/models/emodb:classify", body).json()["results"]
    assert [label for label, _ in rows] == list(PAPER_EMOTIONS)
    np.testing.assert_allclose([score for _, score in rows], expected, atol=1e-6)


def test_waveforms_come_as_numbers(post, answer):
    samples = np.round(speech_like(seed=1) * 32767) / 32768
    row = {"waveform": samples.tolist(), "num_samples": len(samples), "rate_hz": 16_000}
    body = {"signature_name": "serve_waveform", "instances": [row]}
    [found] = post("/v1/models/emodb:predict", body).json()["predictions"]
    expected = tf.make_ndarray(answer.outputs["probabilities"])[0]
    np.testing.assert_allclose(found["probabilities"], expected, atol=1e-3)


def test_status_and_metadata_are_those_of_grpc(get):
    found = get("/v1/models/emodb").json()
    message = json_format.ParseDict(found, get_model_status_pb2.GetModelStatusResponse())
    [entry] = message.model_version_status
    assert (entry.version, entry.state) == (3, 30)  # AVAILABLE
    [broken] = get("/v1/models/broken/versions/1").json()["model_version_status"]
    assert (broken["state"], broken["status"]["error_code"]) == ("END", "UNKNOWN")
    metadata = get("/v1/models/emodb/metadata").json()
    assert metadata["model_spec"] == {"name": "emodb", "signature_name": "", "version": "3"}
    signatures = json_format.ParseDict(
        metadata["metadata"]["signature_def"], get_model_metadata_pb2.SignatureDefMap()
    )
    assert "serve_audio" in signatures.signature_def


@pytest.mark.parametrize(
    ("path", "body", "status", "words"),
    [
        ("/v1/models/none:predict", {"instances": [""]}, 404, "none"),
        ("/v1/models/emodb/versions/4:predict", {"instances": [""]}, 404, "4"),
        ("/v1/models/emodb/labels/canary:predict", {"instances": [""]}, 400, "canary"),
        ("/v1/models/emodb:predict", b"{", 400, "JSON"),
        ("/v1/models/emodb:predict", b"[" * 100_000, 400, "JSON"),
        ("/v1/models/emodb:predict", b"[1]", 400, "object"),
        ("/v1/models/emodb:predict", {}, 400, "instances"),
        ("/v1/models/emodb:predict", {"instances": []}, 400, "at least one"),
        ("/v1/models/emodb:predict", {"instances": [1]}, 400, "examples"),
        ("/v1/models/emodb:predict", {"instances": [{"b64": "?"}]}, 400, "base64"),
        ("/v1/models/emodb:predict", {"instances": ["no example"]}, 400, "tf.Example"),
        ("/v1/models/emodb:predict", {"signature_name": "x", "instances": [""]}, 400, "x"),
        ("/v1/models/emodb:regress", {"examples": []}, 400, "regress"),
        ("/v1/models/emodb:classify", {"examples": []}, 400, "examples"),
        ("/v2/models/emodb:predict", {}, 404, "Malformed"),
    ],
)
def test_what_cannot_be_answered_is_told(post, path, body, status, words):
    refused = post(path, body)
    assert refused.status_code == status
    assert words in refused.json()["error"]


def test_ragged_waveforms_are_refused(post):
    rows = [
        {"waveform": [0.0] * length, "num_samples": length, "rate_hz": 8_000} for length in (3, 4)
    ]
    refused = post(
        "/v1/models/emodb:predict", {"signature_name": "serve_waveform", "instances": rows}
    )
    assert refused.status_code == 400
    assert "waveform" in refused.json()["error"]


def _metrics(get):
    text = get("/monitoring/prometheus/metrics").text
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in parser.text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_prometheus_is_told_of_requests(server, get):
    of_grpc = {"model_name": "emodb", "API": "Predict", "entrypoint": "GRPC"}
    counted = (":tensorflow:serving:request_count", frozenset({**of_grpc, "status": "OK"}.items()))
    timed = (":tensorflow:serving:request_latency_count", frozenset(of_grpc.items()))
    before = _metrics(get)
    with grpc.insecure_channel(server.address) as channel:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        for _ in range(3):
            stub.Predict(request_of(audio=SOUNDS), timeout=TIMEOUT_S)
    after = _metrics(get)
    for key in (counted, timed):
        assert after[key] - before.get(key, 0) == 3


def test_names_that_clients_invent_are_counted_as_one(get, post):
    invented = {"model_name": "", "API": "Predict", "entrypoint": "REST", "status": "NOT_FOUND"}
    key = (":tensorflow:serving:request_count", frozenset(invented.items()))
    before = _metrics(get).get(key, 0)
    for name in ("invented-1", "invented-2"):
        post(f"/v1/models/{name}:predict", {"instances": [""]})
    after = _metrics(get)
    assert after[key] - before == 2
    assert not any("invented" in str(labels) for _, labels in after)


def test_prometheus_is_told_what_is_loaded_and_what_cannot_be(get):
    found = _metrics(get)
    broken = {"model_name": "broken", "version": "1"}
    assert found["ser_model_load_failures", frozenset(broken.items())] == 1
    for name, version, state in (("emodb", "3", "AVAILABLE"), ("broken", "1", "END")):
        labels = {"model_name": name, "version": version, "state": state}
        assert found["ser_model_version_state", frozenset(labels.items())] == 1


def test_a_body_that_never_comes_holds_up_nobody(server, get):
    import socket

    with socket.create_connection(("127.0.0.1", server.rest_port)) as silent:
        head = b"POST /v1/models/emodb:predict HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n"
        silent.sendall(head)
        assert get("/v1/models/emodb").status_code == 200
