"""What AdaptationGate makes, beside the model to serve."""

import tensorflow as tf
from tfx.types import artifact

from components.adaptation_gate.comparison import Comparison

MODEL = "model"
COMPARISON = "comparison"
COMPARISON_JSON = "comparison.json"


class AdaptationComparison(artifact.Artifact):
    """An adapted network against doing nothing: `comparison.json`."""

    TYPE_NAME = "AdaptationComparison"


def read(uri: str) -> Comparison:
    """Returns the comparison in an artifact's folder."""
    with tf.io.gfile.GFile(f"{uri}/{COMPARISON_JSON}", "r") as file:
        return Comparison.from_json(file.read())
