"""What ManifestStatistics makes: its file, and the names of what is in it."""

import tensorflow as tf
from tensorflow_metadata.proto.v0 import statistics_pb2
from tfx.types import artifact

STATISTICS_FILE = "statistics.pb"
# Custom property: digest of the manifest that the statistics are of.
MANIFEST_DIGEST = "manifest_digest"

# Parts of a domain's recordings.
ALL, TRAINING, TEST = "all", "training", "test"

DOMAIN = "domain"
# Features by name. Rates are few and mean nothing in between, hence text and not numbers.
CATEGORICAL = ("emotion", "gender", "language", "elicitation", "rate_hz")
NUMERIC = ("duration_s",)


class ManifestStatisticsArtifact(artifact.Artifact):
    """TFDV statistics of the recordings in use.

    `statistics.pb` holds a `DatasetFeatureStatisticsList` with the datasets that `dataset_name`
    names. Custom property: `manifest_digest`.
    """

    TYPE_NAME = "ManifestStatistics"


def dataset_name(part: str, domain: str) -> str:
    """Returns the name of a domain's dataset in the statistics, for example `training/emodb`."""
    return f"{part}/{domain}"


def write(computed: statistics_pb2.DatasetFeatureStatisticsList, uri: str) -> None:
    """Writes statistics into an artifact's folder."""
    tf.io.gfile.makedirs(uri)
    with tf.io.gfile.GFile(f"{uri}/{STATISTICS_FILE}", "wb") as file:
        file.write(computed.SerializeToString(deterministic=True))


def read(uri: str) -> statistics_pb2.DatasetFeatureStatisticsList:
    """Reads what `write` wrote."""
    with tf.io.gfile.GFile(f"{uri}/{STATISTICS_FILE}", "rb") as file:
        return statistics_pb2.DatasetFeatureStatisticsList.FromString(file.read())
