"""The study's clips and recordings, from the examples of the data pipeline."""

from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from corpora import manifest
from modules.networks import held
from modules.networks.registry import NetworkSpec
from modules.study import clips
from modules.training.clips import read_clips as read_examples
from schemas import features, splits


def read_clips(
    patterns: list[str],
    manifest_path: str,
    digest: str,
    *,
    network: NetworkSpec,
    limit_bytes: int,
    folder: str | None = None,
) -> clips.Clips:
    """Reads clips, with their folds under both protocols from the manifest.

    Args:
      patterns: Patterns of the transformed examples of all folds, or of their embeddings where
        the network holds layers.
      manifest_path: Manifest they come from.
      digest: Digest that stands for their content.
      network: The network that takes them.
      limit_bytes: Most memory that inputs may take.
      folder: Where a temporary file is made if they take more.
    """
    feature, row_shape = held.taken(network, embedded=bool(network.held))
    examples = read_examples(
        patterns,
        limit_bytes=limit_bytes,
        folder=folder,
        row_shape=row_shape,
        feature=feature,
    )
    indexed = manifest.read(manifest_path)
    folds = {
        utterance.utterance_id: {name: utterance.fold(name) for name in splits.PROTOCOLS}
        for utterance in indexed.utterances
    }
    return clips.Clips(
        inputs=examples.inputs,
        labels=examples.labels,
        domains=examples.domains,
        speakers=examples.speakers,
        utterance_ids=examples.utterance_ids,
        folds={
            name: np.array([folds[str(key)][name] for key in examples.utterance_ids], np.int64)
            for name in splits.PROTOCOLS
        },
        digest=digest,
        label_set=indexed.labels,
    )


def recordings(patterns: list[str]) -> Iterator[tuple[str, bytes]]:
    """Yields utterance ids and recordings, 16-bit mono PCM, of AudioExampleGen's examples."""
    files = sorted(name for pattern in patterns for name in tf.io.gfile.glob(pattern))
    for record in tf.data.TFRecordDataset(files, compression_type="GZIP"):
        example = tf.train.Example.FromString(record.numpy()).features.feature
        key = example[features.UTTERANCE_ID].bytes_list.value[0].decode()
        yield key, example[features.AUDIO].bytes_list.value[0]
