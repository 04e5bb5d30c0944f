"""The executor of ManifestStatistics, and how its statistics are named, written and read."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd
import tensorflow as tf
import tensorflow_data_validation as tfdv
from tensorflow_metadata.proto.v0 import statistics_pb2
from tfx import types
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils

from components.audio_example_gen.executor import ACCOUNT_CSV
from components.audio_example_gen.ingest import USED
from corpora import manifest
from schemas.utterance import Utterance

MANIFEST_PATH = "manifest_path"
MANIFEST_DIGEST = "manifest_digest"
PROTOCOL = "protocol"
TEST_FOLD = "test_fold"
CODE_DIGEST = "code_digest"
ACCOUNT = "account"
STATISTICS = "statistics"

STATISTICS_FILE = "statistics.pb"

# Parts of a domain's recordings.
ALL, TRAINING, TEST = "all", "training", "test"
UNKNOWN = "unknown"

DOMAIN = "domain"
# Features by name. Rates are few and mean nothing in between, hence text and not numbers.
CATEGORICAL = ("emotion", "gender", "language", "elicitation", "rate_hz")
NUMERIC = ("duration_s",)


class Executor(base_executor.BaseExecutor):
    """Computes the statistics; see `ManifestStatistics`."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Writes the statistics of the recordings that AudioExampleGen used.

        Args:
          input_dict: `account`, one IngestAccount.
          output_dict: `statistics`, one ManifestStatisticsArtifact.
          exec_properties: the component's parameters.

        Raises:
          UserError: the manifest cannot be read.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        account = artifact_utils.get_single_instance(input_dict[ACCOUNT])
        output = artifact_utils.get_single_instance(output_dict[STATISTICS])
        with tf.io.gfile.GFile(f"{account.uri}/{ACCOUNT_CSV}", "r") as file:
            rows = csv.DictReader(io.StringIO(file.read()))
            used = {row["utterance_id"] for row in rows if row["status"] == USED}
        utterances = [
            utterance
            for utterance in manifest.read(exec_properties[MANIFEST_PATH]).utterances
            if utterance.utterance_id in used
        ]
        computed = statistics(
            utterances,
            protocol=exec_properties[PROTOCOL],
            test_fold=exec_properties[TEST_FOLD],
        )
        write(computed, output.uri)
        output.set_string_custom_property(MANIFEST_DIGEST, exec_properties[MANIFEST_DIGEST])


def dataset_name(part: str, domain: str) -> str:
    """Returns the name of a domain's dataset in the statistics, for example `training/emodb`."""
    return f"{part}/{domain}"


def statistics(
    utterances: Sequence[Utterance], *, protocol: str, test_fold: int
) -> statistics_pb2.DatasetFeatureStatisticsList:
    """Returns TFDV's statistics of recordings.

    Args:
      utterances: with durations and folds.
      protocol: which of their folds counts.
      test_fold: which of them is tested on.

    Returns:
      A dataset `all` with the feature `domain`; and for each domain and part (`ALL`, `TRAINING`,
      `TEST`) that has recordings one named by `dataset_name`, with the features of `CATEGORICAL`
      and `NUMERIC`.
    """
    parts: dict[str, list[Utterance]] = {}
    for utterance in sorted(utterances, key=lambda utterance: utterance.utterance_id):
        tested = utterance.fold(protocol) == test_fold
        for part in (ALL, TEST if tested else TRAINING):
            parts.setdefault(dataset_name(part, utterance.domain), []).append(utterance)
    domains = pd.DataFrame({DOMAIN: [utterance.domain for utterance in utterances]})
    result = _dataset(ALL, domains)
    for name in sorted(parts):
        result.datasets.extend(_dataset(name, _frame(parts[name])).datasets)
    return result


def _frame(utterances: Iterable[Utterance]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "emotion": utterance.emotion,
            "gender": utterance.gender or UNKNOWN,
            "language": utterance.language or UNKNOWN,
            "elicitation": utterance.elicitation or UNKNOWN,
            "rate_hz": str(utterance.sample_rate_hz or UNKNOWN),
            "duration_s": float(utterance.duration_s),
        }
        for utterance in utterances
    )


def _dataset(name: str, frame: pd.DataFrame) -> statistics_pb2.DatasetFeatureStatisticsList:
    result = tfdv.generate_statistics_from_dataframe(frame, n_jobs=1)
    result.datasets[0].name = name
    return result


def write(computed: statistics_pb2.DatasetFeatureStatisticsList, uri: str) -> None:
    """Writes statistics into an artifact's folder."""
    tf.io.gfile.makedirs(uri)
    with tf.io.gfile.GFile(f"{uri}/{STATISTICS_FILE}", "wb") as file:
        file.write(computed.SerializeToString(deterministic=True))


def read(uri: str) -> statistics_pb2.DatasetFeatureStatisticsList:
    """Reads what `write` wrote."""
    with tf.io.gfile.GFile(f"{uri}/{STATISTICS_FILE}", "rb") as file:
        return statistics_pb2.DatasetFeatureStatisticsList.FromString(file.read())
