"""The release pipeline's shape: what depends on what, and that no step is given the test fold."""

import dataclasses
import json
from pathlib import Path

import pytest
from tfx.dsl.compiler import compiler
from tiny_encoders import random_encoder
from tiny_networks import keep

from modules.training.settings import BALANCED
from pipeline import config as configs
from pipeline import release
from pipeline.manifest import Manifest
from pipeline.networks import network_spec
from schemas.labels import LabelSet

MANIFEST = Manifest(
    path="m.csv",
    schema_path="m.schema.pbtxt",
    digest="d1",
    domains=("emodb", "emovo", "urdu"),
    labels=LabelSet.parse("paper+neutral"),
)


def _nodes(tmp_path, **values):
    config = configs.parse(
        {"manifest": "m.csv", "output": str(tmp_path / "out"), **values}, source="test"
    )
    compiled = compiler.Compiler().compile(
        release.build(config, MANIFEST, network_spec(config, MANIFEST.labels))
    )
    return {n.pipeline_node.node_info.id: n.pipeline_node for n in compiled.nodes}


def _parameter(node, name):
    return node.parameters.parameters[name].field_value.string_value


def test_one_model_a_domain_and_one_for_all(tmp_path):
    nodes = _nodes(tmp_path)
    models = {"multi-domain", "emodb", "emovo", "urdu"}
    for component in ("PreviousBlessedModel", "Evaluator", "Pusher"):
        found = {name.split(".")[1] for name in nodes if name.startswith(f"{component}.")}
        assert found == models
    assert {name for name in nodes if name.startswith("Trainer.")} == {
        "Trainer.pretrain",
        "Trainer.emodb",
        "Trainer.emovo",
        "Trainer.urdu",
    }
    # Shared where equal: one pre-training serves all targets of S1.
    for domain in MANIFEST.domains:
        assert "Trainer.pretrain" in nodes[f"Trainer.{domain}"].upstream_nodes


def test_second_scenario_pretrains_without_the_target(tmp_path):
    nodes = _nodes(tmp_path, domains={"emodb": {"scenario": "S2", "approach": "A7"}})
    own = nodes["Trainer.emodb"]
    assert "Trainer.pretrain-without-emodb" in own.upstream_nodes
    assert "Trainer.pretrain" not in own.upstream_nodes
    without = json.loads(_parameter(nodes["Trainer.pretrain-without-emodb"], "custom_config"))
    assert (without["stage"], without["without_domain"]) == ("pretrain", "emodb")
    adapted = json.loads(_parameter(own, "custom_config"))
    assert (adapted["domain"], adapted["approach"], adapted["scenario"]) == ("emodb", "A7", "S2")
    assert "Trainer.pretrain" in nodes["Trainer.urdu"].upstream_nodes


@pytest.mark.parametrize(
    ("domains", "common", "own"),
    [
        ({}, False, None),
        ({"emodb": {"approach": "auto"}}, True, None),
        # Under S2 the pre-training has not seen the domain, so that it serves as it is.
        ({"emodb": {"approach": "auto", "scenario": "S2"}}, False, False),
    ],
)
def test_a_pretraining_for_the_choice_of_approaches_where_one_is_needed(
    tmp_path, domains, common, own
):
    nodes = _nodes(tmp_path, domains=domains)
    found = [
        json.loads(_parameter(nodes[name], "custom_config"))["for_choice"]
        if name in nodes
        else None
        for name in ("Trainer.pretrain", "Trainer.pretrain-without-emodb")
    ]
    assert found == [common, own]


def test_nothing_is_decoded_before_the_audit_nor_trained_before_the_data_passed(tmp_path):
    nodes = _nodes(tmp_path)
    assert "AuditGate" in nodes["AudioExampleGen"].upstream_nodes
    assert "DataGate" in nodes["Transform"].upstream_nodes
    for name, node in nodes.items():
        if name.startswith("Trainer."):
            assert "Transform" in node.upstream_nodes


def test_audit_off(tmp_path):
    nodes = _nodes(tmp_path, validation={"audit": "off"})
    assert not {"CorporaAudit", "AuditGate"} & set(nodes)
    assert not nodes["AudioExampleGen"].upstream_nodes


@pytest.mark.parametrize("action", ["stop", "report"])
def test_gates_get_what_is_configured(tmp_path, action):
    nodes = _nodes(
        tmp_path, validation={"audit": action, "anomalies": action, "drift": {"emotion": 0.3}}
    )
    assert _parameter(nodes["AuditGate"], "stop") == json.dumps(action == "stop")
    settings = json.loads(_parameter(nodes["DataGate"], "settings"))
    assert settings["anomalies"] == action
    assert (settings["drift"]["action"], settings["drift"]["emotion"]) == ("stop", 0.3)
    # A decision is about one change of the data: it must not be among what makes the cache's key of
    # anything but the gate.
    accepting = _nodes(tmp_path, validation={"accept_drift": True})
    differing = {
        name
        for name, node in _nodes(tmp_path).items()
        if node.parameters != accepting[name].parameters
    }
    assert differing == {"DataGate"}


def test_reference_is_of_all_runs(tmp_path):
    node = _nodes(tmp_path)["LastAcceptedData"]
    producers = {
        query.name.field_value.string_value
        for spec in node.inputs.inputs.values()
        for channel in spec.channels
        for query in channel.context_queries
        if query.type.name == "node"
    }
    assert producers == {"release.DataGate", "release.ManifestStatistics"}
    # Not upstream: what was accepted earlier is looked up, and the gate itself comes later.
    assert "DataGate" not in node.upstream_nodes


@pytest.mark.parametrize("test_fold", [0, 3])
def test_test_fold_reaches_the_evaluators_only(tmp_path, test_fold):
    nodes = _nodes(tmp_path, test_fold=test_fold)
    training = [f"fold-{fold}" for fold in range(5) if fold != test_fold]
    splits = json.loads(_parameter(nodes["Transform"], "splits_config"))
    assert splits["analyze"] == training
    for name, node in nodes.items():
        if name.startswith("Trainer."):
            assert json.loads(_parameter(node, "train_args"))["splits"] == training
            assert json.loads(_parameter(node, "eval_args"))["splits"] == training
        if name.startswith("Evaluator."):
            assert json.loads(_parameter(node, "example_splits")) == [f"fold-{test_fold}"]


def test_thresholds_are_each_domains_own(tmp_path):
    nodes = _nodes(
        tmp_path,
        gate={"min_uar": 0.3, "max_drop": 0.1},
        domains={"urdu": {"gate": {"min_uar": 0.6, "max_drop": 0.02}}},
    )

    def thresholds(model):
        config = json.loads(_parameter(nodes[f"Evaluator.{model}"], "eval_config"))
        [uar] = [
            metric
            for metric in config["metrics_specs"][0]["metrics"]
            if metric["class_name"] == "UnweightedAverageRecall"
        ]
        return {
            # Less a billionth, lest an equal UAR fail by a rounding error.
            entry["slicing_specs"][0]["feature_values"]["domain"]: (
                pytest.approx(entry["threshold"]["value_threshold"]["lower_bound"] + 1e-9),
                pytest.approx(entry["threshold"]["change_threshold"]["absolute"] + 1e-9),
            )
            for entry in uar["per_slice_thresholds"]
        }

    assert thresholds("urdu") == {"urdu": (0.6, -0.02)}
    assert thresholds("emodb") == {"emodb": (0.3, -0.1)}
    assert thresholds("multi-domain") == {
        "emodb": (0.3, -0.1),
        "emovo": (0.3, -0.1),
        "urdu": (0.6, -0.02),
    }


def test_labels_and_limits_reach_what_needs_them(tmp_path):
    nodes = _nodes(tmp_path, training={"memory_gib": 1.5}, preset="paper-cnn")
    assert _parameter(nodes["ImportSchemaGen"], "schema_file") == "m.schema.pbtxt"
    for name, node in nodes.items():
        if name.startswith("Trainer."):
            given = json.loads(_parameter(node, "custom_config"))
            assert given["labels"] == list(MANIFEST.labels)
            assert (given["memory_gib"], given["network"]["preset"]) == (1.5, "paper-cnn")
            assert given["network"]["outputs"] == len(MANIFEST.labels) == 7
        if name.startswith("Evaluator."):
            config = json.loads(_parameter(node, "eval_config"))
            [uar] = [
                json.loads(metric["config"])
                for metric in config["metrics_specs"][0]["metrics"]
                if metric["class_name"] == "UnweightedAverageRecall"
            ]
            assert uar["labels"] == list(MANIFEST.labels)


def test_baseline_is_of_the_same_model(tmp_path):
    node = _nodes(tmp_path)["PreviousBlessedModel.emovo"]
    channels = [channel for spec in node.inputs.inputs.values() for channel in spec.channels]
    # Each channel asks for the artifacts of one node; over all runs, or domains would mix.
    producers = [
        query.name.field_value.string_value
        for channel in channels
        for query in channel.context_queries
        if query.type.name == "node"
    ]
    assert len(producers) == len(channels) == 3
    assert set(producers) == {"release.AdaptationGate.emovo", "release.Evaluator.emovo"}


def test_worker_processes(tmp_path):
    config = configs.parse(
        {"manifest": "m.csv", "output": str(tmp_path), "beam": {"workers": 2}}, source="test"
    )
    assert release.build(
        config, MANIFEST, network_spec(config, MANIFEST.labels)
    ).beam_pipeline_args == [
        "--direct_running_mode=multi_processing",
        "--direct_num_workers=2",
        # Any image: with flags but without one, TFX packs its own sources in every step.
        "--sdk_container_image=none",
    ]


# --- Networks over an encoder --------------------------------------------------------------------

WHISPER = {"front_end": "whisper", "encoder": {"name": "random", "blocks": 2}}


@pytest.fixture
def encoders(tmp_path, monkeypatch):
    """A store that has a small random encoder of three blocks."""
    monkeypatch.setenv("SER_ENCODERS", str(tmp_path / "encoders"))
    return keep(random_encoder(), tmp_path / "encoders")


def _producers(node, name):
    """Returns the nodes that an input comes from."""
    return {channel.producer_node_query.id for channel in node.inputs.inputs[name].channels}


def test_trainings_share_the_embeddings_of_the_held_layers(tmp_path, encoders):
    domains = {"emodb": {"approach": "A2-unfrozen"}, "urdu": {"approach": "A8"}}
    nodes = _nodes(tmp_path, **WHISPER, domains=domains)
    assert _producers(nodes["Embeddings"], "transformed_examples") == {"Transform"}
    sources = {
        name: next(iter(_producers(node, "examples")))
        for name, node in nodes.items()
        if name.startswith(("Trainer.", "AdaptationGate.", "Evaluator."))
    }
    # What an unfrozen layer makes of clips is not what the encoder makes of them.
    unfrozen = {"Trainer.emodb", "AdaptationGate.emodb"}
    for name, source in sources.items():
        kind = name.split(".")[0]
        if kind == "Evaluator":
            assert source == "AudioExampleGen"
            continue
        assert source == ("Transform" if name in unfrozen else "Embeddings"), name
        if kind == "Trainer":
            # Even those that take no embeddings wait for the gate that judges them.
            assert "EmbeddingsGate" in nodes[name].upstream_nodes
            given = json.loads(_parameter(nodes[name], "custom_config"))
            assert given["embedded"] == (name not in unfrozen)
            assert given["network"]["encoder"]["sha256"] == encoders
        else:
            given = nodes[name].parameters.parameters["embedded"].field_value
            assert given.string_value == ("false" if name in unfrozen else "true")


def test_nothing_is_embedded_where_nothing_is_held(tmp_path):
    nodes = _nodes(tmp_path)
    assert "Embeddings" not in nodes
    for name, node in nodes.items():
        if name.startswith(("Trainer.", "AdaptationGate.")):
            assert _producers(node, "examples") == {"Transform"}


def test_what_is_served_is_what_the_gate_hands_on(tmp_path):
    nodes = _nodes(tmp_path)
    for model in ("emodb", "multi-domain"):
        producer = "Trainer.pretrain" if model == "multi-domain" else f"AdaptationGate.{model}"
        for kind in ("Evaluator", "Pusher"):
            assert _producers(nodes[f"{kind}.{model}"], "model") == {producer}
    gate = nodes["AdaptationGate.emodb"]
    assert _producers(gate, "adapted") == {"Trainer.emodb"}
    assert _producers(gate, "multi_domain") == {"Trainer.pretrain"}


def test_absent_settings_are_the_front_ends(tmp_path, encoders):
    nodes = _nodes(
        tmp_path,
        **WHISPER,
        fine_tune={"epochs": 3},
        domains={"urdu": {"fine_tune": {"learning_rate": 0.1}}},
    )
    settings = {
        name: json.loads(_parameter(node, "custom_config"))["settings"]
        for name, node in nodes.items()
        if name.startswith("Trainer.")
    }
    assert settings["Trainer.pretrain"] == dataclasses.asdict(BALANCED.pretrain)
    own = dataclasses.asdict(BALANCED.fine_tune)
    assert settings["Trainer.emodb"] == own | {"epochs": 3}
    # A domain's own settings take the place of the release's.
    assert settings["Trainer.urdu"] == own | {"learning_rate": 0.1}


def test_a_release_elsewhere_keeps_no_secret_and_no_path_of_this_machine(monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hush-hush")
    monkeypatch.setenv("SER_METADATA_PASSWORD", "psst")
    config = configs.parse(
        {
            "manifest": "s3://speech/m.csv",
            "output": "s3://speech/out",
            "metadata": {"store": "mysql", "host": "mariadb"},
            "beam": {"engine": "flink", "master": "flink:8081", "image": "ser-beam"},
        },
        source="test",
    )
    manifest = dataclasses.replace(
        MANIFEST, path="s3://speech/out/m.csv", schema_path="s3://speech/out/m.pbtxt"
    )
    pipeline = release.build(config, manifest, network_spec(config, MANIFEST.labels))
    compiled = compiler.Compiler().compile(pipeline)
    # All but the connection, which holds the password where it is used, and is kept nowhere.
    nodes = "".join(str(node) for node in compiled.nodes)
    assert "hush-hush" not in str(compiled)
    assert "psst" not in nodes
    root = compiled.runtime_spec.pipeline_root.runtime_parameter.default_value.string_value
    assert root == "s3://speech/out/pipeline_root"
    pushed = _parameter(
        {n.pipeline_node.node_info.id: n.pipeline_node for n in compiled.nodes}["Pusher.emodb"],
        "push_destination",
    )
    assert "s3://speech/out/serving/emodb" in pushed
    assert "--flink_master=flink:8081" in str(compiled.deployment_config)
    assert "--beam_plugin=schemas.storage_plugin" in str(compiled.deployment_config)
    assert str(Path.cwd()) not in nodes
