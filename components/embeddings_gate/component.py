"""EmbeddingsGate: compares how clips sound to the encoder with how those accepted last did."""

import json
from collections.abc import Iterator, Mapping

import numpy as np
import tensorflow as tf
from absl import logging
from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.types import artifact_utils, standard_artifacts

from components.actions import OFF, STOP
from components.data_gate.artifact import DELIBERATE, REFERENCE_DIGEST, write_findings
from components.embeddings_gate.artifact import AcceptedEmbeddings, read_moments, write_moments
from components.embeddings_gate.shift import Moments, moments, shift, together
from components.manifest_statistics.artifact import MANIFEST_DIGEST, ManifestStatisticsArtifact
from modules.networks import held
from modules.networks.registry import NetworkSpec
from schemas import features
from schemas.errors import UserError

_BATCH = 256
_HEAD = (
    "clips sound unlike those accepted last, manifest {reference} (if that is meant:"
    " --set validation.accept_drift=true, and they become the reference; to go on without:"
    " --set validation.drift.action=report):"
)


@component
def EmbeddingsGate(
    embeddings: InputArtifact[standard_artifacts.Examples],
    statistics: InputArtifact[ManifestStatisticsArtifact],
    accepted: OutputArtifact[AcceptedEmbeddings],
    network: Parameter[str],
    preprocessing: Parameter[str],
    action: Parameter[str],
    threshold: Parameter[float],
    reference: InputArtifact[AcceptedEmbeddings] = None,
    decision: InputArtifact[AcceptedEmbeddings] = None,
    accept_drift: Parameter[bool] = False,
    code_digest: Parameter[str] = "",
) -> None:
    """Compares the embeddings of each domain with those accepted last, and writes what passed.

    A manifest says nothing of another microphone, room or line; the mean of the embeddings does.
    Whatever must not see clips that do not pass comes after this node (`add_upstream_node`).

    Args:
      embeddings: From Embeddings, all folds.
      statistics: From ManifestStatistics; names the manifest.
      accepted: What the next embeddings are compared with.
      network: The network whose held layers made the embeddings, as JSON.
      preprocessing: How clips were made, in any words. Embeddings of other clips or another network
        are not compared.
      action: `stop`, `report` or `off`.
      threshold: Most standard deviations that a domain's mean may move, see `shift.shift`.
      reference: The embeddings accepted last, from `LastAcceptedStrategy`; none in the first run.
      decision: An earlier, deliberate acceptance of the same clips beside the same reference.
      accept_drift: Whether drift passes this time.
      code_digest: Digest of the sources of this step.

    Raises:
      UserError: A domain's embeddings moved further.
    """
    now = _by_domain(embeddings, held.shape(NetworkSpec.from_json(json.loads(network))))
    made_by = f"{network} {preprocessing}"
    found: list[str] = []
    digest = reference.get_string_custom_property(MANIFEST_DIGEST) if reference is not None else ""
    if digest and action != OFF:
        before, made_before = read_moments(reference.uri)
        # Another encoder's channels mean something else.
        if made_before == made_by:
            found = drift(before, now, threshold)
        else:
            digest = ""
    meant = accept_drift or decision is not None
    if found and action == STOP and not meant:
        lines = [_HEAD.format(reference=digest[:16]), *(f"  {text}" for text in found)]
        raise UserError("\n".join(lines))
    for text in found:
        logging.warning("drift, let pass: %s", text)
    write_moments(now, accepted.uri, made_by=made_by)
    write_findings(
        accepted.uri,
        reference=digest,
        drift_accepted=meant and bool(found),
        findings=[{"check": "drift", "text": text, "severe": True} for text in found],
    )
    accepted.set_string_custom_property(
        MANIFEST_DIGEST, statistics.get_string_custom_property(MANIFEST_DIGEST)
    )
    accepted.set_string_custom_property(REFERENCE_DIGEST, digest)
    # Where there is an earlier decision it stays the decision, or the cache would never hold.
    accepted.set_int_custom_property(DELIBERATE, int(bool(found) and decision is None))


def drift(before: Mapping[str, Moments], now: Mapping[str, Moments], threshold: float) -> list[str]:
    """Returns in words which domains' embeddings moved further than a threshold.

    New and lost domains are DataGate's.
    """
    moved = {domain: shift(before[domain], now[domain]) for domain in sorted({*before} & {*now})}
    return [
        f"embedding of {domain}: its mean moved by {distance:.2f} standard deviations, above"
        f" {threshold:g} ({before[domain].count:,} clips before, now {now[domain].count:,}): look"
        " for another microphone, room, line or format"
        for domain, distance in moved.items()
        if distance > threshold
    ]


def _by_domain(
    embeddings: standard_artifacts.Examples, row_shape: tuple[int, ...]
) -> dict[str, Moments]:
    """Returns the moments of the embeddings of each domain, read in batches."""
    found: dict[str, Moments] = {}
    for domains, values in _batches(embeddings, row_shape):
        for domain in np.unique(domains):
            own = moments(values[domains == domain])
            found[domain] = together(found[domain], own) if domain in found else own
    return found


def _batches(
    embeddings: standard_artifacts.Examples, row_shape: tuple[int, ...]
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yields the domains, str `[n]`, and embeddings, float32 `[n, channels]`, of some clips."""
    spec = {
        features.DOMAIN: tf.io.FixedLenFeature([], tf.string),
        features.EMBEDDING: tf.io.FixedLenFeature(row_shape, tf.float32),
    }
    files = sorted(
        name
        for split in artifact_utils.decode_split_names(embeddings.split_names)
        for name in tf.io.gfile.glob(f"{artifact_utils.get_split_uri([embeddings], split)}/*")
    )
    for examples in tf.data.TFRecordDataset(files, compression_type="GZIP").batch(_BATCH):
        parsed = tf.io.parse_example(examples, spec)
        domains = [name.decode() for name in parsed[features.DOMAIN].numpy()]
        values = parsed[features.EMBEDDING].numpy()
        # Over time, an embedding is the mean of its frames.
        yield np.array(domains), values.reshape(len(values), -1, row_shape[-1]).mean(axis=1)
