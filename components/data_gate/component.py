"""DataGate: stops a run whose data has anomalies or has drifted, and says so in words."""

import json
from collections.abc import Sequence
from typing import Any

import tensorflow as tf
from absl import logging
from tensorflow_metadata.proto.v0 import anomalies_pb2
from tfx.components.example_validator.executor import DEFAULT_FILE_NAME
from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.types import artifact_utils, standard_artifacts

from components.actions import ERRORS, OFF, REPORT, STOP
from components.data_gate import findings
from components.data_gate.artifact import (
    DELIBERATE,
    REFERENCE_DIGEST,
    AcceptedData,
    write_findings,
)
from components.data_gate.findings import Finding
from components.manifest_statistics import artifact as manifest_statistics
from components.manifest_statistics.artifact import (
    MANIFEST_DIGEST,
    ManifestStatisticsArtifact,
)
from schemas.errors import UserError


@component
def DataGate(
    anomalies: InputArtifact[standard_artifacts.ExampleAnomalies],
    statistics: InputArtifact[ManifestStatisticsArtifact],
    accepted: OutputArtifact[AcceptedData],
    settings: Parameter[str],
    reference: InputArtifact[AcceptedData] = None,
    decision: InputArtifact[AcceptedData] = None,
    accept_drift: Parameter[bool] = False,
    code_digest: Parameter[str] = "",
) -> None:
    """Checks the data and writes what was let pass.

    Whatever must not see data that does not pass comes after this node (`add_upstream_node`).

    Args:
      anomalies: From ExampleValidator.
      statistics: From ManifestStatistics.
      accepted: The data, if it passes.
      settings: What stops, as JSON. `anomalies`: `stop`, `errors` (warnings pass) or `report`;
        `drift` and `skew`: `action` (`stop`, `report` or `off`) and the thresholds of
        `findings.DRIFT_FEATURES` and `findings.SKEW_FEATURES`; `protocol`, of the folds.
      reference: The data accepted last, from `strategy.LastAcceptedStrategy`; none in the first
        run.
      decision: An earlier, deliberate acceptance of the same data beside the same reference.
      accept_drift: Whether drift passes this time.
      code_digest: Digest of the sources of this step.

    Raises:
      UserError: The data does not pass; everything that stops it is in the message.
    """
    asked = json.loads(settings)
    now = manifest_statistics.read(statistics.uri)
    odd = findings.anomalies(_read_anomalies(anomalies), protocol=asked.get("protocol", ""))
    drift: list[Finding] = []
    if reference is not None and asked[findings.DRIFT]["action"] != OFF:
        before = manifest_statistics.read(reference.uri)
        drift = findings.drift(now, before, asked[findings.DRIFT])
    skew: list[Finding] = []
    if asked[findings.SKEW]["action"] != OFF:
        skew = findings.skew(now, asked[findings.SKEW])

    stopping = {
        STOP: odd,
        ERRORS: [finding for finding in odd if finding.severe],
        REPORT: [],
    }[asked["anomalies"]]
    drifted = [finding for finding in drift if finding.severe]
    meant = accept_drift or decision is not None
    if asked[findings.DRIFT]["action"] == STOP and not meant:
        stopping = [*stopping, *drifted]
    if asked[findings.SKEW]["action"] == STOP:
        stopping = [*stopping, *skew]
    if stopping:
        raise UserError(_refusal(stopping, _digest(reference)))

    found = [*odd, *drift, *skew]
    for finding in found:
        logging.warning("%s, let pass: %s", finding.check, finding)
    manifest_statistics.write(now, accepted.uri)
    write_findings(
        accepted.uri,
        reference=_digest(reference),
        drift_accepted=meant and bool(drifted),
        findings=[{"check": f.check, "text": str(f), "severe": f.severe} for f in found],
    )
    accepted.set_string_custom_property(MANIFEST_DIGEST, _digest(statistics))
    accepted.set_string_custom_property(REFERENCE_DIGEST, _digest(reference))
    # Where there is an earlier decision it stays the decision, or the cache would never hold.
    accepted.set_int_custom_property(DELIBERATE, int(bool(drifted) and decision is None))


def _digest(artifact: Any) -> str:
    """Returns the digest of the manifest that an artifact was made of; empty without one."""
    return artifact.get_string_custom_property(MANIFEST_DIGEST) if artifact is not None else ""


def _read_anomalies(artifact: Any) -> dict[str, anomalies_pb2.Anomalies]:
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
    findings.SKEW: "differs between what is trained and what is tested on"
    " (let it pass: --set validation.skew.action=report)",
}


def _refusal(stopping: Sequence[Finding], reference: str) -> str:
    """Says what stops the data, one kind after the other, and how to let it pass."""
    which = f", manifest {reference[:16]}" if reference else ""
    lines = []
    for check, head in _HEADS.items():
        members = [finding for finding in stopping if finding.check == check]
        if members:
            lines += [f"the data {head.format(which)}:", *(f"  {member}" for member in members)]
    return "\n".join(lines)
