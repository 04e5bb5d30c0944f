"""Versions that come and go while the embedded server answers; its start and its health."""

import shutil
import threading
from concurrent import futures

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from serving_requests import TIMEOUT_S, emotion_of, refusal, request_of
from tensorflow_serving.apis import (
    get_model_status_pb2,
    model_service_pb2_grpc,
    prediction_service_pb2_grpc,
)
from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

from schemas.errors import UserError
from serving.embedded.errors import ServingError
from serving.embedded.limits import Limits
from serving.embedded.policies import of_config, of_root
from serving.embedded.servable import Servable
from serving.embedded.server import Server
from serving.embedded.store import ModelStore
from serving.embedded.versions import find_versions
from serving.tensorflow_serving import labels, models

pytestmark = pytest.mark.component


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


def test_a_new_version_is_picked_up(server, predict, push):
    push("sadness", "emodb", 12)  # 12 > 3 as numbers, not as text
    server.refresh()
    response = predict(request_of())
    assert (emotion_of(response), response.model_spec.version.value) == ("sadness", 12)


@pytest.mark.parametrize("preload", [True, False])
def test_only_the_newest_version_is_loaded_whatever_is_asked_for(push, tmp_path, preload):
    push("anger", "emodb", 1)
    push("sadness", "emodb", 2)
    store = ModelStore(of_root(tmp_path / "serving"), preload=preload)
    store.refresh()
    with pytest.raises(ServingError, match=r"Specific\(emodb, 1\)"):
        store.get("emodb", 1)
    assert store.get("emodb", None).version == store.get("emodb", 2).version == 2
    assert store.loaded() == {"emodb": [2]}


def test_a_version_overwritten_in_place_is_loaded_again(server, predict, push, exports):
    target = server.root / "emodb" / "3"
    shutil.rmtree(target)
    shutil.copytree(exports["sadness"], target)
    server.refresh()
    assert emotion_of(predict(request_of())) == "sadness"


def test_while_the_folder_is_not_there_all_stays_in_service(server, predict, tmp_path):
    away = server.root.rename(tmp_path / "away")
    server.refresh()
    assert emotion_of(predict(request_of())) == "anger"
    away.rename(server.root)
    server.refresh()
    assert server.store.loaded() == {"emodb": [3]}


def test_a_load_holds_up_nobody(server, predict, push, monkeypatch):
    entered, release = threading.Event(), threading.Event()
    load = Servable.load

    def load_slowly(*args, **options):
        entered.set()
        assert release.wait(TIMEOUT_S)
        return load(*args, **options)

    monkeypatch.setattr(Servable, "load", load_slowly)
    push("sadness", "emodb", 4)
    with futures.ThreadPoolExecutor(1) as pool:
        loading = pool.submit(server.refresh)
        assert entered.wait(TIMEOUT_S)
        assert server.store.states("emodb") == {3: ("AVAILABLE", ""), 4: ("LOADING", "")}
        assert emotion_of(predict(request_of())) == "anger"
        assert refusal(predict, request_of("emo-db"))[0] == "NOT_FOUND"
        release.set()
        loading.result(TIMEOUT_S)
    assert emotion_of(predict(request_of())) == "sadness"


def test_silent_callers_hold_up_nobody(server, predict, channel):
    release = threading.Event()

    def never():
        release.wait(TIMEOUT_S)
        yield from ()

    silent = [grpc.insecure_channel(server.address) for _ in range(8)]
    method = "/tensorflow.serving.PredictionService/Predict"
    calls = [each.stream_unary(method).future(never(), timeout=TIMEOUT_S) for each in silent]
    try:
        assert emotion_of(predict(request_of())) == "anger"
        health = health_pb2_grpc.HealthStub(channel)
        answer = health.Check(health_pb2.HealthCheckRequest(service="emodb"), timeout=TIMEOUT_S)
        assert answer.status == answer.SERVING
    finally:
        release.set()
        for call, each in zip(calls, silent, strict=True):
            call.cancel()
            each.close()


def test_what_nobody_waits_for_any_more_is_not_begun(root, monkeypatch):
    entered, release, begun = threading.Event(), threading.Event(), []
    answer_now = Servable.outputs_of

    def answer_slowly(self, signature, inputs, **waiting):
        begun.append(inputs)
        entered.set()
        assert release.wait(TIMEOUT_S)
        return answer_now(self, signature, inputs, **waiting)

    with (
        Server(root, poll_s=None, max_workers=1) as server,
        grpc.insecure_channel(server.address) as channel,
    ):
        monkeypatch.setattr(Servable, "outputs_of", answer_slowly)
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        first = stub.Predict.future(request_of(), timeout=TIMEOUT_S)
        assert entered.wait(TIMEOUT_S)
        late = [stub.Predict.future(request_of(), timeout=0.2) for _ in range(3)]
        gone = stub.Predict.future(request_of(), timeout=TIMEOUT_S)
        gone.cancel()
        assert {call.code().name for call in late} == {"DEADLINE_EXCEEDED"}
        last = stub.Predict.future(request_of(), timeout=TIMEOUT_S)
        release.set()
        assert emotion_of(first.result()) == emotion_of(last.result()) == "anger"
    # The first, the last, and none between them.
    assert len(begun) == 2


def test_more_requests_than_may_wait_are_refused(root, monkeypatch):
    entered, release = threading.Event(), threading.Event()
    answer_now = Servable.outputs_of

    def answer_slowly(self, signature, inputs, **waiting):
        entered.set()
        assert release.wait(TIMEOUT_S)
        return answer_now(self, signature, inputs, **waiting)

    with (
        Server(root, poll_s=None, max_workers=1, limits=Limits(waiting=1)) as server,
        grpc.insecure_channel(server.address) as channel,
    ):
        monkeypatch.setattr(Servable, "outputs_of", answer_slowly)
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        first = stub.Predict.future(request_of(), timeout=TIMEOUT_S)
        assert entered.wait(TIMEOUT_S)
        code, details = refusal(lambda each: stub.Predict(each, timeout=TIMEOUT_S), request_of())
        assert code == "RESOURCE_EXHAUSTED"
        assert "try again" in details
        release.set()
        assert emotion_of(first.result()) == "anger"


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
    answer_now = Servable.outputs_of

    def answer_slowly(self, signature, inputs, **waiting):
        if self.version == 3:
            entered.set()
            assert release.wait(TIMEOUT_S)
        return answer_now(self, signature, inputs, **waiting)

    monkeypatch.setattr(Servable, "outputs_of", answer_slowly)
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
    shutil.copytree(root / "emodb" / "1", root / "emodb" / "01")
    for name in ("emodb/2/variables", "emodb/latest", ".hidden/1", "emovo/1"):
        (root / name).mkdir(parents=True)
    (root / ".hidden" / "1" / "saved_model.pb").write_bytes(b"")
    (root / "README.md").write_text("not a model")
    assert find_versions(root) == {"emodb": {1: root / "emodb" / "1"}}
    assert find_versions(root / "absent") == {}


def test_a_version_that_is_taken_away_is_no_longer_served(push, tmp_path):
    push("anger", "emodb", 1)
    latest = push("sadness", "emodb", 2)
    store = ModelStore(of_root(tmp_path / "serving"))
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


# --- models.config -------------------------------------------------------------------------------


def _configured(tmp_path, *, stable, canary=None):
    """Writes a models.config as `ser serving config` does, for a container's folder."""
    config = ModelServerConfig()
    entry = config.model_config_list.config.add(name="emodb", base_path="/models/emodb")
    labels.write(entry, labels.Labels(stable, canary))
    models.write(tmp_path / models.FILE, config)
    return tmp_path / models.FILE


def test_a_base_path_on_this_machine_is_taken_as_it_is(push, tmp_path):
    here = push("anger", "emodb", 1).parent.rename(tmp_path / "elsewhere")
    push("sadness", "elsewhere", 2)
    config = ModelServerConfig()
    config.model_config_list.config.add(name="emodb", base_path=str(here))
    models.write(tmp_path / models.FILE, config)
    store = ModelStore(of_config(tmp_path / models.FILE, tmp_path / "serving"))
    store.refresh()
    assert store.loaded() == {"emodb": [1]}


def _of_label(label):
    request = request_of()
    request.model_spec.version_label = label
    return request


def test_versions_and_labels_of_models_config(push, tmp_path):
    for version, emotion in ((1, "anger"), (2, "sadness"), (3, "anger")):
        push(emotion, "emodb", version)
    push("anger", "emovo", 1)
    config = _configured(tmp_path, stable=1, canary=2)
    with (
        Server(tmp_path / "serving", config=config, poll_s=None) as server,
        grpc.insecure_channel(server.address) as channel,
    ):
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)

        def ask(request):
            return stub.Predict(request, timeout=TIMEOUT_S)

        # Neither the third version nor the other model.
        assert server.store.loaded() == {"emodb": [1, 2]}
        assert emotion_of(ask(_of_label("stable"))) == "anger"
        assert emotion_of(ask(_of_label("canary"))) == "sadness"
        # As in TF Serving, without a label the newest of those that are loaded.
        assert ask(request_of()).model_spec.version.value == 2
        assert refusal(ask, _of_label("previous"))[0] == "INVALID_ARGUMENT"
        _configured(tmp_path, stable=3)
        server.refresh()
        assert server.store.loaded() == {"emodb": [3]}
        assert refusal(ask, _of_label("canary"))[0] == "INVALID_ARGUMENT"
        (tmp_path / models.FILE).write_text("no configuration {")
        with pytest.raises(UserError, match="ModelServerConfig"):
            server.refresh()
        assert ask(_of_label("stable")).model_spec.version.value == 3
