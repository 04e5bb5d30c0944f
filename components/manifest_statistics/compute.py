"""TFDV statistics of recordings, from what a manifest tells of them."""

from collections.abc import Iterable, Sequence

import pandas as pd
import tensorflow_data_validation as tfdv
from tensorflow_metadata.proto.v0 import statistics_pb2

from components.manifest_statistics.artifact import ALL, DOMAIN, TEST, TRAINING, dataset_name
from schemas.features import UNKNOWN
from schemas.utterance import Utterance


def statistics(
    utterances: Sequence[Utterance], *, protocol: str, test_fold: int
) -> statistics_pb2.DatasetFeatureStatisticsList:
    """Returns TFDV's statistics of recordings.

    Args:
      utterances: Recordings with durations and folds.
      protocol: Which of their folds counts.
      test_fold: Which of them is tested on.

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
