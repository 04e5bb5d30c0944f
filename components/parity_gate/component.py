"""ParityGate: keeps back a model that a server cannot load, or that answers otherwise there."""

import json
import os
import tempfile
from pathlib import Path

import tensorflow as tf
from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.types import artifact_utils
from tfx.types.standard_artifacts import Examples, InfraBlessing, Model
from tfx.utils import path_utils

from components.parity_gate import clips
from components.parity_gate.artifact import BLESSED, PARITY_JSON
from components.parity_gate.check import MODEL, check
from schemas.copies import copy_tree
from schemas.progress import MESSAGES
from schemas.words import plural


@component
def ParityGate(
    infra_blessing: OutputArtifact[InfraBlessing],
    examples: InputArtifact[Examples],
    model: InputArtifact[Model],
    asked_splits: Parameter[str],
    domains: Parameter[str],
    name: Parameter[str],
    code_digest: Parameter[str],
) -> None:
    """Serves a model from a clean process and asks it over gRPC about some clips.

    Every signature, batches of 1 to 64 and each usual rate have to answer what the Evaluator's call
    of the model answers, to 1e-5; the warm-up requests have to be answered, and all ops be
    TensorFlow's own.

    Args:
      infra_blessing: Whether they do; what the Pusher looks at.
      examples: AudioExampleGen's examples.
      model: The candidate.
      asked_splits: Splits that clips are taken from, as JSON.
      domains: Domains that the model answers for, as JSON.
      name: Name of the model, for messages.
      code_digest: Digest of the sources of this step.
    """
    asked = clips.read(
        [artifact_utils.get_split_uri([examples], split) for split in json.loads(asked_splits)],
        domains=json.loads(domains),
    )
    with tempfile.TemporaryDirectory(prefix="ser-parity-") as root:
        copy_tree(path_utils.serving_model_path(model.uri), Path(root, MODEL, "1"))
        found = check(root, asked)
    MESSAGES.info(
        "%s: a server's answers differ by at most %.2g (%s, %s)",
        name,
        found.largest_difference,
        plural(found.clips, "clip"),
        plural(found.answers, "answer"),
    )
    for fault in found.faults:
        MESSAGES.warning("%s: %s", name, fault)
    infra_blessing.set_int_custom_property(BLESSED, int(not found.faults))
    with tf.io.gfile.GFile(os.path.join(infra_blessing.uri, PARITY_JSON), "w") as file:
        file.write(found.to_json())
