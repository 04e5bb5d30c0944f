"""DomainAdaptation: from a base and a domain's clips to a model, a blessing and what was found."""

import json
import os
import tempfile

import numpy as np
import tensorflow as tf
from tfx.components.evaluator import constants
from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.types import artifact_utils
from tfx.types.standard_artifacts import Examples, Model, ModelBlessing
from tfx.utils import path_utils

from components.domain_adaptation.artifact import FINDINGS_JSON, AdaptationFindings
from corpora import manifest
from modules.adaptation.adapt import BaseFacts, adapt
from modules.adaptation.plan import Plan
from modules.export.own_process import ExportArguments, export_alone
from modules.networks import held
from modules.training import memory, trained, typical
from modules.training.clips import Clips, read_clips
from modules.training.engine import Engine
from modules.training.records import RECORD_FILE
from modules.training.trained import Trained
from modules.training.typical import Usual
from schemas.copies import local_folder
from schemas.progress import MESSAGES
from schemas.splits import FOLD_SPLITS


@component
def DomainAdaptation(
    model: OutputArtifact[Model],
    blessing: OutputArtifact[ModelBlessing],
    findings: OutputArtifact[AdaptationFindings],
    examples: InputArtifact[Examples],
    base: InputArtifact[Model],
    plan: Parameter[str],
    manifest_path: Parameter[str],
    manifest_digest: Parameter[str],
    base_digest: Parameter[str],
    base_split: Parameter[str],
    base_examples: InputArtifact[Examples] = None,
    code_digest: Parameter[str] = "",
) -> None:
    """Adapts a pre-trained network to a domain, measures it, and hands on what should be served.

    Args:
      model: The adapted network, or the base with the domain's own labels where adapting made it
        worse.
      blessing: Whether it may be pushed.
      findings: What was measured.
      examples: Transformed examples, or embeddings where the network holds layers, of all folds.
      base: The pre-trained network.
      plan: What to do, a `Plan` as JSON.
      manifest_path: The manifest's CSV file, which tells the folds.
      manifest_digest: Digest of the manifest.
      base_digest: SHA-256 of the record of the base's training.
      base_split: Split of `base_examples` that the base was not trained on.
      base_examples: Clips of the base's domains, as `examples`, if they are still there.
      code_digest: Digest of the sources of this step.

    Raises:
      UserError: No approach is possible.
    """
    asked = Plan.from_json(json.loads(plan))
    network = trained.load(base.uri)
    with tempfile.TemporaryDirectory() as folder:
        clips, engine = _clips(
            asked,
            network,
            [artifact_utils.get_split_uri([examples], split) for split in FOLD_SPLITS],
            folder,
            domain=asked.job.domain,
        )
        others = None
        if base_examples is not None:
            # Imported by its folder, it knows nothing of its splits.
            split_folder = os.path.join(base_examples.uri, f"Split-{base_split}")
            others = _clips(asked, network, [split_folder], folder)
        done = adapt(
            asked,
            clips,
            _folds(clips, manifest_path, asked.job.protocol),
            engine,
            network,
            BaseFacts(folder=base.uri, record_digest=base_digest),
            base_clips=others,
        )
    with tf.io.gfile.GFile(os.path.join(findings.uri, FINDINGS_JSON), "w") as file:
        file.write(done.findings.to_json())
    MESSAGES.info("exporting")
    _export(done.served, done.usual, model.uri, clips, asked)
    _bless(blessing, model, pushed=done.findings.verdict.pushed)


def _clips(
    plan: Plan, network: Trained, folders: list[str], temporary: str, *, domain: str | None = None
) -> tuple[Clips, Engine]:
    """Returns the clips in the folders of splits, and an engine of them."""
    spec, job = network.spec, plan.job
    limit_bytes = memory.limit_bytes(job.memory_gib)
    feature, row_shape = held.taken(spec, embedded=job.embedded)
    clips = read_clips(
        [os.path.join(folder, "*") for folder in folders],
        limit_bytes=limit_bytes,
        folder=temporary,
        domain=domain,
        row_shape=row_shape,
        feature=feature,
    )
    engine = Engine(
        clips.inputs,
        clips.labels,
        domains=clips.domains,
        given=spec.held if job.embedded else (),
        limit_bytes=limit_bytes,
        folder=temporary,
    )
    return clips, engine


def _folds(clips: Clips, manifest_path: str, protocol: str) -> np.ndarray:
    """Returns the fold of each clip, int64 `[n]`."""
    folds = {
        utterance.utterance_id: utterance.fold(protocol)
        for utterance in manifest.read(manifest_path).utterances
    }
    return np.array([folds[str(key)] for key in clips.utterance_ids], np.int64)


def _export(served: Trained, usual: Usual | None, uri: str, clips: Clips, plan: Plan) -> None:
    """Leaves in the model's folder what a Trainer leaves."""
    network, job = served.network(), plan.job
    assert job.domain is not None
    arguments = ExportArguments(
        labels=served.labels,
        trim_silence=job.trim_silence,
        statistics=clips.statistics,
        domain_labels=served.record.domain_labels,
        domain=job.domain,
        trust=served.record.trust,
        typicality=usual.typicality if usual else None,
    )
    with local_folder(uri) as folder:
        typical.save(usual, folder)
        network.save(str(folder / trained.NETWORK_FILE))
        export_alone(network, path_utils.serving_model_dir(str(folder)), arguments)
        (folder / RECORD_FILE).write_text(served.record.to_json(), encoding="utf-8")


def _bless(blessing: ModelBlessing, model: Model, *, pushed: bool) -> None:
    """Writes what TFX's Evaluator writes, which the Pusher goes by."""
    value = constants.BLESSED_VALUE if pushed else constants.NOT_BLESSED_VALUE
    name = constants.BLESSED_FILE_NAME if pushed else constants.NOT_BLESSED_FILE_NAME
    with tf.io.gfile.GFile(os.path.join(blessing.uri, name), "w") as file:
        file.write("")
    blessing.set_int_custom_property(constants.ARTIFACT_PROPERTY_BLESSED_KEY, value)
    blessing.set_string_custom_property(
        constants.ARTIFACT_PROPERTY_CURRENT_MODEL_URI_KEY, model.uri
    )
    blessing.set_int_custom_property(constants.ARTIFACT_PROPERTY_CURRENT_MODEL_ID_KEY, model.id)
