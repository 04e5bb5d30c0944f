"""The compiled release by its own commands: the numbers of `ser run`, killed, broken, cached.

Recordings, manifest, root and serving folder are on S3, metadata in MariaDB.
"""

import json
import time

import compiled_pipelines
import mariadb_server
import pytest
import s3_server

from cli.main import main
from corpora import synthetic
from corpora.indexing import index
from pipeline.config.metadata import PASSWORD_VARIABLE
from pipeline.reports.release.collect import collect
from schemas.places import place
from schemas.signatures import MULTI_DOMAIN

pytestmark = [pytest.mark.e2e, pytest.mark.kubeflow]

CORPORA = ("emodb", "emovo")
SETTINGS = {
    "pretrain.epochs": 2,
    "fine_tune.epochs": 1,
    "domains.emovo.fine_tune.epochs": 1,
    "gate.min_uar": 0.0,
}
SECRETS = {
    ("ser-metadata", "password"): mariadb_server.PASSWORD,
    ("ser-bucket", "key"): s3_server.KEY,
    ("ser-bucket", "secret"): s3_server.SECRET,
}
# The variables of the tasks that come from secrets.
ENV_SECRETS = {
    PASSWORD_VARIABLE: ("ser-metadata", "password"),
    "AWS_ACCESS_KEY_ID": ("ser-bucket", "key"),
    "AWS_SECRET_ACCESS_KEY": ("ser-bucket", "secret"),
}
BUCKET = "ser-kubeflow"


@pytest.fixture(scope="module")
def port():
    with mariadb_server.running() as port, pytest.MonkeyPatch.context() as patch:
        patch.setenv(PASSWORD_VARIABLE, mariadb_server.PASSWORD)
        yield port


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("kubeflow")
    synthetic.synthesize(folder / "corpora", seed=0, corpora=CORPORA, scale=0.1)
    indexed = index.index([(name, str(folder / "corpora" / name)) for name in CORPORA])
    indexed.write(folder / "manifest.csv")
    return folder


@pytest.fixture(scope="module")
def bucket(folder, s3):
    """The bucket, with the recordings and their manifest."""
    s3.create_bucket(Bucket=BUCKET)
    for file in (folder / "corpora").rglob("*.wav"):
        s3.upload_file(str(file), BUCKET, str(file.relative_to(folder)))
    text = (folder / "manifest.csv").read_text(encoding="utf-8")
    text = text.replace(f"{folder}/corpora", f"s3://{BUCKET}/corpora")
    s3.put_object(Bucket=BUCKET, Key="manifest.csv", Body=text.encode())
    return place(f"s3://{BUCKET}")


def _set(**more):
    return [
        word for key, value in (SETTINGS | more).items() for word in ("--set", f"{key}={value}")
    ]


@pytest.fixture(scope="module")
def pipeline(folder, bucket, port, s3_endpoint):
    file = folder / "pipeline.yaml"
    env = {
        name: value
        for name, value in s3_server.environment(s3_endpoint).items()
        if name not in ENV_SECRETS
    }
    secrets = [
        {"secret": secret, "key": key, "env": name} for name, (secret, key) in ENV_SECRETS.items()
    ]
    database = {"store": "mysql", "host": "127.0.0.1", "port": port}
    status = main(
        [
            *("kubeflow", "compile", "--config", "demo-waveform", "--out", str(file)),
            *("--manifest", str(bucket / "manifest.csv"), "--output", str(bucket / "tasks")),
            *_set(**{f"metadata.{key}": value for key, value in database.items()}),
            *("--set", f"kubeflow.default.env={json.dumps(env)}"),
            *("--set", f"kubeflow.secrets={json.dumps(secrets)}"),
        ]
    )
    assert status == 0
    return file


def _execute(pipeline, run_id, arguments=None, **options):
    planned = compiled_pipelines.tasks(pipeline, run_id, arguments or {}, SECRETS)
    start_s = time.monotonic()
    outcomes = compiled_pipelines.execute(planned, pipeline.parent / run_id, **options)
    print(f"\n{run_id} run: {time.monotonic() - start_s:.0f} s, two tasks at once")
    for name, outcome in outcomes.items():
        total_s, overhead_s = (outcome.told.get(key, 0) for key in ("total_s", "overhead_s"))
        print(f"{name:20} {total_s:6.1f} s, of it {overhead_s:6.1f} s not its nodes'")
    return outcomes


def _nodes(outcomes):
    found: dict[str, str] = {}
    for outcome in outcomes.values():
        found |= outcome.told["nodes"]
    return found


@pytest.fixture(scope="module")
def first(pipeline):
    """The first run; its pre-training is killed once while it runs."""
    outcomes = _execute(
        pipeline, "first", kill={"train-pretrain": "Going to run a new execution: "}
    )
    assert outcomes["report"].statuses == [0], outcomes["report"].log[-3000:]
    return outcomes


@pytest.fixture(scope="module")
def found(first, bucket):
    return collect(bucket / "tasks")


def test_a_killed_task_is_retried_and_the_run_completes(first):
    assert first["train-pretrain"].statuses == [-9, 0]
    others = {name: own.statuses for name, own in first.items() if name != "train-pretrain"}
    assert set(map(tuple, others.values())) == {(0,)}
    assert set(_nodes(first).values()) == {"executed", "resolved"}


def test_tasks_come_to_the_same_as_one_process(found, folder, bucket):
    start_s = time.monotonic()
    assert (
        main(
            [
                *("run", "--config", "demo-waveform", "--manifest", str(folder / "manifest.csv")),
                *("--output", str(folder / "local"), *_set()),
            ]
        )
        == 0
    )
    print(f"\nser run: {time.monotonic() - start_s:.0f} s")
    local = {model.name: model for model in collect(folder / "local").models}
    assert {model.name for model in found.models} == set(local) == {*CORPORA, MULTI_DOMAIN}
    for model in found.models:
        own = local[model.name]
        assert model.training.weight_hashes == own.training.weight_hashes
        assert {key: each.uar for key, each in model.slices.items()} == pytest.approx(
            {key: each.uar for key, each in own.slices.items()}, nan_ok=True
        )
        assert model.pushed_to.parent == bucket / "tasks" / "serving" / model.name
        assert (model.pushed_to / "saved_model.pb").is_file()
    assert (bucket / "tasks" / "report.html").is_file()


def test_a_second_run_hits_the_cache_and_a_failing_domain_leaves_the_others_pushed(
    first, found, pipeline, folder, bucket
):
    # Where a domain's models should be there is a file, so that it cannot be pushed.
    serving = folder / "serving"
    serving.mkdir()
    (serving / "emovo").write_text("not a folder")
    spec, _ = compiled_pipelines.documents(pipeline)
    compiled = spec["root"]["inputDefinitions"]["parameters"]["config"]["defaultValue"]
    config = json.dumps(json.loads(compiled) | {"serving": str(serving)})
    outcomes = _execute(pipeline, "second", {"config": config, "domains": "emodb,emovo"})
    nodes = _nodes(outcomes)
    assert nodes["Pusher.emovo"] == "failed"
    assert nodes["Pusher.emodb"] == nodes[f"Pusher.{MULTI_DOMAIN}"] == "executed"
    rest = {name: status for name, status in nodes.items() if not name.startswith("Pusher.")}
    assert set(rest.values()) == {"cached", "resolved"}
    # The task that failed ended well, so that nothing else was stopped; the last one tells.
    assert outcomes["push-emovo"].statuses == [0]
    assert outcomes["report"].statuses == [1]
    assert "Pusher.emovo failed: " in outcomes["report"].log
    assert sorted(path.name for path in serving.iterdir() if path.is_dir()) == [
        "emodb",
        MULTI_DOMAIN,
    ]
    again = {model.name: model for model in collect(bucket / "tasks").models}
    for model in found.models:
        assert again[model.name].training.weight_hashes == model.training.weight_hashes


def test_a_task_of_other_code_says_so(pipeline, folder):
    planned = compiled_pipelines.tasks(pipeline, "other", {"code": "0" * 64}, SECRETS)
    only = {"prepare": planned["prepare"]}
    outcome = compiled_pipelines.execute(only, folder / "other")["prepare"]
    assert outcome.statuses == [2]
    assert "compiled from the code 000000000000" in outcome.log
