"""Reads the last run in an output folder from its metadata store and artifacts."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tensorflow_metadata.proto.v0 import anomalies_pb2
from tfx.orchestration import metadata

from components.adaptation_gate import artifact as adaptation_gate
from components.audio_example_gen.account import ACCOUNT_CSV, USED
from components.corpora_audit import artifact as audits
from components.data_gate import findings
from components.data_gate.artifact import FINDINGS_FILE
from components.parity_gate import artifact as parity_gate
from components.pusher.artifact import versions
from corpora import manifest as manifests
from corpora.audit.report import Example, Finding
from corpora.manifest import sources
from modules.training.records import RECORD_FILE, TrainingRecord
from pipeline import config as configs
from pipeline import metadata_store, nodes
from pipeline.pretrainings import PRETRAIN, pretrained_name
from pipeline.reports.release import evaluation
from pipeline.reports.release.results import (
    Accepted,
    AuditResult,
    ModelResult,
    Recording,
    RunResults,
)
from pipeline.run_folder import CONFIG_FILE, RUN_FILE, check_output
from pipeline.runners.results import NodeResult
from schemas import table
from schemas.labels import LabelSet
from schemas.places import place
from schemas.signatures import MULTI_DOMAIN
from schemas.splits import FOLD_SPLITS

# One artifact by node (its component and model) and output key.
Artifacts = Mapping[tuple[str, str], Mapping[str, Any]]

_WITH_OUTPUTS = ("executed", "cached", "resolved")


def collect(output: Path) -> RunResults:
    """Returns what the last run in an output folder did.

    Raises:
      UserError: There is no run.
    """
    check_output(output)
    config = configs.load(output / CONFIG_FILE)
    run = json.loads((output / RUN_FILE).read_text(encoding="utf-8"))
    results = tuple(NodeResult.from_json(values) for values in run["nodes"])
    artifacts = artifacts_of(config, output, run["run_id"], results)
    trainings = {
        model: _training(outputs["model"])
        for (component, model), outputs in artifacts.items()
        if component == "Trainer" and "model" in outputs
    }
    label_set = _label_set(trainings.values(), run["manifest"])
    found, not_used = account(_output(artifacts, "AudioExampleGen", "account"))
    return RunResults(
        config=config,
        labels=label_set,
        nodes=results,
        models=tuple(
            _model(node.model, artifacts, trainings, config, label_set)
            for node in results
            if node.component == "Evaluator"
        ),
        found=found,
        not_used=not_used,
        sources=_sources(run["manifest"]),
        audit=_audit(_output(artifacts, "CorporaAudit", "audit")),
        anomalies=_anomalies(_output(artifacts, "ExampleValidator", "anomalies")),
        accepted=_accepted(_output(artifacts, "DataGate", "accepted")),
        accepted_embeddings=_accepted(_output(artifacts, "EmbeddingsGate", "accepted")),
    )


def not_used(config: configs.DataConfig) -> tuple[Recording, ...]:
    """Returns the recordings that the last run of any pipeline did not use, with their reasons."""
    artifacts = outputs_of(config, config.output)
    return account(_output(artifacts, "AudioExampleGen", "account"))[1]


def outputs_of(config: configs.DataConfig, output: Path) -> Artifacts:
    """Returns the output artifacts of the last run in an output folder."""
    run = json.loads((output / RUN_FILE).read_text(encoding="utf-8"))
    results = [NodeResult.from_json(values) for values in run["nodes"]]
    return artifacts_of(config, output, run["run_id"], results)


def artifacts_of(
    config: configs.DataConfig, output: Path, run_id: str, results: Iterable[NodeResult]
) -> Artifacts:
    """Returns the output artifacts of the nodes that have some."""
    wanted = {(node.component, node.model) for node in results if node.status in _WITH_OUTPUTS}
    found: dict[tuple[str, str], dict[str, Any]] = {}
    # A folder that was moved has its metadata with it.
    with metadata.Metadata(metadata_store.connection(config.metadata, output)) as handle:
        store = handle.store
        run = store.get_context_by_type_and_name("pipeline_run", run_id)
        for execution in store.get_executions_by_context(run.id):
            contexts = store.get_contexts_by_execution(execution.id)
            # TFX names the context <pipeline>.<node id>; the configuration lets no pipeline's name
            # hold a point.
            [node] = [context.name for context in contexts if context.type == "node"]
            key = nodes.parts(node.split(".", 1)[1])
            if key not in wanted:
                continue
            outputs = {}
            for event in store.get_events_by_execution_ids([execution.id]):
                if event.type == event.OUTPUT and event.path.steps:
                    [artifact] = store.get_artifacts_by_id([event.artifact_id])
                    outputs[event.path.steps[0].key] = artifact
            found[key] = outputs
    return found


def _output(artifacts: Artifacts, component: str, key: str) -> Any | None:
    return artifacts.get((component, ""), {}).get(key)


def _training(model: Any) -> TrainingRecord:
    return TrainingRecord.from_json((place(model.uri) / RECORD_FILE).read_text(encoding="utf-8"))


def _label_set(trainings: Iterable[TrainingRecord], manifest: str) -> LabelSet:
    """Returns the run's label set, from a training, else from the snapshot of the manifest."""
    for record in trainings:
        return LabelSet(record.labels)
    return manifests.read(manifest).labels


def account(
    artifact: Any | None,
) -> tuple[dict[str, dict[str, int]], tuple[Recording, ...]]:
    """Returns the number of recordings by domain and status, and those that were not used."""
    if artifact is None:
        return {}, ()
    path = place(artifact.uri) / ACCOUNT_CSV
    rows = [row.values for row in table.rows(path, required=("domain", "status"))]
    counts: dict[str, dict[str, int]] = {}
    counter = Counter((row["domain"], row["status"]) for row in rows)
    for (domain, status), count in sorted(counter.items()):
        counts.setdefault(domain, {})[status] = count
    return counts, tuple(Recording(**row) for row in rows if row["status"] != USED)


def _sources(manifest: str) -> tuple[sources.Source, ...]:
    path = sources.sources_path(manifest)
    return tuple(sources.read(path)) if path.exists() else ()


def _audit(audit: Any | None) -> AuditResult | None:
    if audit is None:
        return None
    record = audits.read(audit.uri)
    return AuditResult(
        verdict=record["verdict"],
        errors=record["errors"],
        findings=tuple(_finding(found) for found in record["findings"]),
        not_run=tuple((missing["check"], missing["reason"]) for missing in record["not_run"]),
    )


def _finding(values: Mapping[str, Any]) -> Finding:
    examples = tuple(
        Example(utterance_ids=tuple(example["utterance_ids"]), text=example["text"])
        for example in values["examples"]
    )
    return Finding(**{**values, "domains": tuple(values["domains"]), "examples": examples})


def _anomalies(anomalies: Any | None) -> tuple[str, ...]:
    if anomalies is None:
        return ()
    by_split = {}
    for split in FOLD_SPLITS:
        file = place(anomalies.uri) / f"Split-{split}" / "SchemaDiff.pb"
        if file.exists():
            by_split[split] = anomalies_pb2.Anomalies.FromString(file.read_bytes())
    return tuple(str(finding) for finding in findings.anomalies(by_split))


def _accepted(accepted: Any | None) -> Accepted | None:
    if accepted is None:
        return None
    record = json.loads((place(accepted.uri) / FINDINGS_FILE).read_text(encoding="utf-8"))

    def texts(check: str) -> tuple[str, ...]:
        return tuple(found["text"] for found in record["findings"] if found["check"] == check)

    return Accepted(
        reference=record["reference"],
        drift_accepted=record["drift_accepted"],
        drift=texts(findings.DRIFT),
        skew=texts(findings.SKEW),
    )


def _model(
    name: str,
    artifacts: Artifacts,
    trainings: Mapping[str, TrainingRecord],
    config: configs.ReleaseConfig,
    label_set: LabelSet,
) -> ModelResult:
    multi_domain = name == MULTI_DOMAIN
    evaluator = artifacts.get(("Evaluator", name), {})
    evaluated = "evaluation" in evaluator
    slices, baseline = (
        evaluation.slices(evaluator["evaluation"].uri, label_set) if evaluated else ({}, {})
    )
    blessed = (
        bool(evaluator["blessing"].custom_properties["blessed"].int_value) if evaluated else None
    )
    compared = artifacts.get(("AdaptationGate", name), {}).get(adaptation_gate.COMPARISON)
    served = artifacts.get(("ParityGate", name), {}).get(parity_gate.BLESSING)
    pushed = artifacts.get(("Pusher", name), {}).get("pushed_model")
    folder = ""
    if pushed is not None and pushed.custom_properties["pushed"].int_value:
        folder = pushed.custom_properties["pushed_destination"].string_value
    there = versions(folder.rpartition("/")[0], whole=True) if folder else []
    return ModelResult(
        name=name,
        training=trainings.get(PRETRAIN if multi_domain else name),
        pretraining=None if multi_domain else trainings.get(pretrained_name(config, name)),
        comparison=adaptation_gate.read(compared.uri) if compared is not None else None,
        slices=slices,
        baseline_uar=baseline,
        blessed=blessed,
        faults=evaluation.faults(evaluator["evaluation"].uri) if blessed is False else (),
        parity=parity_gate.read(served) if served is not None else None,
        pushed_to=place(folder) if folder else None,
        newest=max(there, default=None),
    )
