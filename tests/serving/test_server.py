"""The embedded server over real gRPC on the loopback interface."""

import threading
from concurrent import futures

import grpc
import numpy as np
import pytest
import tensorflow as tf
from grpc_health.v1 import health_pb2, health_pb2_grpc
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)
from tiny_models import speech_like, wav

from schemas.errors import UserError
from schemas.labels import EMOTIONS
from serving.embedded.errors import ServingError
from serving.embedded.servable import Servable
from serving.embedded.server import Server
from serving.embedded.store import ModelStore
from serving.embedded.versions import find_versions

TIMEOUT_S = 60

pytestmark = pytest.mark.component


@pytest.fixture
def root(push, tmp_path):
    push("anger", "emodb", 3)
    return tmp_path / "serving"


@pytest.fixture
def server(root):
    with Server(root, poll_s=None) as server:
        yield server


@pytest.fixture
def channel(server):
    with grpc.insecure_channel(server.address) as channel:
        yield channel


@pytest.fixture
def predict(channel):
    stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
    return lambda request: stub.Predict(request, timeout=TIMEOUT_S)


def request_of(model="emodb", signature="serve_audio", version=None, outputs=(), **inputs):
    request = predict_pb2.PredictRequest(output_filter=outputs)
    request.model_spec.name, request.model_spec.signature_name = model, signature
    if version is not None:
        request.model_spec.version.value = version
    for name, value in (inputs or {"audio": [wav(speech_like())]}).items():
        request.inputs[name].CopyFrom(tf.make_tensor_proto(value))
    return request


def emotion_of(response):
    return response.outputs["emotion"].string_val[0].decode()


def refusal(predict, request):
    with pytest.raises(grpc.RpcError) as caught:
        predict(request)
    return caught.value.code().name, caught.value.details()


# --- Answers --------------------------------------------------------------------------------------


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
    assert [label.decode() for label in labels[0]] == list(EMOTIONS)


def test_serving_default_is_the_default_signature(predict):
    example = tf.train.Example()
    example.features.feature["audio"].bytes_list.value.append(bytes(range(200)) * 16)
    response = predict(request_of(signature="", examples=[example.SerializeToString()] * 3))
    assert response.model_spec.signature_name == "serving_default"
    assert tf.make_ndarray(response.outputs["probabilities"]).shape == (3, 6)


def test_only_the_outputs_asked_for_come_back(predict):
    assert set(predict(request_of(outputs=["emotion"])).outputs) == {"emotion"}


def test_metadata_holds_the_signatures(channel, exports):
    request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
    request.model_spec.name = "emodb"
    stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
    response = stub.GetModelMetadata(request, timeout=TIMEOUT_S)
    signatures = get_model_metadata_pb2.SignatureDefMap()
    assert response.metadata["signature_def"].Unpack(signatures)
    inputs = {key: set(value.inputs) for key, value in signatures.signature_def.items()}
    assert inputs == {
        "serving_default": {"examples"},
        "serve_audio": {"audio"},
        "serve_waveform": {"waveform", "num_samples", "rate_hz"},
    }
    assert response.model_spec.version.value == 3
    request.metadata_field[:] = ["weights"]
    code, details = refusal(lambda r: stub.GetModelMetadata(r, timeout=TIMEOUT_S), request)
    assert (code, details) == ("INVALID_ARGUMENT", "Metadata field weights is not supported")


def test_status_and_health(channel, root):
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
            "Outputs expected to be in the set {emotion,labels,probabilities}.",
        ),
        (predict_pb2.PredictRequest(), "INVALID_ARGUMENT", "Missing ModelSpec"),
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


# --- Versions -------------------------------------------------------------------------------------


def test_a_new_version_is_picked_up(server, predict, push):
    push("sadness", "emodb", 12)  # 12 > 3 as numbers, not as text
    server.refresh()
    response = predict(request_of())
    assert (emotion_of(response), response.model_spec.version.value) == ("sadness", 12)


def test_an_older_version_can_still_be_asked_for(server, predict, push):
    push("sadness", "emodb", 12)
    server.refresh()
    assert emotion_of(predict(request_of(version=3))) == "anger"
    assert emotion_of(predict(request_of())) == "sadness"


def test_asking_for_an_old_version_first_does_not_make_it_the_latest(push, tmp_path):
    push("anger", "emodb", 1)
    push("sadness", "emodb", 2)
    store = ModelStore(tmp_path / "serving", preload=False)
    assert store.get("emodb", 1).version == 1
    assert store.get("emodb", None).version == 2


def test_the_poll_finds_new_models_by_itself(push, tmp_path, monkeypatch):
    push("anger", "emodb", 1)
    with Server(tmp_path / "serving", poll_s=0.01) as server:
        found = threading.Event()
        refresh = server.store.refresh

        def watch():
            refresh()
            if "emovo" in server.store.loaded():
                found.set()

        monkeypatch.setattr(server.store, "refresh", watch)
        push("sadness", "emovo", 1)
        assert found.wait(TIMEOUT_S)


def test_a_request_in_flight_over_a_swap_is_answered_by_its_version(
    server, predict, push, monkeypatch
):
    entered, release = threading.Event(), threading.Event()
    predict_now = Servable.predict

    def predict_slowly(self, request):
        if self.version == 3:
            entered.set()
            assert release.wait(TIMEOUT_S)
        return predict_now(self, request)

    monkeypatch.setattr(Servable, "predict", predict_slowly)
    with futures.ThreadPoolExecutor(1) as pool:
        in_flight = pool.submit(predict, request_of())
        assert entered.wait(TIMEOUT_S)
        push("sadness", "emodb", 4)
        server.refresh()
        assert server.store.loaded() == {"emodb": [4]}
        assert emotion_of(predict(request_of())) == "sadness"
        release.set()
        response = in_flight.result(TIMEOUT_S)
    assert (emotion_of(response), response.model_spec.version.value) == ("anger", 3)


def test_no_request_is_lost_while_versions_change(server, predict, push):
    swapped = threading.Event()

    def ask_until_swapped():
        answers: list[str] = []
        while not swapped.is_set() or len(answers) < 3:
            answers.append(emotion_of(predict(request_of())))
        return answers

    with futures.ThreadPoolExecutor(2) as pool:
        askers = [pool.submit(ask_until_swapped) for _ in range(2)]
        try:
            for version, emotion in ((4, "sadness"), (5, "anger")):
                push(emotion, "emodb", version)
                server.refresh()
        finally:
            swapped.set()
        answers = [answer for asker in askers for answer in asker.result(TIMEOUT_S)]
    assert set(answers) <= {"anger", "sadness"}
    assert predict(request_of()).model_spec.version.value == 5


def test_a_damaged_version_leaves_the_one_before_it_in_service(server, predict, push, channel):
    damaged = push("sadness", "emodb", 4)
    data = next((damaged / "variables").glob("*.data*"))
    contents = data.read_bytes()
    data.write_bytes(contents[: len(contents) // 2])
    server.refresh()
    assert emotion_of(predict(request_of())) == "anger"
    request = get_model_status_pb2.GetModelStatusRequest()
    request.model_spec.name = "emodb"
    statuses = (
        model_service_pb2_grpc.ModelServiceStub(channel)
        .GetModelStatus(request, timeout=TIMEOUT_S)
        .model_version_status
    )
    states = {status.version: status for status in statuses}
    assert states[3].state == states[3].AVAILABLE
    assert states[4].state == states[4].END
    assert states[4].status.error_message
    data.write_bytes(contents)  # the copy is complete now
    server.refresh()
    assert emotion_of(predict(request_of())) == "sadness"


def test_incomplete_and_other_folders_are_ignored(push, tmp_path):
    push("anger", "emodb", 1)
    root = tmp_path / "serving"
    for name in ("emodb/2/variables", "emodb/latest", ".hidden/1", "emovo/1"):
        (root / name).mkdir(parents=True)
    (root / ".hidden" / "1" / "saved_model.pb").write_bytes(b"")
    (root / "README.md").write_text("not a model")
    assert find_versions(root) == {"emodb": {1: root / "emodb" / "1"}}
    assert find_versions(root / "absent") == {}


def test_a_version_that_is_taken_away_is_no_longer_served(push, tmp_path):
    push("anger", "emodb", 1)
    latest = push("sadness", "emodb", 2)
    store = ModelStore(tmp_path / "serving")
    store.refresh()
    assert store.loaded() == {"emodb": [2]}
    latest.rename(tmp_path / "withdrawn")
    store.refresh()
    assert store.loaded() == {"emodb": [1]}
    (tmp_path / "serving" / "emodb").rename(tmp_path / "all-of-it")
    store.refresh()
    with pytest.raises(ServingError, match="Latest"):
        store.get("emodb", None)


def test_health_waits_for_the_first_model(push, tmp_path):
    server = Server(tmp_path / "serving", poll_s=None)
    with server, grpc.insecure_channel(server.address) as channel:
        health = health_pb2_grpc.HealthStub(channel)
        request = health_pb2.HealthCheckRequest(service="")
        answer = health.Check(request, timeout=TIMEOUT_S)
        assert answer.status == answer.NOT_SERVING
        push("anger", "emodb", 1)
        server.refresh()
        assert health.Check(request, timeout=TIMEOUT_S).status == answer.SERVING


def test_a_missing_folder_and_a_taken_port_are_the_users_errors(server, tmp_path):
    with pytest.raises(UserError, match="no such serving folder"):
        Server(tmp_path / "absent").start()
    with pytest.raises(UserError, match=f"{server.port}: cannot listen"):
        Server(server.root, port=server.port, poll_s=None).start()
