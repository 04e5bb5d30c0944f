"""What DataGate makes of data that passes."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf
from tfx.types import artifact

FINDINGS_FILE = "findings.json"

# Custom properties, beside that of the data's own manifest, which is as of its statistics.
REFERENCE_DIGEST = "reference_digest"
DELIBERATE = "deliberate"


class AcceptedData(artifact.Artifact):
    """Data that passed the gate; the reference of what comes after it.

    `statistics.pb` is a copy of the manifest's statistics, `findings.json` says what was found and
    let pass. Custom properties: `manifest_digest`; `reference_digest`, digest of the manifest it
    was compared with; `deliberate`, 1 if it passed because somebody said so.
    """

    TYPE_NAME = "AcceptedData"


def write_findings(
    uri: str, *, reference: str, drift_accepted: bool, findings: Sequence[Mapping[str, Any]]
) -> None:
    """Writes what was found and let pass into an artifact's folder.

    Args:
      uri: The folder.
      reference: Digest of the manifest that was compared with; empty without one.
      drift_accepted: Whether drift passed because somebody said so.
      findings: Each with its `check`, its `text` and whether it is `severe`.
    """
    record = {
        "reference": reference,
        "drift_accepted": drift_accepted,
        "findings": list(findings),
    }
    with tf.io.gfile.GFile(f"{uri}/{FINDINGS_FILE}", "w") as file:
        file.write(json.dumps(record, indent=2, ensure_ascii=False) + "\n")


def read_findings(uri: str) -> dict[str, Any]:
    """Returns what was found and let pass, from an artifact's folder."""
    with tf.io.gfile.GFile(f"{uri}/{FINDINGS_FILE}", "r") as file:
        return json.loads(file.read())
