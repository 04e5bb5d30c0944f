"""Served networks over frames: a clip's answer is its own, whatever is asked beside it."""

import numpy as np
import pytest
import tensorflow as tf
from tiny_encoders import random_encoder
from tiny_networks import whisper_spec

from modules.export.model import export_model
from schemas.labels import PAPER

RATE_HZ = 16_000


@pytest.fixture(scope="module")
def network():
    encoder = random_encoder(positions=500)
    return whisper_spec(encoder).build(seed=1, encoder=encoder)


@pytest.fixture(scope="module")
def served(network, tmp_path_factory):
    folder = str(tmp_path_factory.mktemp("export") / "1")
    export_model(
        network,
        folder,
        labels=PAPER,
        trim_silence=False,
        statistics=None,
        domain_labels={"a": PAPER.labels},
        domain="a",
        clean_process=False,
    )
    return tf.saved_model.load(folder).signatures["serve_waveform"]


def _ask(served, *clips):
    longest = max(map(len, clips))
    answer = served(
        waveform=tf.constant(np.stack([np.pad(clip, (0, longest - len(clip))) for clip in clips])),
        num_samples=tf.constant([len(clip) for clip in clips]),
        rate_hz=tf.constant([RATE_HZ] * len(clips)),
    )
    return answer["probabilities"].numpy()


def _clip(duration_s, seed):
    random = np.random.default_rng(seed)
    return random.normal(size=round(duration_s * RATE_HZ)).astype(np.float32)


def test_a_short_clip_beside_a_long_one(served):
    short, long = _clip(0.4, 0), _clip(9.0, 1)
    together = _ask(served, short, long)
    np.testing.assert_array_equal(together[0], _ask(served, short)[0])
    np.testing.assert_array_equal(together[1], _ask(served, long)[0])
    assert np.abs(together[0] - together[1]).max() > 1e-3


def test_it_answers_as_the_network_does(served, network):
    clips = [_clip(duration_s, seed=7) for duration_s in (0.4, 3.0)]
    prepared = np.zeros((2, 160_000, 1), np.float32)
    for row, clip in zip(prepared, clips, strict=True):
        exact = clip.astype(np.float64)
        row[: len(clip), 0] = (exact - exact.mean()) / exact.std()
    np.testing.assert_allclose(
        _ask(served, *clips), network.predict(prepared, verbose=0), atol=1e-5
    )


def test_what_is_beyond_the_front_ends_ten_seconds_is_not_heard(served):
    long = _clip(10.0, 3)
    longer = np.concatenate([long, 5 * _clip(1.0, 4)])
    np.testing.assert_allclose(_ask(served, longer), _ask(served, long), atol=1e-6)
