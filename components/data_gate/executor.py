"""The executor of DataGate."""

import json
from collections.abc import Sequence
from typing import Any

import tensorflow as tf
from absl import logging
from tensorflow_metadata.proto.v0 import anomalies_pb2
from tfx import types
from tfx.components.example_validator.executor import DEFAULT_FILE_NAME
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils

from components.data_gate import findings
from components.data_gate.findings import Finding
from components.manifest_statistics import executor as manifest_statistics
from schemas.errors import UserError

SETTINGS = "settings"
ACCEPT_DRIFT = "accept_drift"
CODE_DIGEST = "code_digest"
ANOMALIES = "anomalies"
STATISTICS = "statistics"
REFERENCE = "reference"
DECISION = "decision"
ACCEPTED = "accepted"

FINDINGS_FILE = "findings.json"

# Custom properties of the output.
MANIFEST_DIGEST = manifest_statistics.MANIFEST_DIGEST
REFERENCE_DIGEST = "reference_digest"
DELIBERATE = "deliberate"


class Executor(base_executor.BaseExecutor):
    """Lets data pass or says what is wrong with it; see `DataGate`."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Checks the data and writes what was let pass.

        Args:
          input_dict: `anomalies`, one ExampleAnomalies; `statistics`, one
            ManifestStatisticsArtifact; `reference` and `decision`, one AcceptedData or none.
          output_dict: `accepted`, one AcceptedData.
          exec_properties: the component's parameters.

        Raises:
          UserError: the data does not pass; everything that stops it is in the message.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        settings = json.loads(exec_properties[SETTINGS])
        now_artifact = artifact_utils.get_single_instance(input_dict[STATISTICS])
        now = manifest_statistics.read(now_artifact.uri)
        reference = _optional(input_dict, REFERENCE)
        decision = _optional(input_dict, DECISION)

        anomalies = findings.anomalies(
            _read_anomalies(artifact_utils.get_single_instance(input_dict[ANOMALIES]))
        )
        drift: list[Finding] = []
        if reference is not None and settings[findings.DRIFT]["action"] != "off":
            before = manifest_statistics.read(reference.uri)
            drift = findings.drift(now, before, settings[findings.DRIFT])
        skew: list[Finding] = []
        if settings[findings.SKEW]["action"] != "off":
            skew = findings.skew(now, settings[findings.SKEW])

        stopping = {
            "stop": anomalies,
            "errors": [finding for finding in anomalies if finding.severe],
            "report": [],
        }[settings[ANOMALIES]]
        drifted = [finding for finding in drift if finding.severe]
        accepted = bool(exec_properties[ACCEPT_DRIFT]) or decision is not None
        if settings[findings.DRIFT]["action"] == "stop" and not accepted:
            stopping = [*stopping, *drifted]
        if settings[findings.SKEW]["action"] == "stop":
            stopping = [*stopping, *skew]
        if stopping:
            raise UserError(_refusal(stopping, reference))

        found = [*anomalies, *drift, *skew]
        for finding in found:
            logging.warning("%s, let pass: %s", finding.check, finding)
        output = artifact_utils.get_single_instance(output_dict[ACCEPTED])
        manifest_statistics.write(now, output.uri)
        with tf.io.gfile.GFile(f"{output.uri}/{FINDINGS_FILE}", "w") as file:
            record = {
                "reference": _digest(reference),
                "drift_accepted": accepted and bool(drifted),
                "findings": [{"check": f.check, "text": str(f), "severe": f.severe} for f in found],
            }
            file.write(json.dumps(record, indent=2, ensure_ascii=False) + "\n")
        output.set_string_custom_property(MANIFEST_DIGEST, _digest(now_artifact))
        output.set_string_custom_property(REFERENCE_DIGEST, _digest(reference))
        # Where there is an earlier decision it stays the decision, or the cache would never hold.
        output.set_int_custom_property(DELIBERATE, int(bool(drifted) and decision is None))


def _optional(input_dict: dict[str, list[types.Artifact]], key: str) -> types.Artifact | None:
    return artifact_utils.get_single_instance(input_dict[key]) if input_dict.get(key) else None


def _digest(artifact: types.Artifact | None) -> str:
    return artifact.get_string_custom_property(MANIFEST_DIGEST) if artifact else ""


def _read_anomalies(artifact: types.Artifact) -> dict[str, anomalies_pb2.Anomalies]:
    found = {}
    for split in artifact_utils.decode_split_names(artifact.split_names):
        uri = artifact_utils.get_split_uri([artifact], split)
        with tf.io.gfile.GFile(f"{uri}/{DEFAULT_FILE_NAME}", "rb") as file:
            found[split] = anomalies_pb2.Anomalies.FromString(file.read())
    return found


_HEADS = {
    findings.ANOMALY: "does not fit the schema (let it pass: --set validation.anomalies=report)",
    findings.DRIFT: "has drifted from the data accepted last{} (if that is meant:"
    " --set validation.accept_drift=true, and it becomes the reference)",
    findings.SKEW: "differs between training and test folds"
    " (let it pass: --set validation.skew.action=report)",
}


def _refusal(stopping: Sequence[Finding], reference: types.Artifact | None) -> str:
    """Says what stops the data, what kind after kind, and how to let it pass."""
    which = f", manifest {_digest(reference)[:16]}" if reference else ""
    lines = []
    for check, head in _HEADS.items():
        members = [finding for finding in stopping if finding.check == check]
        if members:
            lines += [f"the data {head.format(which)}:", *(f"  {member}" for member in members)]
    return "\n".join(lines)
