"""What a run did, read back from its metadata store and artifacts. The report shows this."""

import csv
import dataclasses
import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from corpora.manifest import sources
from modules.training.trainer import RECORD_FILE
from pipeline.execute import CONFIG_FILE, RUN_FILE, check_output
from pipeline.runners.local import NodeResult
from schemas.labels import EMOTIONS
from schemas.signatures import MULTI_DOMAIN
from schemas.splits import FOLD_SPLITS

# ((feature, value), …), empty for the overall slice.
SliceKey = tuple[tuple[str, str], ...]


@dataclasses.dataclass(frozen=True, kw_only=True)
class SliceResult:
    """What TFMA measured in one slice of the test fold.

    Attributes:
      clips: how many.
      uar, uar_lower, uar_upper: unweighted average recall and its 95% confidence interval.
      accuracy: the share of clips recognised.
      recalls: by emotion, of those that have clips.
      confusion: int64 `[6, 6]`, true emotions in rows.
    """

    clips: int
    uar: float
    uar_lower: float
    uar_upper: float
    accuracy: float
    recalls: dict[str, float]
    confusion: np.ndarray


@dataclasses.dataclass(frozen=True, kw_only=True)
class ModelResult:
    """What became of one model.

    Attributes:
      name: its domain, or `multi-domain`.
      training: what `modules.training.trainer` recorded; None if it was not trained.
      slices: by slice, of the candidate; empty if it was not evaluated.
      baseline_uar: by slice, of the last blessed model; empty if there was none.
      blessed: whether every threshold held; None if it was not evaluated.
      faults: the thresholds that did not hold, in words.
      pushed_to: the version's folder; None if it was not pushed.
    """

    name: str
    training: dict[str, Any] | None
    slices: dict[SliceKey, SliceResult]
    baseline_uar: dict[SliceKey, float]
    blessed: bool | None
    faults: tuple[str, ...]
    pushed_to: Path | None

    @property
    def approach(self) -> str:
        """Its name, with `auto: ` before it if it was chosen; empty if it is not known."""
        training = self.training or {}
        asked = training.get("configuration", {}).get("approach", "")
        return f"{asked}: {training['approach_name']}" if "choice" in training else asked

    @property
    def outcome(self) -> str:
        """One phrase: pushed, or why not."""
        if self.pushed_to:
            return f"pushed as version {self.pushed_to.name}"
        if self.blessed is None:
            return "not evaluated: a step before it failed"
        if not self.blessed:
            return "kept back: " + "; ".join(self.faults)
        return "blessed, but not pushed: the Pusher failed"


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunResults:
    """The last run in an output folder.

    Attributes:
      config: the resolved configuration.
      nodes: what became of each node, in order.
      pretraining: the record of each pre-training by name (`pretrain`, `pretrain-without-emodb`).
      models: the multi-domain model and one model per domain.
      found: how many recordings the manifest lists per domain and status (used, skipped,
        quarantined), from AudioExampleGen's account.
      not_used: the account's rows of recordings that were skipped or quarantined.
      sources: where the manifest comes from; empty if nothing beside it says so.
      audit: of the manifest, as `corpora.audit.Audit.to_json` tells it; None if there was none.
      anomalies: what ExampleValidator found, by feature, in words.
      accepted: DataGate's record of what it found and let pass; None if the data did not pass.
    """

    config: dict[str, Any]
    nodes: tuple[NodeResult, ...]
    pretraining: dict[str, dict[str, Any]]
    models: tuple[ModelResult, ...]
    found: dict[str, dict[str, int]]
    not_used: tuple[dict[str, str], ...]
    sources: tuple[sources.Source, ...]
    audit: dict[str, Any] | None
    anomalies: tuple[str, ...]
    accepted: dict[str, Any] | None

    @property
    def complete(self) -> bool:
        """Whether every model was pushed."""
        return bool(self.models) and all(model.pushed_to for model in self.models)


def collect(output: Path) -> RunResults:
    """Reads the last run in an output folder.

    Raises:
      UserError: there is none.
    """
    check_output(output)
    config = yaml.safe_load((output / CONFIG_FILE).read_text(encoding="utf-8"))
    run = json.loads((output / RUN_FILE).read_text(encoding="utf-8"))
    nodes = tuple(NodeResult(**node) for node in run["nodes"])
    artifacts = _artifacts(output, run["run_id"], {n.node_id for n in nodes if n.status in _DONE})
    found, not_used = _account(artifacts)
    trainings = {
        node.removeprefix("Trainer."): _training(outputs["model"])
        for node, outputs in artifacts.items()
        if node.startswith("Trainer.") and "model" in outputs
    }
    names = [
        node.node_id.removeprefix("Evaluator.")
        for node in nodes
        if node.node_id.startswith("Evaluator.")
    ]
    return RunResults(
        config=config,
        nodes=nodes,
        pretraining={name: record for name, record in trainings.items() if name not in names},
        models=tuple(_model(name, artifacts, trainings) for name in names),
        found=found,
        not_used=not_used,
        sources=_sources(run),
        audit=_audit(artifacts),
        anomalies=_anomalies(artifacts),
        accepted=_accepted(artifacts),
    )


_DONE = ("executed", "cached", "resolved")


def _artifacts(output: Path, run_id: str, node_ids: set[str]) -> dict[str, dict[str, Any]]:
    """Returns the artifacts of a run: by node id, then output key, one artifact each."""
    from tfx.orchestration import metadata

    found: dict[str, dict[str, Any]] = {}
    connection = metadata.sqlite_metadata_connection_config(str(output / "metadata.sqlite"))
    with metadata.Metadata(connection) as handle:
        store = handle.store
        run = store.get_context_by_type_and_name("pipeline_run", run_id)
        for execution in store.get_executions_by_context(run.id):
            contexts = store.get_contexts_by_execution(execution.id)
            # Named <pipeline>.<node id>.
            [node] = [context.name for context in contexts if context.type == "node"]
            node_id = node.split(".", 1)[1]
            if node_id not in node_ids:
                continue
            outputs = {}
            for event in store.get_events_by_execution_ids([execution.id]):
                if event.type == event.OUTPUT and event.path.steps:
                    [artifact] = store.get_artifacts_by_id([event.artifact_id])
                    outputs[event.path.steps[0].key] = artifact
            found[node_id] = outputs
    return found


def _training(model: Any) -> dict[str, Any]:
    return json.loads((Path(model.uri) / RECORD_FILE).read_text(encoding="utf-8"))


def _account(artifacts) -> tuple[dict[str, dict[str, int]], tuple[dict[str, str], ...]]:
    account = artifacts.get("AudioExampleGen", {}).get("account")
    if account is None:
        return {}, ()
    from components.audio_example_gen.executor import ACCOUNT_CSV

    with open(Path(account.uri) / ACCOUNT_CSV, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    counts: dict[str, dict[str, int]] = {}
    for (domain, status), count in sorted(
        Counter((r["domain"], r["status"]) for r in rows).items()
    ):
        counts.setdefault(domain, {})[status] = count
    return counts, tuple(row for row in rows if row["status"] != "used")


def _sources(run: dict[str, Any]) -> tuple[sources.Source, ...]:
    path = sources.sources_path(run["manifest"])
    return tuple(sources.read(path)) if path.exists() else ()


def _audit(artifacts) -> dict[str, Any] | None:
    audit = artifacts.get("CorporaAudit", {}).get("audit")
    if audit is None:
        return None
    from components.corpora_audit import executor

    return executor.read(audit.uri)


def _anomalies(artifacts) -> tuple[str, ...]:
    anomalies = artifacts.get("ExampleValidator", {}).get("anomalies")
    if anomalies is None:
        return ()
    from tensorflow_metadata.proto.v0 import anomalies_pb2

    from components.data_gate import findings

    by_split = {}
    for split in FOLD_SPLITS:
        file = Path(anomalies.uri) / f"Split-{split}" / "SchemaDiff.pb"
        if file.exists():
            by_split[split] = anomalies_pb2.Anomalies.FromString(file.read_bytes())
    return tuple(str(finding) for finding in findings.anomalies(by_split))


def _accepted(artifacts) -> dict[str, Any] | None:
    accepted = artifacts.get("DataGate", {}).get("accepted")
    if accepted is None:
        return None
    from components.data_gate.executor import FINDINGS_FILE

    return json.loads((Path(accepted.uri) / FINDINGS_FILE).read_text(encoding="utf-8"))


def _model(name: str, artifacts, trainings) -> ModelResult:
    evaluator = artifacts.get(f"Evaluator.{name}", {})
    pushed = artifacts.get(f"Pusher.{name}", {}).get("pushed_model")
    slices: dict[SliceKey, SliceResult] = {}
    baseline: dict[SliceKey, float] = {}
    blessed: bool | None = None
    faults: tuple[str, ...] = ()
    if "evaluation" in evaluator:
        slices, baseline = _slices(evaluator["evaluation"].uri)
        blessed = bool(evaluator["blessing"].custom_properties["blessed"].int_value)
        faults = () if blessed else _faults(evaluator["evaluation"].uri)
    pushed_to = None
    if pushed is not None and pushed.custom_properties["pushed"].int_value:
        pushed_to = Path(pushed.custom_properties["pushed_destination"].string_value)
    return ModelResult(
        name=name,
        training=trainings.get("pretrain" if name == MULTI_DOMAIN else name),
        slices=slices,
        baseline_uar=baseline,
        blessed=blessed,
        faults=faults,
        pushed_to=pushed_to,
    )


def _slice_key(key: Any) -> SliceKey:
    return tuple(
        (part.column, part.bytes_value.decode() or str(part.int64_value or part.float_value))
        for part in key.single_slice_keys
    )


def _slices(uri: str) -> tuple[dict[SliceKey, SliceResult], dict[SliceKey, float]]:
    """Returns the candidate's slices, and the baseline's UAR by slice."""
    import tensorflow_model_analysis as tfma

    values: dict[SliceKey, dict[str, float]] = {}
    baseline: dict[SliceKey, float] = {}
    for metrics in tfma.load_metrics(uri):
        key = _slice_key(metrics.slice_key)
        for entry in metrics.metric_keys_and_values:
            if entry.key.is_diff:
                continue
            if entry.key.model_name == tfma.BASELINE_KEY:
                if entry.key.name == "uar":
                    baseline[key] = entry.value.double_value.value
            else:
                values.setdefault(key, {})[entry.key.name] = entry.value.double_value.value
    confusions: dict[SliceKey, np.ndarray] = {}
    for plots in tfma.load_plots(uri):
        for plot in plots.plot_keys_and_values:
            if plot.key.model_name == tfma.BASELINE_KEY:
                continue
            confusion = np.zeros((len(EMOTIONS), len(EMOTIONS)), np.int64)
            for matrix in plot.value.multi_class_confusion_matrix_at_thresholds.matrices:
                for entry in matrix.entries:
                    confusion[entry.actual_class_id, entry.predicted_class_id] = round(
                        entry.num_weighted_examples
                    )
            confusions[_slice_key(plots.slice_key)] = confusion
    return {
        key: SliceResult(
            clips=round(value["example_count"]),
            uar=value["uar"],
            uar_lower=value["uar_lower"],
            uar_upper=value["uar_upper"],
            accuracy=value["accuracy"],
            recalls={
                emotion: value[f"recall_{emotion}"]
                for emotion in EMOTIONS
                if not np.isnan(value[f"recall_{emotion}"])
            },
            confusion=confusions[key],
        )
        for key, value in sorted(values.items())
    }, baseline


def _faults(uri: str) -> tuple[str, ...]:
    """Puts the thresholds that did not hold into words."""
    import tensorflow_model_analysis as tfma

    result = tfma.load_validation_result(uri)
    texts = []
    for validation in result.metric_validations_per_slice:
        where = " and ".join(
            f"{column} {value}" for column, value in _slice_key(validation.slice_key)
        )
        for failure in validation.failures:
            threshold = failure.metric_threshold
            value = failure.metric_value.double_value.value
            if threshold.HasField("value_threshold"):
                bound = threshold.value_threshold.lower_bound.value
                texts.append(
                    f"{failure.metric_key.name} {value:.3f} on {where or 'all clips'} "
                    f"is below its threshold {bound:.3f}"
                )
            else:
                allowed = -threshold.change_threshold.absolute.value
                texts.append(
                    f"{failure.metric_key.name} on {where or 'all clips'} changed by {value:+.3f} "
                    f"against the last blessed model, more than the {allowed:.3f} it may lose"
                )
    for missing in result.missing_slices:
        pairs = [
            f"{k} {v}" for spec in missing.slicing_specs for k, v in spec.feature_values.items()
        ]
        texts.append(
            f"the test fold has no clip of {', '.join(pairs) or 'a slice with a threshold'}"
        )
    return tuple(texts) or ("a threshold did not hold",)


def summary(results: RunResults) -> Any:
    """Returns a rich table: per domain, what each of its two models reached and what was pushed."""
    from rich.table import Table

    table = Table(
        title=f"UAR on test fold {results.config['test_fold']}, {results.config['protocol']} folds"
        + (" (synthetic speech)" if results.config["synthetic"] else "")
    )
    for column in ("domain", "clips", "multi-domain", "adapted", "95% interval", "approach"):
        table.add_column(column, no_wrap=True)
    table.add_column("adapted model", overflow="fold")
    by_name = {model.name: model for model in results.models}
    multi = by_name.get(MULTI_DOMAIN)
    adapted_uars, multi_uars = [], []
    for name, model in by_name.items():
        if name == MULTI_DOMAIN:
            continue
        key = (("domain", name),)
        own, common = model.slices.get(key), multi.slices.get(key) if multi else None
        settings = (model.training or {}).get("configuration", {})
        table.add_row(
            name,
            str(own.clips) if own else "",
            f"{common.uar:.3f}" if common else "",
            f"{own.uar:.3f}" if own else "",
            f"{own.uar_lower:.3f} to {own.uar_upper:.3f}" if own else "",
            f"{settings.get('scenario', '')} {model.approach}",
            model.outcome,
        )
        if own and common:
            adapted_uars.append(own.uar)
            multi_uars.append(common.uar)
    if adapted_uars:
        table.add_row(
            "average", "", f"{np.mean(multi_uars):.3f}", f"{np.mean(adapted_uars):.3f}", "", "", ""
        )
    if multi:
        table.caption = f"multi-domain model {multi.outcome}"
    return table
