"""Tasks in processes of their own know of each other by the metadata store only."""

import pytest
from ml_metadata.proto import metadata_store_pb2 as proto
from tfx import v1 as tfx
from tfx.dsl.component.experimental import annotations, decorators
from tfx.orchestration import metadata

from pipeline import config as configs
from pipeline.kubeflow import run_step, steps
from pipeline.kubeflow.record import RunRecord
from pipeline.kubeflow.steps import Step
from pipeline.manifest import Manifest
from pipeline.runners import launching
from pipeline.runners.results import NodeResult
from schemas.errors import UserError
from schemas.labels import PAPER

pytestmark = pytest.mark.component

Text = tfx.types.standard_artifacts.String


@decorators.component
def Source(text: annotations.OutputArtifact[Text], value: annotations.Parameter[str]):
    text.value = value


@decorators.component
def Copy(
    given: annotations.InputArtifact[Text],
    text: annotations.OutputArtifact[Text],
    fail: annotations.Parameter[int],
):
    if fail:
        raise UserError("the gate fell")
    text.value = given.value


def _pipeline(folder, *, fail=0):
    source = Source(value="a").with_id("Trainer.pretrain")
    bad = Copy(given=source.outputs["text"], fail=fail).with_id("Trainer.bad")
    after_bad = Copy(given=bad.outputs["text"], fail=0).with_id("Pusher.bad")
    good = Copy(given=source.outputs["text"], fail=0).with_id("Trainer.good")
    return tfx.dsl.Pipeline(
        pipeline_name="test",
        pipeline_root=str(folder / "root"),
        components=[source, bad, after_bad, good],
        enable_cache=True,
        metadata_connection_config=tfx.orchestration.metadata.sqlite_metadata_connection_config(
            str(folder / "metadata.sqlite")
        ),
    )


TRAIN = {model: Step(kind=steps.TRAIN, model=model) for model in ("pretrain", "bad", "good")}
PUSH = Step(kind=steps.PUSH, model="bad")


@pytest.fixture
def tasks(tmp_path, monkeypatch):
    """Returns a function that runs a step of a run in this process, as a task of its own would."""
    config = configs.check(
        {"manifest": "m.csv", "output": str(tmp_path), "kubeflow": {"default": {"retries": 1}}},
        source="test",
        kind=configs.ReleaseConfig,
    )
    manifest = Manifest(
        path="m.csv", schema_path="s", digest="d", domains=("bad", "good"), labels=PAPER
    )

    def run(step, *, run_id="r1", fail=0, domains=("bad", "good")):
        record = RunRecord(
            run_id=run_id,
            kind="release",
            config=config,
            manifest=manifest,
            domains=domains,
            image="",
        )
        monkeypatch.setattr(
            run_step,
            "compiled",
            lambda record: launching.compiled(_pipeline(tmp_path, fail=fail), record.run_id),
        )
        return {result.node_id: result for result in run_step.run(record, step)}

    return run


def test_a_failure_is_recorded_and_successors_see_it(tasks):
    assert tasks(TRAIN["pretrain"])["Trainer.pretrain"].status == "executed"
    failed = tasks(TRAIN["bad"], fail=1)["Trainer.bad"]
    assert (failed.status, failed.error) == ("failed", "the gate fell")
    lost = tasks(PUSH)["Pusher.bad"]
    assert (lost.status, lost.needs) == ("not reached", ("Trainer.bad",))
    assert tasks(TRAIN["good"])["Trainer.good"].status == "executed"
    # The next run takes from the cache what was done, and repeats what failed.
    again: dict[str, NodeResult] = {}
    for step in (*TRAIN.values(), PUSH):
        again |= tasks(step, run_id="r2")
    assert {name: result.status for name, result in again.items()} == {
        "Trainer.pretrain": "cached",
        "Trainer.bad": "executed",
        "Trainer.good": "cached",
        "Pusher.bad": "executed",
    }


def test_without_what_it_needs_nothing_is_run(tasks):
    # The task before it was killed for good, and left no trace.
    result = tasks(TRAIN["good"])["Trainer.good"]
    assert (result.status, result.needs) == ("not reached", ("Trainer.pretrain",))


def test_domains_that_a_run_leaves_out_have_no_nodes(tasks):
    tasks(TRAIN["pretrain"])
    assert tasks(TRAIN["bad"], domains=("good",)) == {}
    assert tasks(TRAIN["good"], domains=("good",))["Trainer.good"].status == "executed"


def test_what_was_killed_is_begun_again_and_in_the_end_given_up(tasks, tmp_path, monkeypatch):
    def killed(*_):
        raise KeyboardInterrupt

    # An interrupt leaves an execution that says it runs, as a kill does.
    with monkeypatch.context() as patch:
        patch.setattr("tfx.orchestration.portable.launcher.Launcher._run_executor", killed)
        for _ in range(2):
            with pytest.raises(KeyboardInterrupt):
                tasks(TRAIN["pretrain"])
    store = metadata.Metadata(
        tfx.orchestration.metadata.sqlite_metadata_connection_config(
            str(tmp_path / "metadata.sqlite")
        )
    )
    with store as handle:
        [execution] = handle.store.get_executions()
    assert execution.last_known_state == proto.Execution.RUNNING
    stale = tmp_path / "root" / "Trainer.pretrain" / "text" / str(execution.id)
    # Begun twice, with one retry: the third time nothing is run, and the failure is told.
    result = tasks(TRAIN["pretrain"])["Trainer.pretrain"]
    assert result.status == "failed"
    assert "killed 2 times" in result.error
    with store as handle:
        [execution] = handle.store.get_executions()
    assert execution.last_known_state == proto.Execution.FAILED
    # Asked for once more by hand, it runs, and finds nothing of the attempts before.
    stale.parent.mkdir(parents=True, exist_ok=True)
    stale.mkdir(exist_ok=True)
    (stale / "left over").touch()
    assert tasks(TRAIN["pretrain"])["Trainer.pretrain"].status == "executed"
    assert not (stale / "left over").exists()


def test_what_a_killed_task_had_done_is_not_repeated(tasks, monkeypatch):
    assert tasks(TRAIN["pretrain"])["Trainer.pretrain"].status == "executed"
    monkeypatch.setattr("tfx.orchestration.portable.launcher.Launcher.launch", None)
    assert tasks(TRAIN["pretrain"])["Trainer.pretrain"].status == "executed"
