"""What DataGate makes of data that passes."""

import json
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


def read_findings(uri: str) -> dict[str, Any]:
    """Returns what was found and let pass, from an artifact's folder."""
    with tf.io.gfile.GFile(f"{uri}/{FINDINGS_FILE}", "r") as file:
        return json.loads(file.read())
