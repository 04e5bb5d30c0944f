"""The YAML that Kubeflow is given, as Kubeflow's own SDK reads it; and what is refused before."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import compiled_pipelines
import pytest
from google.protobuf import json_format
from kfp import components
from kfp.pipeline_spec import pipeline_spec_pb2

from cli.main import main
from corpora import manifest as manifests
from pipeline import config as configs
from pipeline.kubeflow import code, task
from schemas.labels import PAPER
from schemas.utterance import Utterance

ROOT = Path(__file__).parents[3]
EXAMPLES = ROOT / "kubeflow" / "examples"
SETTINGS = {
    "metadata.store": "mysql",
    "metadata.host": "mariadb",
    "kubeflow.image": "registry/ser-tfx@sha256:00",
    "kubeflow.volumes": "[{claim: ser, mount: /data}]",
    "kubeflow.secrets": "[{secret: db, key: word, env: SER_METADATA_PASSWORD}]",
    "kubeflow.steps": "{train: {cpu: 4, memory: 16Gi, accelerator: nvidia.com/gpu, retries: 1,"
    " env: {A: b}}}",
}


@pytest.fixture
def manifest(tmp_path):
    utterances = [
        Utterance(
            utterance_id=f"{domain}/{fold}/{emotion}",
            path=f"/data/{domain}/{fold}{emotion}.wav",
            domain=domain,
            speaker=f"{domain}{fold}",
            emotion=emotion,
            sha256="0",
            fold_random=fold,
            fold_speaker_independent=fold,
        )
        for domain in ("emodb", "emovo")
        for fold in range(5)
        for emotion in PAPER.labels
    ]
    manifests.write(manifests.Manifest.of(utterances), tmp_path / "manifest.csv")
    return tmp_path / "manifest.csv"


def _compile(manifest, out, *more, **changed):
    settings = SETTINGS | changed
    return main(
        [
            *("kubeflow", "compile", "--manifest", str(manifest), "--out", str(out)),
            *("--run-manifest", "/data/manifest.csv", "--output", "/data/out"),
            *(word for key, value in settings.items() for word in ("--set", f"{key}={value}")),
            *more,
        ]
    )


def test_a_release(manifest, tmp_path):
    out = tmp_path / "p.yaml"
    assert _compile(manifest, out) == 0
    spec, _ = compiled_pipelines.documents(out)
    # As the SDK and the API server read it.
    json_format.ParseDict(spec, pipeline_spec_pb2.PipelineSpec())
    loaded = components.load_component_from_file(str(out))
    assert json_format.MessageToDict(loaded.pipeline_spec)["root"] == spec["root"]
    assert set(spec["root"]["inputDefinitions"]["parameters"]) == {
        *("code", "config", "domains", "fine_tune_epochs", "image", "manifest"),
        *("pretrain_epochs", "root"),
    }
    secrets = {("db", "word"): "x"}
    # The platform's volume is not on this machine.
    text = out.read_text().replace("mountPath: /data", f"mountPath: {tmp_path}")
    out.write_text(text)
    found = compiled_pipelines.tasks(out, "run-1", {"domains": "emodb"}, secrets)
    train, push, first = found["train-emodb"], found["push-emodb"], found["prepare"]
    assert train.image == "registry/ser-tfx@sha256:00"
    assert train.env == {"A": "b", "SER_METADATA_PASSWORD": "x"}
    assert push.env == {"SER_METADATA_PASSWORD": "x"}
    # One attempt more than nodes get, in which their failure is recorded.
    assert (train.attempts, push.attempts, first.attempts) == (1 + 2, 1 + 3, 1)
    resources = spec["deploymentSpec"]["executors"]["exec-train-emodb"]["container"]["resources"]
    assert resources["accelerator"] == {"count": "1", "type": "nvidia.com/gpu"}
    assert (resources["cpuRequest"], resources["memoryLimit"]) == (4.0, 16 * 2**30 / 1e9)
    # No secret is in the file, and every task has the run's id.
    args = task.parser().parse_args(train.command[3:])
    assert (args.step, args.run_id, str(args.root)) == ("train-emodb", "run-1", "/data/out")
    assert args.code == code.digest()
    args = task.parser().parse_args(first.command[3:])
    assert (args.domains, args.compiled_for) == ("emodb", "emodb,emovo")
    assert (args.manifest, args.pretrain_epochs) == ("/data/manifest.csv", 0)
    stored = configs.check(
        json.loads(args.config) | {"manifest": "m"}, source="", kind=configs.ReleaseConfig
    )
    asked = configs.load("release", {"manifest": "m"})
    assert (
        stored.model_copy(update={"metadata": asked.metadata, "kubeflow": asked.kubeflow}) == asked
    )


def test_a_study(manifest, tmp_path):
    out = tmp_path / "s.yaml"
    assert _compile(manifest, out, "--study", **{"kubeflow.study_tasks": 2}) == 0
    spec, _ = compiled_pipelines.documents(out)
    order = spec["root"]["dag"]["tasks"]
    assert {"study-0", "study-1", "study", "report"} <= set(order)
    assert set(order["study"]["dependentTasks"]) == {"study-0", "study-1"}


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"metadata.store": "sqlite", "metadata.host": "null"}, "sqlite loses executions"),
        ({"metadata.host": "null"}, "metadata.host is missing"),
        ({"kubeflow.volumes": "[]"}, "output /data/out lies on no volume"),
        ({"kubeflow.volumes": "[{claim: a, mount: /data/out}]"}, "manifest /data/manifest.csv"),
        ({"serving": "models"}, "serving models lies on no volume of kubeflow.volumes (/data)"),
        ({"kubeflow.steps": "{trains: {}}"}, "kubeflow.steps"),
        ({"kubeflow.default": "{memory: 4 GB}"}, "kubeflow.default.memory"),
        ({"domains": "{ravdess: {}}"}, "the manifest has no such domain, only emodb, emovo"),
    ],
)
def test_what_cannot_run_is_refused(manifest, tmp_path, capsys, changed, told):
    assert _compile(manifest, tmp_path / "p.yaml", **changed) == 2
    assert told in capsys.readouterr().err
    assert not (tmp_path / "p.yaml").exists()


@pytest.mark.parametrize("name", ["release", "study"])
def test_the_examples_are_current(name, tmp_path):
    example = EXAMPLES / f"{name}.yaml"
    # Its configuration begins with the command that makes it.
    comment = re.findall(r"^# (.*)", (EXAMPLES / f"{name}-config.yaml").read_text(), re.MULTILINE)
    words = shlex.split(" ".join(line.removesuffix("\\") for line in comment[1:4]))
    assert words[-1] == str(example.relative_to(ROOT))
    words[-1] = str(tmp_path / "example.yaml")
    # As from the command line: what other tests do to libraries in this process changes nothing.
    program = "import sys; from cli.main import main; sys.exit(main())"
    subprocess.run([sys.executable, "-c", program, *words[1:]], cwd=ROOT, check=True)
    assert (tmp_path / "example.yaml").read_text() == example.read_text()


def test_recordings_that_tasks_would_not_see(manifest, tmp_path, capsys):
    words = manifest.read_text(encoding="utf-8").replace("/data/emodb/", "/home/me/emodb/")
    manifest.write_text(words, encoding="utf-8")
    assert _compile(manifest, tmp_path / "p.yaml") == 2
    [line] = capsys.readouterr().err.splitlines()
    assert "30 recordings, for example /home/me/emodb/0anger.wav, would be looked for on" in line
    assert not (tmp_path / "p.yaml").exists()


def test_all_in_buckets(manifest, tmp_path, monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hush-hush")
    text = manifest.read_text(encoding="utf-8").replace("/data/", "s3://speech/")
    manifest.write_text(text, encoding="utf-8")
    out = tmp_path / "p.yaml"
    words = ["kubeflow", "compile", "--manifest", str(manifest), "--out", str(out)]
    words += ["--run-manifest", "s3://speech/manifest.csv", "--output", "s3://speech/out"]
    settings = SETTINGS | {
        "kubeflow.volumes": "[]",
        "kubeflow.secrets": "[{secret: s3, key: secret, env: AWS_SECRET_ACCESS_KEY}]",
        "beam.engine": "portable",
        "beam.job_endpoint": "jobs:8099",
        "beam.image": "ser-beam",
    }
    words += [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]
    assert main(words) == 0
    spec, _ = compiled_pipelines.documents(out)
    assert "hush-hush" not in out.read_text(encoding="utf-8")
    parameters = spec["root"]["inputDefinitions"]["parameters"]
    assert parameters["root"]["defaultValue"] == "s3://speech/out"
    assert parameters["manifest"]["defaultValue"] == "s3://speech/manifest.csv"
    first = compiled_pipelines.tasks(out, "run-1", {}, {("s3", "secret"): "x"})["prepare"]
    args = task.parser().parse_args(first.command[3:])
    assert str(args.root) == "s3://speech/out"
    assert json.loads(args.config)["beam"]["engine"] == "portable"
