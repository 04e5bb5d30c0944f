"""Transformed examples in memory, as trainings take them."""

import dataclasses

import numpy as np

from schemas import features, sound
from schemas.labels import EMOTIONS


@dataclasses.dataclass(frozen=True)
class Clips:
    """The transformed examples of some splits, in the order of their utterance ids.

    Attributes:
      waveforms: float32 `[n, 54000, 1]`, standardised and padded.
      labels: int64 `[n]`.
      domains, speakers, utterance_ids: str `[n]`.
      statistics: mean and standard deviation of the standardisation by domain; `""` is what serves
        recordings of no known domain. None where utterances are standardised by themselves.
    """

    waveforms: np.ndarray
    labels: np.ndarray
    domains: np.ndarray
    speakers: np.ndarray
    utterance_ids: np.ndarray
    statistics: dict[str, tuple[float, float]] | None

    def domain_classes(self) -> dict[str, list[str]]:
        """Returns the emotions that each domain has clips of."""
        return {
            str(domain): [EMOTIONS[i] for i in np.unique(self.labels[self.domains == domain])]
            for domain in np.unique(self.domains)
        }


def read_clips(file_patterns: list[str]) -> Clips:
    """Reads transformed examples (GZIP TFRecords of tf.Examples) into memory.

    About 220 kB a clip; only what `modules.audio.graph.preprocessing` writes is understood.
    """
    import tensorflow as tf

    files = sorted(name for pattern in file_patterns for name in tf.io.gfile.glob(pattern))
    scalar = {
        features.LABEL: tf.io.FixedLenFeature([], tf.int64),
        features.DOMAIN: tf.io.FixedLenFeature([], tf.string),
        features.SPEAKER: tf.io.FixedLenFeature([], tf.string),
        features.UTTERANCE_ID: tf.io.FixedLenFeature([], tf.string),
        features.MEAN: tf.io.FixedLenFeature([], tf.float32, np.nan),
        features.STD: tf.io.FixedLenFeature([], tf.float32, np.nan),
    }
    waveform = {features.WAVEFORM: tf.io.FixedLenFeature([sound.INPUT_SAMPLES], tf.float32)}
    dataset = tf.data.TFRecordDataset(files, compression_type="GZIP").batch(64)
    batches = [
        {
            name: value.numpy()
            for name, value in tf.io.parse_example(rows, scalar | waveform).items()
        }
        for rows in dataset
    ]
    if not batches:
        raise ValueError(f"no transformed examples in {file_patterns}")
    columns = {name: np.concatenate([batch[name] for batch in batches]) for name in batches[0]}
    del batches
    ids = columns[features.UTTERANCE_ID].astype(str)
    order = np.argsort(ids)
    domains = columns[features.DOMAIN].astype(str)[order]
    means, stds = columns[features.MEAN][order], columns[features.STD][order]
    statistics = None
    if not np.isnan(means).any():
        statistics = {
            str(domain): (float(means[row]), float(stds[row]))
            for domain, row in zip(*np.unique(domains, return_index=True), strict=True)
        }
        statistics[""] = (
            float(means.mean()),
            float(np.sqrt(np.mean(stds**2 + means**2) - means.mean() ** 2)),
        )
    return Clips(
        waveforms=columns[features.WAVEFORM][order][..., np.newaxis],
        labels=columns[features.LABEL][order],
        domains=domains,
        speakers=columns[features.SPEAKER].astype(str)[order],
        utterance_ids=ids[order],
        statistics=statistics,
    )
