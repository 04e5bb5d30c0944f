"""Transformed examples as trainings take them, within a limit of memory."""

import dataclasses
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from modules.training.rows import Rows, RowWriter
from schemas import features, splits
from schemas.labels import LabelSet

_READ_BATCH = 64
_LAST_FOLD = splits.FOLD_SPLITS[splits.PARTITION_DEV_FOLD]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Clips:
    """The transformed examples of some splits, in the order of their utterance ids.

    Attributes:
      inputs: float32 each: `[input_samples, 1]`, standardised and padded, or what the layers that
        a network holds make of it.
      labels: int64 `[n]`, positions in the manifest's label set.
      domains, speakers, utterance_ids: str `[n]`.
      domain_classes: Labels that each domain has examples of, ascending, by domain; of all domains
        in the files, also those whose clips were left out.
      statistics: Mean and standard deviation of the standardisation by domain, of all domains in
        the files; `""` is what serves recordings of no known domain. `None` where utterances are
        standardised by themselves.
      in_last_fold: bool `[n]`, whether they are of the fold that holds an official dev part;
        `None` where nobody asks.
    """

    inputs: Rows
    labels: np.ndarray
    domains: np.ndarray
    speakers: np.ndarray
    utterance_ids: np.ndarray
    domain_classes: dict[str, tuple[int, ...]]
    statistics: dict[str, tuple[float, float]] | None
    in_last_fold: np.ndarray | None = None

    def domain_labels(self, label_set: LabelSet) -> dict[str, tuple[str, ...]]:
        """Returns `domain_classes` in words."""
        return {
            domain: tuple(label_set.labels[label] for label in labels)
            for domain, labels in self.domain_classes.items()
        }


def read_clips(
    file_patterns: list[str],
    *,
    limit_bytes: int,
    folder: str | None = None,
    domain: str | None = None,
    without_domain: str | None = None,
    row_shape: tuple[int, ...],
    feature: str = features.WAVEFORM,
) -> Clips:
    """Reads transformed examples or embeddings (GZIP TFRecords of tf.Examples).

    Only what `modules.audio.preprocessing` and `components.embeddings` write is understood. A file
    that two patterns match is read twice.

    Args:
      file_patterns: Patterns of the files.
      limit_bytes: Most memory that inputs may take. More of them go into a file without a name in
        `folder` that ends with them, and come from there when asked for.
      folder: See `limit_bytes`; the system's folder for temporary files by default.
      domain: Domain whose clips are kept; all by default. Of the others, inputs are not parsed.
      without_domain: Domain whose clips are not kept.
      row_shape: Shape of an input.
      feature: `features.WAVEFORM` or `features.EMBEDDING`.

    Raises:
      ValueError: No examples are found.
      UserError: The disk is full.
    """
    import tensorflow as tf

    files = sorted(name for pattern in file_patterns for name in tf.io.gfile.glob(pattern))
    facts_spec = {
        features.LABEL: tf.io.FixedLenFeature([], tf.int64),
        features.DOMAIN: tf.io.FixedLenFeature([], tf.string),
        features.SPEAKER: tf.io.FixedLenFeature([], tf.string),
        features.UTTERANCE_ID: tf.io.FixedLenFeature([], tf.string),
        features.MEAN: tf.io.FixedLenFeature([], tf.float32, np.nan),
        features.STD: tf.io.FixedLenFeature([], tf.float32, np.nan),
    }
    input_spec = {feature: tf.io.FixedLenFeature(row_shape, tf.float32)}
    writer = RowWriter(row_shape, limit_bytes=limit_bytes, folder=folder)
    batches, kept_batches, last_batches = [], [], []
    for file, examples in _batches(files):
        last_batches.append(np.full(len(examples), f"Split-{_LAST_FOLD}/" in file))
        if domain is None and without_domain is None:
            parsed = tf.io.parse_example(examples, facts_spec | input_spec)
            facts = {name: parsed[name].numpy() for name in facts_spec}
            kept = np.ones(len(examples), bool)
            writer.append(parsed[feature].numpy())
        else:
            parsed = tf.io.parse_example(examples, facts_spec)
            facts = {name: value.numpy() for name, value in parsed.items()}
            kept = _kept(_text(facts[features.DOMAIN]), domain, without_domain)
            if kept.any():
                chosen = tf.boolean_mask(examples, kept)
                parsed = tf.io.parse_example(chosen, input_spec)
                writer.append(parsed[feature].numpy())
        batches.append(facts)
        kept_batches.append(kept)
    if not batches:
        raise ValueError(f"no transformed examples in {file_patterns}")
    kept = np.concatenate(kept_batches)
    columns = {name: np.concatenate([batch[name] for batch in batches]) for name in facts_spec}
    ids = _text(columns[features.UTTERANCE_ID])
    # Of copies, the order in which they were read.
    order = np.argsort(ids, kind="stable")
    domains = _text(columns[features.DOMAIN])
    labels = columns[features.LABEL]
    statistics = _statistics(
        domains[order], columns[features.MEAN][order], columns[features.STD][order]
    )
    chosen_order = order[kept[order]]
    # Of each example, how many kept ones were read before it.
    positions = (np.cumsum(kept) - 1)[chosen_order]
    return Clips(
        inputs=writer.finish(positions),
        labels=labels[chosen_order],
        domains=domains[chosen_order],
        speakers=_text(columns[features.SPEAKER])[chosen_order],
        utterance_ids=ids[chosen_order],
        domain_classes={
            str(name): tuple(np.unique(labels[domains == name]).tolist())
            for name in np.unique(domains)
        },
        statistics=statistics,
        in_last_fold=np.concatenate(last_batches)[chosen_order],
    )


def _batches(files: Iterable[str]) -> Iterator[tuple[str, Any]]:
    """Yields serialized examples, string `[m]`, with the file that they are from."""
    import tensorflow as tf

    for file in files:
        for examples in tf.data.TFRecordDataset(file, compression_type="GZIP").batch(_READ_BATCH):
            yield file, examples


def _text(values: np.ndarray) -> np.ndarray:
    """Returns UTF-8 bytes `[n]` as str `[n]`; numpy's own conversion takes ASCII only."""
    return np.array([value.decode() for value in values], str)


def _kept(domains: np.ndarray, domain: str | None, without_domain: str | None) -> np.ndarray:
    """Returns which examples are kept, bool `[n]`."""
    kept = np.ones(len(domains), bool) if domain is None else domains == domain
    return kept & (domains != without_domain)


def _statistics(
    domains: np.ndarray, means: np.ndarray, stds: np.ndarray
) -> dict[str, tuple[float, float]] | None:
    if np.isnan(means).any():
        return None
    statistics = {
        str(domain): (float(means[row]), float(stds[row]))
        for domain, row in zip(*np.unique(domains, return_index=True), strict=True)
    }
    statistics[""] = (
        float(means.mean()),
        float(np.sqrt(np.mean(stds**2 + means**2) - means.mean() ** 2)),
    )
    return statistics
