"""AdaptationGate: the adapted network, or the multi-domain one where adapting made it worse."""

import dataclasses
import json
import os

import tensorflow as tf
from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.types import artifact_utils
from tfx.types.standard_artifacts import Examples, Model
from tfx.utils import path_utils

from components.adaptation_gate.artifact import COMPARISON_JSON, AdaptationComparison
from components.adaptation_gate.compare import compare
from components.adaptation_gate.comparison import ADAPTED
from components.adaptation_gate.enrolment import enrolment
from modules.export.own_process import ExportArguments, export_alone
from modules.networks import held
from modules.training import memory, trained, typical
from modules.training.clips import read_clips
from modules.training.records import RECORD_FILE
from schemas.copies import copy_tree, local_folder
from schemas.labels import LabelSet
from schemas.progress import MESSAGES


@component
def AdaptationGate(
    model: OutputArtifact[Model],
    comparison: OutputArtifact[AdaptationComparison],
    examples: InputArtifact[Examples],
    adapted: InputArtifact[Model],
    multi_domain: InputArtifact[Model],
    domain: Parameter[str],
    test_split: Parameter[str],
    embedded: Parameter[bool],
    trim_silence: Parameter[bool],
    labels: Parameter[str],
    seed: Parameter[int],
    code_digest: Parameter[str] = "",
) -> None:
    """Asks both networks about the domain's test clips, and hands on what the domain should serve.

    That is the adapted network, unless its UAR is below that of the multi-domain network on the
    same clips: then it is the multi-domain network with the domain's own labels.

    Args:
      model: What the domain should serve.
      comparison: How both did.
      examples: Transformed examples or embeddings.
      adapted: The network adapted to the domain.
      multi_domain: The network pre-trained on all domains.
      domain: The domain.
      test_split: Split of the test fold.
      embedded: Whether the examples are embeddings.
      labels: Label set of the manifest, as JSON.
      trim_silence: Whether clips were trimmed, so that serving does the same.
      seed: Seed of the interval's resamples.
      code_digest: Digest of the sources of this step.
    """
    own, base = trained.load(adapted.uri), trained.load(multi_domain.uri)
    spec, limit_bytes = base.spec, memory.limit_bytes(None)
    feature, row_shape = held.taken(spec, embedded=embedded)
    clips = read_clips(
        [os.path.join(artifact_utils.get_split_uri([examples], test_split), "*")],
        limit_bytes=limit_bytes,
        domain=domain,
        row_shape=row_shape,
        feature=feature,
    )
    found = compare(
        clips,
        domain=domain,
        labels=LabelSet(tuple(json.loads(labels))),
        own_labels=own.record.domain_labels[domain],
        adapted=own,
        multi_domain=base,
        given=spec.held if embedded else (),
        limit_bytes=limit_bytes,
        seed=seed,
    )
    if own.record.known_speakers:
        worth = enrolment(
            clips,
            network=own if found.served == ADAPTED else base,
            labels=LabelSet(tuple(json.loads(labels))),
            own_labels=own.record.domain_labels[domain],
            limit_bytes=limit_bytes,
            seed=seed,
        )
        found = dataclasses.replace(found, enrolment=worth)
    MESSAGES.info(
        "%s: adapted UAR %.3f, multi-domain %.3f: %s is served",
        domain,
        found.adapted.uar,
        found.multi_domain.uar,
        found.served,
    )
    with tf.io.gfile.GFile(os.path.join(comparison.uri, COMPARISON_JSON), "w") as file:
        file.write(found.to_json())
    if found.served == ADAPTED:
        copy_tree(adapted.uri, model.uri)
        return
    for name in (trained.NETWORK_FILE, RECORD_FILE):
        tf.io.gfile.copy(os.path.join(multi_domain.uri, name), os.path.join(model.uri, name), True)
    trust, typicality = typical.load(base, multi_domain.uri)
    if typicality is not None:
        with local_folder(model.uri) as folder:
            typicality.save(folder)
    arguments = ExportArguments(
        labels=base.labels,
        trim_silence=trim_silence,
        statistics=clips.statistics,
        domain_labels=base.record.domain_labels,
        domain=domain,
        speakers_encoder=base.speakers_encoder,
        trust=trust and trust.for_domain(domain),
        typicality=typicality,
    )
    with local_folder(path_utils.serving_model_dir(model.uri)) as folder:
        export_alone(base.network(), str(folder), arguments)
