"""Submitting and watching, over HTTP, against a small server that answers as Kubeflow does."""

import contextlib
import http.server
import json
import threading
from pathlib import Path

import pytest

from cli.main import main
from pipeline.kubeflow import cluster

TOKEN = "let me in"
SPEC = {
    "pipelineInfo": {"name": "ser-release"},
    "root": {
        "dag": {"tasks": {}},
        "inputDefinitions": {
            "parameters": {
                "domains": {"parameterType": "STRING"},
                "pretrain_epochs": {"parameterType": "NUMBER_INTEGER"},
            }
        },
    },
    "schemaVersion": "2.1.0",
    "sdkVersion": "kfp-2.5.0",
}
RUN = {
    "run_id": "r1",
    "display_name": "release",
    "state": "FAILED",
    "run_details": {
        "task_details": [
            {"display_name": "root-driver", "state": "SUCCEEDED"},
            {
                "display_name": "train-emodb",
                "state": "FAILED",
                "start_time": "2026-01-01T00:00:00+00:00",
                "end_time": "2026-01-01T00:01:30+00:00",
                "error": {"message": "OOMKilled"},
                "child_tasks": [{"pod_name": "train-emodb-1"}],
            },
        ]
    },
}


class _Kubeflow(http.server.BaseHTTPRequestHandler):
    token = ""
    asked: list[tuple[str, str, dict]]

    def _answer(self, status, body):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _handle(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else {}
        path, _, query = self.path.partition("?")
        self.asked.append((self.command, path, body))
        if "namespace=" in query:
            self.asked.append(("namespace", query.split("namespace=")[1].split("&")[0], {}))
        if self.token and self.headers.get("Authorization") != f"Bearer {self.token}":
            return self._answer(401, {"error": "unauthorised"})
        experiment = {"experiment_id": "e1", "display_name": "ser"}
        answers = {
            ("GET", "/apis/v2beta1/healthz"): {"multi_user": False},
            ("GET", "/apis/v2beta1/experiments"): {"experiments": [experiment]},
            ("POST", "/apis/v2beta1/experiments"): experiment,
            ("POST", "/apis/v2beta1/runs"): {"run_id": "r1", "display_name": "release"},
            ("GET", "/apis/v2beta1/runs/r1"): RUN,
            ("POST", "/apis/v2beta1/recurringruns"): {"recurring_run_id": "j1"},
            ("GET", "/apis/v1alpha1/runs/r1/nodes/train-emodb-1/log"): b"one\ntwo\n",
        }
        found = answers.get((self.command, path))
        if found is None:
            return self._answer(404, {"error": "not found"})
        return self._answer(200, found)

    do_GET = do_POST = _handle

    def log_message(self, *_):
        """Says nothing."""


@contextlib.contextmanager
def _serving(token=""):
    asked: list[tuple[str, str, dict]] = []
    handler = type("Handler", (_Kubeflow,), {"token": token, "asked": asked})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture(autouse=True)
def _no_other_cluster(monkeypatch, tmp_path):
    for variable in (cluster.HOST_VARIABLE, cluster.TOKEN_VARIABLE):
        monkeypatch.delenv(variable, raising=False)
    # The SDK keeps a namespace there.
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture
def package(tmp_path):
    file = tmp_path / "release.yaml"
    file.write_text(json.dumps(SPEC))
    return str(file)


def _bodies(asked, path):
    return [body for method, found, body in asked if (method, found) == ("POST", path)]


def test_submit(package, capsys):
    with _serving() as (host, asked):
        words = ["--host", host, "--param", "pretrain_epochs=5", "--param", "domains=[emodb, a]"]
        assert main(["kubeflow", "submit", package, *words]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "run r1"
    [run] = _bodies(asked, "/apis/v2beta1/runs")
    assert run["display_name"] == "release"
    assert run["runtime_config"]["parameters"] == {"pretrain_epochs": 5, "domains": "emodb,a"}
    assert run["pipeline_spec"]["root"]["inputDefinitions"] == SPEC["root"]["inputDefinitions"]


def test_volumes_and_secrets_are_submitted_too():
    example = Path(__file__).parents[3] / "kubeflow" / "examples" / "release.yaml"
    with _serving() as (host, asked):
        assert main(["kubeflow", "submit", str(example), "--host", host]) == 0
    [run] = _bodies(asked, "/apis/v2beta1/runs")
    platform = run["pipeline_spec"]["platform_spec"]["platforms"]["kubernetes"]
    own = platform["deploymentSpec"]["executors"]["exec-train-emodb"]
    assert own["pvcMount"] == [
        {"constant": "ser-data", "mountPath": "/data"},
        {"constant": "ser-serving", "mountPath": "/serving"},
    ]
    assert own["secretAsEnv"][0]["secretName"] == "mlmd-database"


def test_a_namespace_is_named_only_where_users_have_their_own(package):
    for words, expected in (([], {""}), (["--namespace", "team"], {"team"})):
        with _serving() as (host, asked):
            assert main(["kubeflow", "submit", package, "--host", host, *words]) == 0
        assert {value for kind, value, _ in asked if kind == "namespace"} == expected


@pytest.mark.parametrize("cron", ["0 3 * * 1", "0 0 3 * * 1"])
def test_schedule(package, capsys, cron):
    with _serving() as (host, asked):
        assert main(["kubeflow", "schedule", package, "--host", host, "--cron", cron]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "recurring run j1"
    [job] = _bodies(asked, "/apis/v2beta1/recurringruns")
    assert job["trigger"] == {"cron_schedule": {"cron": "0 0 3 * * 1"}}
    assert (job["max_concurrency"], job["no_catchup"]) == (1, True)


def test_status_of_a_run_that_failed(capsys):
    with _serving() as (host, _):
        assert main(["kubeflow", "status", "r1", "--host", host]) == 1
    told = capsys.readouterr().out
    assert "FAILED" in told
    [row] = [line for line in told.splitlines() if "train-emodb" in line]
    assert [word.strip() for word in row.strip("│").split("│")] == [
        "train-emodb",
        "FAILED",
        "90",
        "OOMKilled",
    ]
    assert "driver" not in told


def test_logs(capsys):
    with _serving() as (host, _):
        assert main(["kubeflow", "logs", "r1", "train-emodb", "--host", host]) == 0
        assert capsys.readouterr().out == "one\ntwo\n"
        assert main(["kubeflow", "logs", "r1", "report", "--host", host]) == 2
    assert "has begun no step report, only train-emodb" in capsys.readouterr().err


def test_a_token_is_asked_for_and_taken(tmp_path, capsys):
    file = tmp_path / "token"
    with _serving(TOKEN) as (host, _):
        assert main(["kubeflow", "status", "r1", "--host", host]) == 2
        assert "it asks for a token (401" in capsys.readouterr().err
        words = ["kubeflow", "status", "r1", "--host", host, "--token-file", str(file)]
        file.write_text("wrong")
        assert main(words) == 2
        assert "the token was refused (401" in capsys.readouterr().err
        file.write_text(f"{TOKEN}\n")
        assert main(words) == 1


def test_no_cluster(package, capsys):
    assert main(["kubeflow", "submit", package]) == 2
    assert "no cluster: give --host" in capsys.readouterr().err
    assert main(["kubeflow", "submit", package, "--host", "http://127.0.0.1:9"]) == 2
    assert "no Kubeflow Pipelines answers at http://127.0.0.1:9" in capsys.readouterr().err


def test_another_run_does_not_exist(capsys):
    with _serving() as (host, _):
        assert main(["kubeflow", "status", "r2", "--host", host]) == 2
    assert "run r2 does not exist there (404" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("param", "told"),
    [
        ("epochs=5", "--param epochs: the pipeline takes domains and pretrain_epochs"),
        ("pretrain_epochs=many", "--param pretrain_epochs=many: must be a whole number"),
    ],
)
def test_parameters_that_the_pipeline_does_not_take(package, capsys, param, told):
    with _serving() as (host, asked):
        words = ["kubeflow", "submit", package, "--host", host, "--param", param]
        assert main(words) == 2
    assert told in capsys.readouterr().err
    assert not _bodies(asked, "/apis/v2beta1/runs")


def test_no_compiled_pipeline(tmp_path, capsys):
    file = tmp_path / "notes.yaml"
    file.write_text("a: b\n")
    with _serving() as (host, _):
        assert main(["kubeflow", "submit", str(file), "--host", host]) == 2
        assert main(["kubeflow", "submit", str(tmp_path / "none.yaml"), "--host", host]) == 2
    told = capsys.readouterr().err
    assert "notes.yaml is no compiled pipeline" in told
    assert "none.yaml does not exist" in told
