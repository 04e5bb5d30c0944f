"""The adaptation pipeline's shape, and a configuration that takes its network from its base."""

import json
from pathlib import Path

import base_releases
import pytest
from tfx.dsl.compiler import compiler

from modules.adaptation.plan import Plan
from pipeline import adaptation, base_release, protocols, run_adaptation
from pipeline.config import AdaptationConfig
from pipeline.manifest import Manifest
from pipeline.networks import network_spec
from schemas.errors import UserError
from schemas.labels import PAPER

MANIFEST = Manifest(
    path="m.csv", schema_path="m.schema.pbtxt", digest="d1", domains=("calls",), labels=PAPER
)


@pytest.fixture
def base(tmp_path):
    folder = base_releases.write(
        tmp_path / "r", base_releases.record(), audio={"trim_silence": True}, test_fold=3
    )
    (folder / base_releases.EXAMPLES).mkdir(parents=True)
    return base_release.read(folder)


def _config(base, **values):
    config = AdaptationConfig.model_validate(
        {"base": str(base.folder), "manifest": "m.csv", "output": "out/x", **values}
    )
    return run_adaptation.with_base(config, base)


def _nodes(base, config, protocol):
    built = adaptation.build(
        config, MANIFEST, network_spec(config, PAPER), base=base, protocol=protocol
    )
    compiled = compiler.Compiler().compile(built)
    return {n.pipeline_node.node_info.id: n.pipeline_node for n in compiled.nodes}


def _parameter(node, name):
    return node.parameters.parameters[name].field_value.string_value


def test_what_depends_on_what(base):
    config = _config(base, serving="served", learning_curve={"sizes": [3]}, seed=7)
    one_by_one = protocols.Protocol(folds="random", by_speaker=True, each_speaker=True)
    nodes = _nodes(base, config, one_by_one)
    adapts = nodes["DomainAdaptation"]
    assert {"BaseModel", "BaseExamples", "Transform"} <= set(adapts.upstream_nodes)
    assert list(nodes["Pusher"].upstream_nodes) == ["DomainAdaptation", "ParityGate"]
    assert list(nodes["ParityGate"].upstream_nodes) == ["AudioExampleGen", "DomainAdaptation"]
    assert str(Path("served/calls").absolute()) in _parameter(nodes["Pusher"], "push_destination")
    # Examples lie in the folds that all have clips, whoever is tested.
    assert _parameter(nodes["AudioExampleGen"], "protocol") == "random"
    assert _parameter(adapts, "base_split") == "fold-3"
    assert _parameter(adapts, "base_digest") == base.record_digest
    plan = Plan.from_json(json.loads(_parameter(adapts, "plan")))
    assert (plan.by_speaker, plan.own_folds, plan.sizes) == (True, True, (3,))
    assert (plan.job.seed, plan.job.domain, plan.job.trim_silence) == (7, "calls", True)
    assert plan.job.network.outputs == 6


def test_without_the_bases_clips(base):
    (base.folder / base_releases.EXAMPLES).rmdir()
    gone = base_release.read(base.folder)
    protocol = protocols.Protocol(folds="speaker_independent", by_speaker=True)
    assert "BaseExamples" not in _nodes(gone, _config(gone), protocol)


def test_the_audit_looks_at_every_fold_and_tolerates_one_without_a_class(base):
    config = _config(base)
    protocol = protocols.Protocol(folds="speaker_independent", by_speaker=True)
    nodes = _nodes(base, config, protocol)
    found = nodes["CorporaAudit"].parameters.parameters["test_fold"].field_value.int_value
    assert found == -1
    assert _parameter(nodes["AuditGate"], "tolerated") == "class-missing-in-fold"


def test_network_and_audio_are_the_bases(base):
    config = _config(base)
    assert (config.front_end, config.audio.trim_silence) == ("log_mel_cnn", True)
    # What a run stored fits its base again.
    assert _config(base, audio={"trim_silence": True}).audio == config.audio
    assert _config(base, members=1).members == 1
    for key, value in (("audio", {"trim_silence": False}), ("front_end", "waveform")):
        with pytest.raises(UserError, match=rf"{key}: the network of .* was trained with"):
            _config(base, **{key: value})
