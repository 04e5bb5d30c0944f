"""The folder that TF Serving is started from: its files, its compose files and its TLS."""

import re
import stat
from concurrent import futures

import grpc
import pytest
import yaml
from certificates import authority_and_its
from google.protobuf import text_format
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from cli.main import main
from serving.tensorflow_serving.messages import message


@pytest.fixture
def folder(root):
    assert main(["serving", "config", "--root", str(root)]) == 0
    return root.parent / "tensorflow_serving"


def parsed(path, name):
    return text_format.Parse(path.read_text(), message(name)())


class _Compose(yaml.SafeLoader):
    """YAML with Compose's own tag for values that replace those of the file before."""


_Compose.add_constructor("!override", lambda loader, node: loader.construct_sequence(node))


def service(path):
    (found,) = yaml.load(path.read_text(), _Compose)["services"].values()
    return found


def test_its_own_messages_have_tensorflow_servings_field_numbers():
    # Bytes by hand: number times eight plus wire type, length, content.
    config = message("SSLConfig")(
        server_key="k", server_cert="c", custom_ca="a", client_verify=True
    )
    assert config.SerializeToString() == b"\x0a\x01k\x12\x01c\x1a\x01a\x20\x01"
    batching = message("BatchingParameters")(pad_variable_length_inputs=True)
    batching.max_batch_size.value = 5
    assert batching.SerializeToString() == b"\x0a\x02\x08\x05\x38\x01"
    with pytest.raises(text_format.ParseError):
        text_format.Parse("max_batch_siz { value: 3 }", batching)


def test_batching_and_monitoring_say_what_they_are_for(folder):
    batching = parsed(folder / "batching.config", "BatchingParameters")
    assert batching.pad_variable_length_inputs  # waveforms of different lengths meet
    assert batching.max_batch_size.value > 1
    monitoring = parsed(folder / "monitoring.config", "MonitoringConfig")
    assert monitoring.prometheus_config.enable


def test_every_file_that_compose_names_is_there(folder, root):
    for name in ("compose.yaml", "compose.tls.yaml"):
        command = " ".join(service(folder / name)["command"])
        files = set(re.findall(r"/config/([\w.]+)", command)) - {"tls.config"}
        assert files == {"models.config", "batching.config", "monitoring.config"}
        assert all((folder / file).is_file() for file in files)
    binds = {volume["target"]: volume for volume in service(folder / "compose.yaml")["volumes"]}
    assert set(binds) == {"/models", "/config"}
    assert all(bind["read_only"] for bind in binds.values())
    (variable,) = re.findall(r"\$\{(\w+):\?", binds["/models"]["source"])
    name, value = (folder / ".env").read_text().strip().split("=")
    assert name == variable
    assert (folder / value.strip("'")).resolve() == root.resolve()


def test_with_tls_only_the_encrypted_port_is_open_to_others(folder):
    plain, tls = (service(folder / name) for name in ("compose.yaml", "compose.tls.yaml"))
    assert set(tls["command"]) - set(plain["command"]) == {"--ssl_config_file=/config/tls.config"}
    assert set(plain["command"]) <= set(tls["command"])
    assert all(port.startswith("127.0.0.1:") for port in plain["ports"])
    assert [port for port in tls["ports"] if not port.startswith("127.0.0.1:")] == ["8500:8500"]


def test_what_is_there_is_kept(folder, root):
    (folder / "batching.config").write_text("max_batch_size { value: 2 }\n")
    assert main(["serving", "config", "--root", str(root)]) == 0
    assert parsed(folder / "batching.config", "BatchingParameters").max_batch_size.value == 2


def test_a_file_that_does_not_parse_is_named(folder, root, capsys):
    (folder / "monitoring.config").write_text("prometheus_config { enabled: true }\n")
    assert main(["serving", "check", "--root", str(root)]) == 2
    error = capsys.readouterr().err
    assert "monitoring.config" in error
    assert "enabled" in error


@pytest.fixture
def pki(tmp_path):
    return authority_and_its(tmp_path, "server", "client")


def _arguments(root, pki, *, key="server.key", certificate="server.pem", ca=None):
    words = ["--tls-key", str(pki / key), "--tls-cert", str(pki / certificate)]
    if ca:
        words += ["--client-ca", str(pki / ca)]
    return ["serving", "config", "--root", str(root), *words]


def _health(port, pki, client=None):
    read = [(pki / f"{client}{end}").read_bytes() for end in (".key", ".pem")] if client else []
    credentials = grpc.ssl_channel_credentials((pki / "authority.pem").read_bytes(), *read)
    with grpc.secure_channel(f"localhost:{port}", credentials) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        return stub.Check(health_pb2.HealthCheckRequest(), timeout=10).status


def test_a_server_with_the_written_keys_lets_only_known_clients_in(root, pki):
    # A gRPC server given the fields as TF Serving gives them to its own.
    assert main(_arguments(root, pki, ca="authority.pem")) == 0
    path = root.parent / "tensorflow_serving" / "tls.config"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    config = parsed(path, "SSLConfig")
    assert config.client_verify
    credentials = grpc.ssl_server_credentials(
        [(config.server_key.encode(), config.server_cert.encode())],
        root_certificates=config.custom_ca.encode(),
        require_client_auth=config.client_verify,
    )
    server = grpc.server(futures.ThreadPoolExecutor(1))
    health_pb2_grpc.add_HealthServicer_to_server(health.HealthServicer(), server)
    port = server.add_secure_port("localhost:0", credentials)
    server.start()
    try:
        assert _health(port, pki, "client") == health_pb2.HealthCheckResponse.SERVING
        for unknown in (None, "stranger"):
            with pytest.raises(grpc.RpcError):
                _health(port, pki, unknown)
    finally:
        server.stop(None)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"key": "absent.key"}, "absent.key: no such file"),
        ({"key": "client.key"}, "no private key without a password and its certificate"),
        ({"certificate": "server.key"}, "no private key without a password and its certificate"),
        ({"ca": "server.key"}, "server.key: no PEM certificates"),
    ],
)
def test_keys_that_do_not_fit_are_refused(root, pki, capsys, changes, told):
    assert main(_arguments(root, pki, **changes)) == 2
    assert told in capsys.readouterr().err
    assert not (root.parent / "tensorflow_serving" / "tls.config").exists()
