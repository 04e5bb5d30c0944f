"""The preprocessing_fn inside a real TF Transform run, against numpy."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform.beam as tft_beam
from tensorflow_transform.tf_metadata import dataset_metadata, schema_utils

from modules.audio import preprocessing
from schemas import features

SPEC = {
    features.AUDIO: tf.io.FixedLenFeature([1], tf.string),
    features.LABEL: tf.io.FixedLenFeature([1], tf.int64),
    features.DOMAIN: tf.io.FixedLenFeature([1], tf.string),
    features.SPEAKER: tf.io.FixedLenFeature([1], tf.string),
    features.UTTERANCE_ID: tf.io.FixedLenFeature([1], tf.string),
}


@pytest.fixture(scope="module")
def recordings():
    random = np.random.default_rng(0)
    lengths = [20_000, 54_000, 70_000, 30_000]
    # Levels and offsets differ per domain, so that their statistics do.
    return {
        f"{domain}{number}": (
            domain,
            (random.normal(offset, scale, length)).clip(-32768, 32767).astype("<i2"),
        )
        for domain, offset, scale in (("a", 50, 300), ("b", -200, 4_000))
        for number, length in enumerate(lengths)
    }


def _transform(recordings, tmp_path, mode, test_only=()):
    rows = [
        {
            features.AUDIO: np.array([pcm.tobytes()], object),
            features.LABEL: np.array([2]),
            features.DOMAIN: np.array([domain.encode()], object),
            features.SPEAKER: np.array([b"s"], object),
            features.UTTERANCE_ID: np.array([name.encode()], object),
        }
        for name, (domain, pcm) in recordings.items()
    ]
    metadata = dataset_metadata.DatasetMetadata(schema_utils.schema_from_feature_spec(SPEC))
    config = {
        "standardisation": mode,
        "trim_silence": False,
        "input_samples": 54_000,
        "domains": ["a", "b"],
    }
    with tft_beam.Context(temp_dir=str(tmp_path)):
        fitted = (
            [row for row in rows if row[features.UTTERANCE_ID][0].decode() not in test_only],
            metadata,
        ) | tft_beam.AnalyzeDataset(lambda x: preprocessing.preprocessing_fn(x, config))
        (transformed, _) = ((rows, metadata), fitted) | tft_beam.TransformDataset()
    return {row[features.UTTERANCE_ID].decode(): row for row in transformed}


def _expected(pcm, mean=None, std=None):
    kept = (pcm[:54_000] / 32_768).astype(np.float64)
    mean = kept.mean() if mean is None else mean
    std = kept.std() if std is None else std
    return np.pad((kept - mean) / std, (0, 54_000 - len(kept)))


@pytest.mark.component
def test_per_utterance(recordings, tmp_path):
    rows = _transform(recordings, tmp_path, "per_utterance")
    assert set(rows) == set(recordings)
    for name, (domain, pcm) in recordings.items():
        np.testing.assert_allclose(rows[name][features.WAVEFORM], _expected(pcm), atol=1e-3)
        assert rows[name][features.DOMAIN] == domain.encode()
        assert rows[name][features.LABEL] == 2
        assert features.MEAN not in rows[name]


@pytest.mark.component
@pytest.mark.parametrize("mode", ["per_domain", "global"])
def test_statistics_come_from_the_analysed_recordings_only(recordings, tmp_path, mode):
    rows = _transform(recordings, tmp_path, mode, test_only=("a1", "b0"))
    for name, (domain, pcm) in recordings.items():
        fitted = [
            other[:54_000] / 32_768
            for other_name, (other_domain, other) in recordings.items()
            if other_name not in ("a1", "b0") and (mode == "global" or other_domain == domain)
        ]
        samples = np.concatenate(fitted)
        assert rows[name][features.MEAN] == pytest.approx(samples.mean(), abs=1e-6)
        assert rows[name][features.STD] == pytest.approx(samples.std(), rel=1e-5)
        np.testing.assert_allclose(
            rows[name][features.WAVEFORM],
            _expected(pcm, samples.mean(), samples.std()),
            atol=1e-3,
        )


def test_unknown_standardisation():
    with pytest.raises(ValueError, match="unknown standardisation 'none'"):
        preprocessing.preprocessing_fn({}, {"standardisation": "none", "trim_silence": False})
