"""What EmbeddingsGate makes of embeddings that pass."""

import io
from collections.abc import Mapping

import numpy as np
import tensorflow as tf
from tfx.types import artifact

from components.embeddings_gate.shift import Moments

MOMENTS_FILE = "moments.npz"


class AcceptedEmbeddings(artifact.Artifact):
    """Embeddings that passed the gate; the reference of what comes after them.

    `moments.npz` holds what they are compared by, `findings.json` says what was found and let pass.
    Custom properties as of `AcceptedData`.
    """

    TYPE_NAME = "AcceptedEmbeddings"


def write_moments(moments: Mapping[str, Moments], uri: str, *, made_by: str) -> None:
    """Writes moments by domain into an artifact's folder.

    Args:
      moments: Moments of the embeddings of each domain.
      uri: The folder; made if it is not there.
      made_by: What made the embeddings; others cannot be compared with them.
    """
    domains = sorted(moments)
    buffer = io.BytesIO()
    np.savez(
        buffer,
        made_by=np.array(made_by),
        domains=np.array(domains),
        counts=np.array([moments[domain].count for domain in domains]),
        means=np.array([moments[domain].mean for domain in domains]),
        variances=np.array([moments[domain].variance for domain in domains]),
    )
    tf.io.gfile.makedirs(uri)
    with tf.io.gfile.GFile(f"{uri}/{MOMENTS_FILE}", "wb") as file:
        file.write(buffer.getvalue())


def read_moments(uri: str) -> tuple[dict[str, Moments], str]:
    """Reads what `write_moments` wrote: the moments by domain, and what made the embeddings."""
    with tf.io.gfile.GFile(f"{uri}/{MOMENTS_FILE}", "rb") as file:
        stored = np.load(io.BytesIO(file.read()), allow_pickle=False)
    columns = (stored[name] for name in ("domains", "counts", "means", "variances"))
    moments = {
        str(domain): Moments(count=int(count), mean=mean, variance=variance)
        for domain, count, mean, variance in zip(*columns, strict=True)
    }
    return moments, str(stored["made_by"])
