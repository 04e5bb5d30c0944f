"""What CorporaAudit makes."""

import json
from typing import Any

import tensorflow as tf
from tfx.types import artifact

AUDIT_JSON = "audit.json"
AUDIT_TEXT = "audit.txt"


class AuditReport(artifact.Artifact):
    """What the audit of a manifest found: `audit.json` for programs, `audit.txt` for people."""

    TYPE_NAME = "AuditReport"


def read(uri: str) -> dict[str, Any]:
    """Returns the audit in an artifact's folder, as `corpora.audit.Audit.to_json` tells it."""
    with tf.io.gfile.GFile(f"{uri}/{AUDIT_JSON}", "r") as file:
        return json.loads(file.read())
