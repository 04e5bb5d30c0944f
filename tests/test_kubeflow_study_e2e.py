"""The compiled study by its own commands: its cells over tasks, the numbers of `ser study`."""

import json

import compiled_pipelines
import mariadb_server
import pytest

from cli.main import main
from corpora import synthetic
from corpora.indexing import index
from pipeline.config.metadata import PASSWORD_VARIABLE

pytestmark = [pytest.mark.e2e, pytest.mark.kubeflow]

CORPORA = ("emodb", "emovo")
SETTINGS = {
    "pretrain.epochs": 1,
    "scratch.epochs": 1,
    "fine_tune.epochs": 1,
    "synthetic": "true",
    "tables": "[3]",
    "targets": "[emodb]",
    "folds": "[0]",
    "protocols": "[random]",
    "scenarios": "[S1]",
    "approaches": "[A1, A2, A4]",
}
SET = [word for key, value in SETTINGS.items() for word in ("--set", f"{key}={value}")]


def _results(store):
    found = {}
    for file in sorted((store / "cells").glob("*.json")):
        values = json.loads(file.read_text())
        found[values["key"]] = {k: v for k, v in values.items() if k != "train_s"}
    return found


def test_tasks_share_a_study(tmp_path, monkeypatch):
    synthetic.synthesize(tmp_path / "corpora", seed=0, corpora=CORPORA, scale=0.1)
    indexed = index.index([(name, str(tmp_path / "corpora" / name)) for name in CORPORA])
    indexed.write(tmp_path / "manifest.csv")
    manifest = ["--manifest", str(tmp_path / "manifest.csv")]
    monkeypatch.setenv(PASSWORD_VARIABLE, mariadb_server.PASSWORD)
    with mariadb_server.running() as port:
        file = tmp_path / "study.yaml"
        secret = f"[{{secret: db, key: word, env: {PASSWORD_VARIABLE}}}]"
        words = ["kubeflow", "compile", "--study", *manifest, "--output", str(tmp_path / "tasks")]
        more = {
            "metadata.store": "mysql",
            "metadata.host": "127.0.0.1",
            "metadata.port": port,
            "kubeflow.volumes": f"[{{claim: ser, mount: {tmp_path}}}]",
            "kubeflow.secrets": secret,
            "kubeflow.study_tasks": 2,
        }
        words += [word for key, value in more.items() for word in ("--set", f"{key}={value}")]
        assert main([*words, *SET, "--out", str(file)]) == 0
        secrets = {("db", "word"): mariadb_server.PASSWORD}
        planned = compiled_pipelines.tasks(file, "s1", {}, secrets)
        outcomes = compiled_pipelines.execute(planned, tmp_path / "logs")
    assert outcomes["report"].statuses == [0], outcomes["report"].log[-3000:]
    for name, outcome in outcomes.items():
        print(f"{name:12} {outcome.told['total_s']:6.1f} s {outcome.told['nodes']}")
    # Each part computed some cells, and the whole found them there.
    stored = sorted(path for path in (tmp_path / "tasks").rglob("cells.json"))
    keys = [set(json.loads(path.read_text())) for path in stored]
    own, whole = sorted(keys, key=len)[:2], max(keys, key=len)
    assert len(keys) == 3
    assert all(own)
    assert own[0] | own[1] == whole
    assert not own[0] & own[1]
    assert (tmp_path / "tasks" / "tables").is_dir()
    assert main(["study", *manifest, "--output", str(tmp_path / "local"), *SET]) == 0
    local = _results(tmp_path / "local" / "store")
    assert set(local) == whole
    assert _results(tmp_path / "tasks" / "store") == local
