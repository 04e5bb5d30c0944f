"""What DomainAdaptation leaves, beside the model to serve."""

import tensorflow as tf
from tfx.types import artifact

from modules.adaptation.findings import Findings

MODEL = "model"
BLESSING = "blessing"
FINDINGS = "findings"
FINDINGS_JSON = "adaptation.json"


class AdaptationFindings(artifact.Artifact):
    """What an adaptation found: `adaptation.json`."""

    TYPE_NAME = "AdaptationFindings"


def read(uri: str) -> Findings:
    """Returns the findings in an artifact's folder."""
    with tf.io.gfile.GFile(f"{uri}/{FINDINGS_JSON}", "r") as file:
        return Findings.from_json(file.read())
