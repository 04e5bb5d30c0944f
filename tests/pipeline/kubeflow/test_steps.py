"""Every node is in one task, and each task waits for what its nodes need."""

import pytest
from tfx.dsl.compiler import compiler

from pipeline import config as configs
from pipeline import release, study
from pipeline.kubeflow import steps
from pipeline.manifest import Manifest
from pipeline.networks import network_spec
from schemas.errors import UserError
from schemas.labels import PAPER

MANIFEST = Manifest(
    path="m.csv",
    schema_path="m.schema.pbtxt",
    digest="d1",
    domains=("Emo_DB", "emovo"),
    labels=PAPER,
)


def _config(tmp_path, kind, **values):
    values = {"manifest": "m.csv", "output": str(tmp_path), "front_end": "waveform", **values}
    return configs.check(values, source="test", kind=kind)


def _check(pipeline, planned):
    """Each node's step is over only after the steps of all that the node needs."""
    order = {step.name: place for place, step in enumerate(planned)}
    before: dict[str, set[str]] = {}
    for step in planned:
        assert all(name in order for name in step.after)
        before[step.name] = set(step.after).union(*(before[name] for name in step.after))
    used = set()
    for entry in compiler.Compiler().compile(pipeline).nodes:
        node = entry.pipeline_node
        own = steps.step_of(node.node_info.id)
        used.add(own)
        for name in node.upstream_nodes:
            assert steps.step_of(name) in before[own] | {own}, (name, own)
    assert used == set(order) - {steps.PREPARE, steps.REPORT}
    # Everything is over before the report.
    assert before[steps.REPORT] == set(order) - {steps.REPORT}
    return before


def test_a_release(tmp_path):
    config = _config(tmp_path, configs.ReleaseConfig, domains={"emovo": {"scenario": "S2"}})
    planned = steps.release_steps(config, MANIFEST.domains)
    pipeline = release.build(config, MANIFEST, network_spec(config, PAPER))
    before = _check(pipeline, planned)
    assert [step.name for step in planned if step.kind == "train"] == [
        "train-pretrain",
        "train-pretrain-without-emovo",
        "train-emo-db",
        "train-emovo",
    ]
    # Domains do not wait for each other.
    assert "train-emo-db" not in before["push-emovo"]
    assert "push-multi-domain" not in before["push-emovo"]


def test_a_study_divided_over_tasks(tmp_path):
    values = {"kubeflow": {"study_tasks": 3}, "tables": [3]}
    config = _config(tmp_path, configs.StudyConfig, **values)
    pipeline = study.build_divided(config, MANIFEST, network_spec(config, PAPER))
    before = _check(pipeline, steps.study_steps(3))
    assert before["study-0"] == before["study-2"]
    assert before["study"] >= {"study-0", "study-1", "study-2"}


def test_domains_whose_tasks_would_have_one_name_are_refused(tmp_path):
    config = _config(tmp_path, configs.ReleaseConfig)
    with pytest.raises(UserError, match="a_b and a-b would have one name as tasks, train-a-b"):
        steps.release_steps(config, ["a_b", "a-b"])


def test_a_domains_nodes_are_known_as_its_own():
    assert steps.domain_of("Pusher.emovo") == steps.domain_of("Trainer.pretrain-without-emovo")
    assert not any(map(steps.domain_of, ("Transform", "Trainer.pretrain", "Pusher.multi-domain")))
