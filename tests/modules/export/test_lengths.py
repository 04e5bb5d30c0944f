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
    return _outputs(served, *clips)["probabilities"].numpy()


def _outputs(served, *clips):
    longest = max(map(len, clips))
    return served(
        waveform=tf.constant(np.stack([np.pad(clip, (0, longest - len(clip))) for clip in clips])),
        num_samples=tf.constant([len(clip) for clip in clips]),
        rate_hz=tf.constant([RATE_HZ] * len(clips)),
    )


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


@pytest.mark.parametrize(
    ("duration_s", "starts_s"),
    [(10.0, [0]), (10.5, [0, 0.5]), (15.0, [0, 5]), (21.25, [0, 5, 10, 11.25])],
)
def test_a_long_recording_is_the_mean_of_overlapping_windows(served, duration_s, starts_s):
    clip = _clip(duration_s, 3) * np.linspace(0.1, 1.0, round(duration_s * RATE_HZ), dtype="f4")
    spans = [(round(start * RATE_HZ), round((start + 10) * RATE_HZ)) for start in starts_s]
    expected = np.mean([_ask(served, clip[start:end])[0] for start, end in spans], axis=0)
    beside = _clip(0.5, 5)
    outputs = _outputs(served, beside, clip)
    np.testing.assert_allclose(outputs["probabilities"][1], expected, atol=1e-6)
    assert outputs["windows"].numpy().tolist() == [1, len(starts_s)]
    np.testing.assert_allclose(outputs["heard_s"], [0.5, duration_s])
    np.testing.assert_allclose(outputs["window_s"], [10.0, 10.0])


def test_what_to_go_by_is_the_emotion_or_that_nothing_is(served):
    # Changes as speech does, four times a second; white noise does not.
    level = 1.0 + np.sin(2 * np.pi * 4.0 * np.arange(2 * RATE_HZ) / RATE_HZ, dtype="f4")
    speechlike = np.concatenate([_clip(0.25, seed) * 0.5**seed for seed in range(4)] * 2)
    clips = [np.zeros(RATE_HZ, np.float32), speechlike * level[: len(speechlike)]]
    outputs = _outputs(served, *clips)
    reasons, decisions, emotions = (
        [each.decode() for each in outputs[name].numpy()]
        for name in ("unsure", "decision", "emotion")
    )
    assert reasons[0] == "silence"
    assert decisions == [
        "unsure" if reason else emotion for reason, emotion in zip(reasons, emotions, strict=True)
    ]
    assert "" in reasons, "one of them has to be like speech"
