"""Answers and refusals of the embedded server, over real gRPC on the loopback interface."""

import shutil

import grpc
import numpy as np
import pytest
import tensorflow as tf
from grpc_health.v1 import health_pb2, health_pb2_grpc
from serving_requests import TIMEOUT_S, emotion_of, refusal, request_of
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)
from tiny_models import wav

from schemas.labels import PAPER_EMOTIONS
from serving.embedded.server import Server

pytestmark = pytest.mark.component


def _labelled(label):
    request = request_of()
    request.model_spec.version_label = label
    return request


def _amplified(name, shape):
    """One value, of which the shape claims many."""
    request = request_of()
    del request.inputs[name].tensor_shape.dim[:]
    for size in shape:
        request.inputs[name].tensor_shape.dim.add(size=size)
    return request


def _hours():
    """A small wav file of 2,000 s: 8 bit at 100 Hz."""
    return wav(np.zeros(200_000 - 44), rate_hz=100, subtype="PCM_U8")


@pytest.fixture(scope="module")
def channel(exports, tmp_path_factory):
    root = tmp_path_factory.mktemp("serving")
    shutil.copytree(exports["anger"], root / "emodb" / "3")
    with Server(root, poll_s=None) as server, grpc.insecure_channel(server.address) as channel:
        yield channel


@pytest.fixture(scope="module")
def predict(channel):
    stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
    return lambda request: stub.Predict(request, timeout=TIMEOUT_S)


def test_answers_with_the_model_and_its_version(predict):
    response = predict(request_of())
    assert emotion_of(response) == "anger"
    assert (response.model_spec.name, response.model_spec.version.value) == ("emodb", 3)
    assert response.model_spec.signature_name == "serve_audio"
    probabilities = tf.make_ndarray(response.outputs["probabilities"])
    assert probabilities.shape == (1, 6)
    assert probabilities.dtype == np.float32
    assert probabilities[0, 0] == pytest.approx(1.0)
    # Clients in other languages read the typed fields, as TF Serving fills them.
    assert list(response.outputs["probabilities"].float_val) == pytest.approx(probabilities[0])
    labels = tf.make_ndarray(response.outputs["labels"])
    assert [label.decode() for label in labels[0]] == list(PAPER_EMOTIONS)


def test_serving_default_is_the_default_signature(predict):
    example = tf.train.Example()
    example.features.feature["audio"].bytes_list.value.append(bytes(range(200)) * 16)
    response = predict(request_of(signature="", examples=[example.SerializeToString()] * 3))
    assert response.model_spec.signature_name == "serving_default"
    assert tf.make_ndarray(response.outputs["probabilities"]).shape == (3, 6)


def test_only_the_outputs_asked_for_come_back(predict):
    assert set(predict(request_of(outputs=["emotion"])).outputs) == {"emotion"}


def test_metadata_holds_the_signatures(channel):
    request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
    request.model_spec.name = "emodb"
    stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
    response = stub.GetModelMetadata(request, timeout=TIMEOUT_S)
    signatures = get_model_metadata_pb2.SignatureDefMap()
    assert response.metadata["signature_def"].Unpack(signatures)
    inputs = {key: set(value.inputs) for key, value in signatures.signature_def.items()}
    assert inputs == {
        "serving_default": {"examples"},
        "classify": {"inputs"},
        "serve_audio": {"audio"},
        "serve_waveform": {"waveform", "num_samples", "rate_hz"},
    }
    assert response.model_spec.version.value == 3
    request.metadata_field[:] = ["weights"]
    code, details = refusal(lambda r: stub.GetModelMetadata(r, timeout=TIMEOUT_S), request)
    assert (code, details) == ("INVALID_ARGUMENT", "Metadata field weights is not supported")


def test_status_and_health(channel):
    stub = model_service_pb2_grpc.ModelServiceStub(channel)
    request = get_model_status_pb2.GetModelStatusRequest()
    request.model_spec.name = "emodb"
    (status,) = stub.GetModelStatus(request, timeout=TIMEOUT_S).model_version_status
    assert (status.version, status.state) == (3, status.AVAILABLE)
    request.model_spec.name = "emovo"
    code, details = refusal(lambda r: stub.GetModelStatus(r, timeout=TIMEOUT_S), request)
    assert (code, details) == ("NOT_FOUND", "Could not find any versions of model emovo")
    health = health_pb2_grpc.HealthStub(channel)
    answer = health.Check(health_pb2.HealthCheckRequest(service=""), timeout=TIMEOUT_S)
    assert answer.status == answer.SERVING


# --- Refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("request_", "code", "details"),
    [
        (request_of("emovo"), "NOT_FOUND", "Servable not found for request: Latest(emovo)"),
        (
            request_of(version=9),
            "NOT_FOUND",
            "Servable not found for request: Specific(emodb, 9)",
        ),
        (
            request_of(signature="predict"),
            "FAILED_PRECONDITION",
            'Serving signature key "predict" not found.',
        ),
        (
            request_of(signature="serve_waveform"),
            "INVALID_ARGUMENT",
            "input size does not match signature: 1!=3 len({audio}) != "
            "len({num_samples,rate_hz,waveform}). Sent extra: {audio}. "
            "Missing but required: {num_samples,rate_hz,waveform}.",
        ),
        (
            request_of(sound=[b""]),
            "INVALID_ARGUMENT",
            "input tensor alias not found in signature: sound. "
            "Inputs expected to be in the set {audio}.",
        ),
        (
            request_of(audio=[1.0]),
            "INVALID_ARGUMENT",
            "Expects input audio to be string but float32 is provided",
        ),
        (
            request_of(audio=[[b"a"]]),
            "INVALID_ARGUMENT",
            "Expects input audio to have shape (None,) but (1, 1) is provided",
        ),
        (
            request_of(outputs=["age"]),
            "INVALID_ARGUMENT",
            "output tensor alias not found in signature: age "
            "Outputs expected to be in the set {decision,duration_s,emotion,heard_s,labels,"
            "probabilities,temperature,unsure,window_s,windows}.",
        ),
        (predict_pb2.PredictRequest(), "INVALID_ARGUMENT", "Missing ModelSpec"),
        (
            _labelled("canary"),
            "INVALID_ARGUMENT",
            "Unrecognized servable version label: canary",
        ),
        (
            request_of(audio=[b""] * 257),
            "RESOURCE_EXHAUSTED",
            "257 recordings in one request, of at most 256; send fewer at a time",
        ),
        (
            _amplified("audio", [50_000_000]),
            "INVALID_ARGUMENT",
            "input audio claims 50000000 values and brings 1; send every value",
        ),
        (
            # More than 64 bits hold.
            _amplified("audio", [2**40, 2**40]),
            "INVALID_ARGUMENT",
            f"input audio claims {2**80} values and brings 1; send every value",
        ),
        (
            request_of(audio=[_hours()]),
            "RESOURCE_EXHAUSTED",
            "2,000 s of sound in one request, of at most 1,800 s; cut it into parts",
        ),
        (
            request_of(
                signature="serve_waveform",
                waveform=np.zeros((2, 1_000), np.float32),
                num_samples=np.array([5, 5], np.int32),
                rate_hz=np.ones(2, np.int32),
            ),
            "RESOURCE_EXHAUSTED",
            "2,000 s of sound in one request, of at most 1,800 s; cut it into parts",
        ),
        (
            request_of(signature="", examples=[b"\xff\xfe no example"]),
            "INVALID_ARGUMENT",
            "examples[0] is no serialized tf.Example",
        ),
    ],
    ids=lambda value: value.split(":")[0][:30] if isinstance(value, str) else "",
)
def test_refuses_as_tf_serving_does(predict, request_, code, details):
    assert refusal(predict, request_) == (code, details)


def test_the_graphs_own_message_comes_back(predict):
    code, details = refusal(predict, request_of(audio=[b"no audio"]))
    assert code == "INVALID_ARGUMENT"
    assert "not a wav file" in details


def test_a_request_with_damaged_tensors_does_no_harm(predict):
    request = request_of()
    request.inputs["audio"].tensor_shape.dim[0].size = -7
    assert refusal(predict, request) == ("INVALID_ARGUMENT", "tensor parsing error: audio")
    assert emotion_of(predict(request_of())) == "anger"


@pytest.mark.parametrize("contents", [b"\xff", b"\x0a\x7f", b"\x0a\x04\x0a\x02\xff\xfe"])
def test_bytes_that_are_no_message_are_the_clients_fault(channel, caplog, contents):
    # A wrong tag, a length beyond the end, a name that is no UTF-8.
    method = "/tensorflow.serving.PredictionService/Predict"
    with pytest.raises(grpc.RpcError) as refused:
        channel.unary_unary(method)(contents, timeout=TIMEOUT_S)
    assert refused.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert refused.value.details() == "the bytes are no request for Predict"
    assert caplog.records == []
