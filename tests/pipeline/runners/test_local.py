"""One node's failure must not stop the nodes that do not need it; results are what happened."""

import dataclasses
import json
import logging

import pytest
from tfx import v1 as tfx
from tfx.dsl.component.experimental import annotations, decorators

from components.corpora_audit.artifact import AuditReport
from components.corpora_audit.component import AuditGate
from pipeline.runners import local
from pipeline.runners.results import NodeResult
from schemas.places import place

Text = tfx.types.standard_artifacts.String


@decorators.component
def Source(text: annotations.OutputArtifact[Text], value: annotations.Parameter[str]):
    text.value = value
    logging.getLogger("somewhere").info("source ran")


@decorators.component
def Copy(
    given: annotations.InputArtifact[Text],
    text: annotations.OutputArtifact[Text],
    fail: annotations.Parameter[int],
):
    if fail:
        raise RuntimeError("the gate fell")
    text.value = given.value


def _pipeline(tmp_path, *, fail=0, value="a", more=()):
    source = Source(value=value)
    bad = Copy(given=source.outputs["text"], fail=fail).with_id("Copy.bad")
    after_bad = Copy(given=bad.outputs["text"], fail=0).with_id("Copy.after_bad")
    good = Copy(given=source.outputs["text"], fail=0).with_id("Copy.good")
    return tfx.dsl.Pipeline(
        pipeline_name="test",
        pipeline_root=str(tmp_path / "root"),
        components=[source, bad, after_bad, good, *more],
        enable_cache=True,
        metadata_connection_config=tfx.orchestration.metadata.sqlite_metadata_connection_config(
            str(tmp_path / "metadata.sqlite")
        ),
    )


def _statuses(results):
    return {result.node_id: result.status for result in results}


@pytest.mark.component
def test_failure_takes_along_only_what_needs_it_and_the_next_run_repairs_it(tmp_path):
    seen = []
    _, results = local.run(_pipeline(tmp_path, fail=1), on_node=lambda name, *_: seen.append(name))
    assert _statuses(results) == {
        "Source": "executed",
        "Copy.bad": "failed",
        "Copy.after_bad": "not reached",
        "Copy.good": "executed",
    }
    errors = {result.node_id: result.error for result in results if result.error}
    assert "the gate fell" in errors["Copy.bad"]
    needs = {result.node_id: result.needs for result in results if result.needs}
    assert needs == {"Copy.after_bad": ("Copy.bad",)}
    told = json.loads(json.dumps([dataclasses.asdict(result) for result in results]))
    assert [NodeResult.from_json(values) for values in told] == results
    assert {(result.component, result.model) for result in results} == {
        ("Source", ""),
        ("Copy", "bad"),
        ("Copy", "after_bad"),
        ("Copy", "good"),
    }
    assert "Copy.after_bad" not in seen
    assert len(seen) == 3

    repaired = _statuses(local.run(_pipeline(tmp_path))[1])
    assert repaired == {
        "Source": "cached",
        "Copy.bad": "executed",
        "Copy.after_bad": "executed",
        "Copy.good": "cached",
    }
    assert set(_statuses(local.run(_pipeline(tmp_path))[1]).values()) == {"cached"}
    _, changed = local.run(_pipeline(tmp_path, value="b"))
    assert set(_statuses(changed).values()) == {"executed"}


@pytest.mark.component
def test_inputs_that_cannot_be_resolved_are_a_failure_although_the_launcher_returns(tmp_path):
    nobody = tfx.dsl.Channel(type=Text, producer_component_id="Nobody")
    lost = Copy(given=nobody, fail=0).with_id("Copy.lost")
    after = Copy(given=lost.outputs["text"], fail=0).with_id("Copy.after_lost")
    _, results = local.run(_pipeline(tmp_path, more=(lost, after)))
    assert _statuses(results)["Copy.lost"] == "failed"
    assert _statuses(results)["Copy.after_lost"] == "not reached"
    assert _statuses(results)["Copy.good"] == "executed"


@pytest.mark.component
def test_a_gate_without_its_report_fails_and_what_waits_for_it_is_not_reached(tmp_path):
    nobody = tfx.dsl.Channel(type=AuditReport, producer_component_id="CorporaAudit")
    gate = AuditGate(audit=nobody, stop=True)
    after = Source(value="b").with_id("After")
    after.add_upstream_node(gate)
    _, results = local.run(_pipeline(tmp_path, more=(gate, after)))
    [failed] = [result for result in results if result.status == "failed"]
    assert failed.node_id == "AuditGate"
    assert "inputs" in failed.error
    assert _statuses(results)["After"] == "not reached"


def test_logs_go_to_the_file_and_the_loggers_come_back(tmp_path, capsys):
    root_handlers = logging.getLogger().handlers[:]
    with local.logs_to(tmp_path / "logs" / "run.log"):
        logging.getLogger("tfx").warning("to the file")
    assert "to the file" in (tmp_path / "logs" / "run.log").read_text()
    assert "to the file" not in "".join(capsys.readouterr())
    assert logging.getLogger().handlers == root_handlers


@decorators.component
def Empty(model: annotations.OutputArtifact[tfx.types.standard_artifacts.Model]):
    """Leaves an output folder with nothing in it."""


@pytest.mark.component
def test_an_empty_output_in_a_bucket_is_taken_from_the_cache(tmp_path, s3):
    s3.create_bucket(Bucket="ser-empty-outputs")
    pipeline = tfx.dsl.Pipeline(
        pipeline_name="test",
        pipeline_root="s3://ser-empty-outputs/root",
        components=[Empty()],
        enable_cache=True,
        metadata_connection_config=tfx.orchestration.metadata.sqlite_metadata_connection_config(
            str(tmp_path / "metadata.sqlite")
        ),
    )
    # TensorFlow knows no buckets before they are asked for, as every run's output folder is.
    assert not place("s3://ser-empty-outputs/root").exists()
    _, results = local.run(pipeline)
    assert _statuses(results) == {"Empty": "executed"}
    _, results = local.run(pipeline)
    assert _statuses(results) == {"Empty": "cached"}
