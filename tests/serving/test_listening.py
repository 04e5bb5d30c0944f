"""Other ways in: a Unix socket, TLS, reflection; and what is kept of what came in."""

import shutil
import stat
import threading

import grpc
import pytest
import requests
import tensorflow as tf
from certificates import authority_and_its
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from serving_requests import TIMEOUT_S, emotion_of, refusal, request_of
from tensorflow_serving.apis import (
    model_management_pb2,
    model_service_pb2_grpc,
    prediction_log_pb2,
    prediction_service_pb2_grpc,
)

from schemas.errors import UserError
from serving.embedded.request_log import RequestLog
from serving.embedded.server import Server
from serving.tensorflow_serving import folder as configuration

pytestmark = pytest.mark.component


def _predict(channel, request=None):
    stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
    return stub.Predict(request or request_of(), timeout=TIMEOUT_S)


def test_a_unix_socket_is_answered_beside_the_port(root, tmp_path):
    path = tmp_path / "serving.sock"
    with Server(root, poll_s=None, socket=path) as server:
        for address in (f"unix:{path}", server.address):
            with grpc.insecure_channel(address) as channel:
                assert emotion_of(_predict(channel)) == "anger"
    with (
        pytest.raises(UserError, match="is its folder there"),
        Server(root, poll_s=None, socket=tmp_path / "none" / "serving.sock"),
    ):
        pass


@pytest.fixture(scope="module")
def pki(tmp_path_factory):
    return authority_and_its(tmp_path_factory.mktemp("pki"), "server", "client")


def _health(port, pki, client=None):
    read = [(pki / f"{client}{end}").read_bytes() for end in (".key", ".pem")] if client else []
    credentials = grpc.ssl_channel_credentials((pki / "authority.pem").read_bytes(), *read)
    with grpc.secure_channel(f"localhost:{port}", credentials) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        return stub.Check(health_pb2.HealthCheckRequest(), timeout=10).status


def test_only_clients_with_a_certificate_are_let_in(root, pki, tmp_path):
    configuration.write_tls(tmp_path, pki / "server.key", pki / "server.pem", pki / "authority.pem")
    tls = tmp_path / configuration.TLS_FILE
    with Server(root, poll_s=None, host="localhost", rest_port=0, tls=tls) as server:
        assert _health(server.port, pki, "client") == health_pb2.HealthCheckResponse.SERVING
        address = f"https://localhost:{server.rest_port}/v1/models/emodb"
        own = (str(pki / "client.pem"), str(pki / "client.key"))
        trusted = str(pki / "authority.pem")
        assert requests.get(address, verify=trusted, cert=own, timeout=60).status_code == 200
        for unknown in (None, "stranger"):
            with pytest.raises(grpc.RpcError):
                _health(server.port, pki, unknown)
        with pytest.raises(requests.exceptions.RequestException):
            requests.get(address, verify=trusted, timeout=60)
        with grpc.insecure_channel(server.address) as channel, pytest.raises(grpc.RpcError):
            _predict(channel)


def test_a_tls_configuration_whose_parts_do_not_fit_is_named(root, pki, tmp_path):
    configuration.write_tls(tmp_path, pki / "server.key", pki / "server.pem")
    path = tmp_path / configuration.TLS_FILE
    path.write_text(path.read_text().replace("PRIVATE KEY", "PRIVATE KEE"))
    with pytest.raises(UserError, match=r"tls\.config"), Server(root, poll_s=None, tls=path):
        pass


def test_services_can_be_listed_and_described(root):
    with Server(root, poll_s=None) as server, grpc.insecure_channel(server.address) as channel:
        stub = reflection_pb2_grpc.ServerReflectionStub(channel)
        asked = [
            reflection_pb2.ServerReflectionRequest(list_services=""),
            reflection_pb2.ServerReflectionRequest(
                file_containing_symbol="tensorflow.serving.PredictionService"
            ),
        ]
        listed, described = stub.ServerReflectionInfo(iter(asked), timeout=TIMEOUT_S)
        names = {service.name for service in listed.list_services_response.service}
        assert {"tensorflow.serving.PredictionService", "grpc.health.v1.Health"} <= names
        assert described.file_descriptor_response.file_descriptor_proto


def test_a_client_can_say_which_versions_are_served(root, push):
    push("sadness", "emodb", 4)
    request = model_management_pb2.ReloadConfigRequest()
    entry = request.config.model_config_list.config.add(
        name="emodb", base_path="/models/emodb", model_platform="tensorflow"
    )
    entry.model_version_policy.specific.versions.extend([3, 4])
    entry.version_labels["stable"] = 3
    with Server(root, poll_s=None) as server, grpc.insecure_channel(server.address) as channel:
        assert server.store.loaded() == {"emodb": [4]}
        stub = model_service_pb2_grpc.ModelServiceStub(channel)
        stub.HandleReloadConfigRequest(request, timeout=TIMEOUT_S)
        assert server.store.loaded() == {"emodb": [3, 4]}
        stable = request_of()
        stable.model_spec.version_label = "stable"
        assert emotion_of(_predict(channel, stable)) == "anger"
        # What the server was started with does not come back at the next look.
        server.refresh()
        assert server.store.loaded() == {"emodb": [3, 4]}
        code, _ = refusal(
            lambda each: stub.HandleReloadConfigRequest(each, timeout=TIMEOUT_S),
            model_management_pb2.ReloadConfigRequest(),
        )
        assert code == "INVALID_ARGUMENT"


def _records(folder):
    files = sorted(map(str, folder.glob("*.tfrecord.gz")))
    for record in tf.data.TFRecordDataset(files, compression_type="GZIP"):
        yield prediction_log_pb2.PredictionLog.FromString(record.numpy())


def test_requests_are_kept_with_their_answers(root, tmp_path):
    folder = tmp_path / "kept"
    log = RequestLog(folder, rate=1.0, limit_bytes=10**9)
    asked = request_of()
    with (
        Server(root, poll_s=None, log=log) as server,
        grpc.insecure_channel(server.address) as channel,
    ):
        answered = _predict(channel, asked)
    [kept] = _records(folder)
    assert kept.predict_log.request == asked
    assert kept.predict_log.response == answered
    assert kept.log_metadata.model_spec.version.value == 3
    # They hold the speech of clients.
    for path in folder.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_no_more_is_kept_than_there_is_room_for(root, tmp_path, caplog):
    folder, asked = tmp_path / "kept", request_of()
    size = asked.ByteSize()
    log = RequestLog(folder, rate=1.0, limit_bytes=3 * size)
    with (
        Server(root, poll_s=None, log=log) as server,
        grpc.insecure_channel(server.address) as channel,
    ):
        for _ in range(5):
            assert emotion_of(_predict(channel, asked)) == "anger"
    assert len(list(_records(folder))) == 2
    assert caplog.text.count("no longer kept") == 1
    # What is there counts for the next server too.
    assert not list(_records(_kept_again(folder, size)))


def _kept_again(folder, size):
    again = folder.parent / "again"
    shutil.copytree(folder, again)
    for path in again.iterdir():
        path.write_bytes(b"\0" * 3 * size)
    log = RequestLog(again, rate=1.0, limit_bytes=3 * size)
    from tensorflow_serving.apis import predict_pb2

    log.keep(request_of(), predict_pb2.PredictResponse())
    log.close()
    for path in again.iterdir():
        if path.read_bytes().startswith(b"\0"):
            path.unlink()
    return again


def test_a_folder_that_is_gone_costs_no_answer(root, tmp_path, caplog):
    folder = tmp_path / "kept"
    log = RequestLog(folder, rate=1.0, limit_bytes=10**9)
    folder.rmdir()
    with (
        Server(root, poll_s=None, log=log) as server,
        grpc.insecure_channel(server.address) as channel,
    ):
        assert emotion_of(_predict(channel)) == "anger"
    assert "cannot write" in caplog.text


def test_other_threads_are_left_when_a_server_ends(root):
    before = threading.active_count()
    with Server(root, poll_s=None, rest_port=0):
        pass
    assert threading.active_count() <= before + 1  # gRPC's own keeps running
