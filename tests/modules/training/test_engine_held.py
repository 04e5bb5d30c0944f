"""The engine on networks that hold an encoder: statistics, and clips that are its outputs."""

import numpy as np
import pytest
from tiny_encoders import random_encoder
from tiny_networks import keep, short_clips, whisper_spec

from modules.networks import held
from modules.networks.encoders.spec import EncoderSpec
from modules.networks.registry import NetworkSpec
from modules.training import freezing
from modules.training.engine import Engine
from modules.training.job import Job
from modules.training.rows import ArrayRows
from modules.training.settings import Settings
from schemas.errors import UserError

ENCODER = random_encoder()
SETTINGS = Settings(
    epochs=2, batch_size=8, optimizer="adamw", learning_rate=0.01, label_smoothing=0.1
)
LABELS = np.arange(24) % 6
TRAIN, TESTED = np.arange(18), np.arange(18, 24)


@pytest.fixture(scope="module")
def clips():
    return short_clips([2_400 + 160 * number for number in range(24)])


@pytest.fixture(scope="module", params=["mean", "lstm"])
def spec(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("encoders")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SER_ENCODERS", str(folder))
        yield whisper_spec(ENCODER, sha256=keep(ENCODER, folder), preset=request.param)


@pytest.fixture(scope="module")
def engine(clips, spec):
    return Engine(ArrayRows(clips), LABELS, limit_bytes=2**30)


@pytest.fixture(scope="module")
def embedded(clips, spec):
    """An engine on what the held layers make of each clip, alone."""
    found = held.Held(spec)
    embeddings = np.stack([found.of(clip[:, 0]) for clip in clips])
    assert embeddings.shape[1:] == held.shape(spec)
    return Engine(ArrayRows(embeddings), LABELS, given=spec.held, limit_bytes=2**30)


def _job(spec, **changes):
    arguments = {"name": "a", "network": spec, "settings": SETTINGS, "report_epochs": False}
    return Job(**{**arguments, "train": TRAIN, "tested": TESTED, **changes})


@pytest.fixture(scope="module")
def trained(engine, spec):
    return engine.run(_job(spec))


def _assert_close(first, second):
    """The same up to rounding, which depends on how clips are batched."""
    assert first.fates == second.fates
    assert first.hashes_before == second.hashes_before
    np.testing.assert_allclose(first.probabilities, second.probabilities, atol=1e-3)
    for layer, arrays in first.weights.items():
        for own, other in zip(arrays, second.weights[layer], strict=True):
            np.testing.assert_allclose(own, other, atol=2e-3)


@pytest.mark.component
def test_a_new_network_on_clips_and_on_what_is_given(engine, embedded, trained, spec, clips):
    # As the encoder came.
    for layer in ("stem", "block1", "block2"):
        for own, kept in zip(trained.weights[layer], ENCODER.layer(layer), strict=True):
            np.testing.assert_array_equal(own, kept)
    _assert_close(embedded.run(_job(spec)), trained)
    # The statistics are those of the training clips.
    found = held.Held(spec)
    own = np.concatenate([np.atleast_2d(found.of(clips[row, :, 0])) for row in TRAIN])
    own = own[(own != 0).any(axis=1)]
    mean, std = trained.weights["standardised"]
    np.testing.assert_allclose(mean, own.mean(axis=0), atol=1e-4)
    np.testing.assert_allclose(std, own.std(axis=0), atol=1e-4)


@pytest.mark.component
@pytest.mark.parametrize("approach", ["A1", "A2", "A5", "A7", "A8"])
def test_approaches_on_clips_and_on_what_is_given(engine, embedded, trained, spec, approach):
    job = _job(spec, train=TRAIN[:9], start=trained.weights, approach=approach)
    own = engine.run(job)
    _assert_close(embedded.run(job), own)
    for group, fate in own.fates.items():
        if fate == "frozen":
            assert own.hashes[group] == trained.hashes[group]
    assert own.idle == ()


@pytest.mark.component
def test_a_held_layer_that_learns_is_computed_from_clips(engine, embedded, trained, spec):
    job = _job(spec, train=TRAIN[:9], start=trained.weights, approach="A2-unfrozen")
    outcome = engine.run(job)
    changed = {group: outcome.hashes[group] != trained.hashes[group] for group in spec.groups}
    assert (changed["block1"], changed["block2"]) == (False, True)
    with pytest.raises(ValueError, match="A2-unfrozen lets block2 learn, of which only the out"):
        embedded.run(job)


@pytest.mark.component
def test_statistics_of_frames_of_many_lengths(clips):
    # Three batches, each of a length of its own.
    many = np.concatenate([clips] * 6)
    rows = np.argsort(np.argmin(many[:, :, 0] != 0, axis=1), kind="stable")
    spec = NetworkSpec(front_end="log_mel_cnn", preset="small", outputs=6)
    engine = Engine(ArrayRows(many), np.arange(len(many)) % 6, limit_bytes=2**30)
    trained = engine.run(_job(spec, train=rows))
    layers = {layer.name: layer for layer in spec.build(seed=0).layers}
    frames = np.concatenate([layers["log_mel"](many[[row]])[0] for row in rows])
    own = frames[(frames != 0).any(axis=1)]
    mean, std = trained.weights["standardised"]
    np.testing.assert_allclose(mean, own.mean(axis=0), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(std, own.std(axis=0), rtol=1e-4, atol=1e-4)


@pytest.mark.component
@pytest.mark.parametrize("approach", ["A3", "A5"])
def test_frozen_layers_whose_outputs_are_of_many_lengths(clips, approach):
    spec = NetworkSpec(front_end="log_mel_cnn", preset="small", outputs=6)
    engine = Engine(ArrayRows(clips), LABELS, limit_bytes=2**30)
    start = freezing.weights_of(spec.build(seed=0), spec.groups)
    job = _job(spec, train=TRAIN[:9], start=start, approach=approach)
    outcome = engine.run(job)
    for group, fate in outcome.fates.items():
        assert (outcome.hashes[group] == outcome.hashes_before[group]) == (fate == "frozen")
    network = spec.build(seed=1)
    freezing.set_weights(network, outcome.weights)
    expected = network.predict(clips[TESTED], verbose=0)
    np.testing.assert_allclose(outcome.probabilities, expected, atol=1e-5)


def test_an_encoder_that_is_not_there(engine, spec, monkeypatch, tmp_path):
    monkeypatch.setenv("SER_ENCODERS", str(tmp_path))
    with pytest.raises(UserError, match="encoder random: is not in"):
        engine.run(_job(spec))
    assert isinstance(spec.encoder, EncoderSpec)
