"""For tests: transformed examples of two domains in five folds, as Transform writes them."""

from pathlib import Path

import numpy as np
import tensorflow as tf

from schemas import features

# Labels of each domain, positions in the paper's set.
LABELS = {"a": [0, 1, 2], "b": [0, 3, 4, 5]}
_LISTS = {"float_list": "FloatList", "int64_list": "Int64List", "bytes_list": "BytesList"}


def example(name, domain, speaker, label, waveform, statistics=None) -> bytes:
    """Returns a serialized tf.Example."""

    def values(kind, value):
        return tf.train.Feature(**{kind: getattr(tf.train, _LISTS[kind])(value=value)})

    feature = {
        features.WAVEFORM: values("float_list", waveform),
        features.LABEL: values("int64_list", [label]),
        features.DOMAIN: values("bytes_list", [domain.encode()]),
        features.SPEAKER: values("bytes_list", [speaker.encode()]),
        features.UTTERANCE_ID: values("bytes_list", [name.encode()]),
    }
    if statistics:
        feature[features.MEAN] = values("float_list", [statistics[0]])
        feature[features.STD] = values("float_list", [statistics[1]])
    return tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString()


def write_splits(folder: Path, *, statistics=None, labels=None, samples: int = 54_000) -> dict:
    """Writes five folds of two domains; returns label and waveform of the clips by name."""
    random = np.random.default_rng(0)
    time_s = np.arange(samples) / 16_000
    written = {}
    for fold in range(5):
        split = folder / f"Split-fold-{fold}"
        split.mkdir(parents=True)
        with tf.io.TFRecordWriter(str(split / "part-0.gz"), options="GZIP") as writer:
            for domain, own in (labels or LABELS).items():
                for repeat in range(2):
                    for label in own:
                        name = f"{domain}/{fold}-{repeat}-{label}"
                        waveform = np.sin(2 * np.pi * 80 * (label + 2) * time_s)
                        waveform = (waveform + random.normal(0, 0.5, samples)).astype(np.float32)
                        written[name] = (label, waveform)
                        known = statistics and statistics[domain]
                        speaker = f"s{fold}{repeat}"
                        writer.write(example(name, domain, speaker, label, waveform, known))
    return written


def patterns(folder: Path, folds) -> list[str]:
    """Returns the file patterns of folds, as TFX passes them."""
    return [str(folder / f"Split-fold-{fold}" / "*") for fold in folds]
