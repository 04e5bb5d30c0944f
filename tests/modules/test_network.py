"""The network against the paper's figures (DESIGN: section 5; paper: section 2)."""

import keras
import numpy as np
import pytest

from modules.network import LAYER_GROUPS, PRESETS, build_network
from modules.training import Settings, fit

# Counted by hand from the paper: weights and biases, layer by layer.
CONV1 = 128 * 1 * 128 + 128
CONV2 = 128 * 128 * 128 + 128
LSTM = 4 * 500 * (128 + 500 + 1)
DENSE = 2 * (1_000 * 1_000 + 1_000) + 1_000 * 6 + 6


@pytest.mark.parametrize("preset", PRESETS)
def test_parameters_are_the_papers(preset):
    network = build_network(preset=preset, seed=0)
    assert CONV1 + CONV2 + LSTM + DENSE == 5_379_798
    assert network.count_params() == 5_379_798


@pytest.mark.parametrize(
    ("preset", "lengths"),
    [("paper", (53_873, 420, 293, 2)), ("fast", (3_368, 421, 37, 2))],
)
def test_time_steps(preset, lengths):
    network = build_network(preset=preset, seed=0)
    names = ("conv1", "pool1", "conv2", "pool2")
    assert tuple(network.get_layer(name).output.shape[1] for name in names) == lengths
    assert network.get_layer("lstm").output.shape == (None, 2, 500)
    assert network.get_layer("flatten").output.shape == (None, 1_000)


def test_presets_share_the_shapes_of_their_weights():
    shapes = [
        [weight.shape for weight in build_network(preset=preset, seed=0).weights]
        for preset in PRESETS
    ]
    assert shapes[0] == shapes[1]


def test_layer_groups_cover_every_weight():
    network = build_network(preset="fast", seed=0)
    grouped = {name for names in LAYER_GROUPS.values() for name in names}
    assert grouped == {layer.name for layer in network.layers if layer.count_params()}


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_trains(preset):
    clips = np.random.default_rng(0).normal(size=(2, 54_000, 1)).astype(np.float32)
    network = build_network(preset=preset, seed=0)
    before = network.get_weights()
    [epoch] = fit(network, clips, np.array([0, 1]), settings=Settings(epochs=1))
    assert np.isfinite(epoch["loss"])
    for first, after in zip(before, network.get_weights(), strict=True):
        assert not np.array_equal(first, after)


def test_outputs_are_probabilities_and_fixed_by_the_seed():
    clips = np.random.default_rng(0).normal(size=(2, 54_000, 1)).astype(np.float32)
    first, again, other = (
        build_network(preset="fast", seed=seed).predict(clips, verbose=0) for seed in (3, 3, 4)
    )
    assert first.shape == (2, 6)
    np.testing.assert_allclose(first.sum(axis=1), 1.0, rtol=1e-5)
    np.testing.assert_array_equal(first, again)
    assert not np.allclose(first, other)


def test_unknown_preset():
    with pytest.raises(ValueError, match="unknown preset 'large'; there are paper, fast"):
        build_network(preset="large", seed=0)


@pytest.mark.parametrize(("preset", "layer"), [("fast", "conv1"), ("fast", "conv2")])
def test_convolutions_on_frames_equal_keras_own(preset, layer):
    mine = build_network(preset=preset, seed=0).get_layer(layer)
    reference = keras.layers.Conv1D(128, 128, strides=mine.strides, activation="relu")
    reference.build(mine.input.shape)
    reference.set_weights(mine.get_weights())
    clips = np.random.default_rng(0).normal(size=(2, *mine.input.shape[1:])).astype(np.float32)
    assert reference(clips).shape == mine(clips).shape == (2, *mine.output.shape[1:])
    np.testing.assert_allclose(mine(clips), reference(clips), atol=1e-4)


def test_the_lstm_equals_keras_own():
    mine = build_network(preset="fast", seed=0).get_layer("lstm")
    reference = keras.layers.LSTM(500, return_sequences=True)
    reference.build((None, 2, 128))
    random = np.random.default_rng(0)
    # Biases too, which are 0 and 1 in a fresh layer.
    weights = [w + random.normal(size=w.shape).astype(np.float32) * 0.1 for w in mine.get_weights()]
    mine.set_weights(weights)
    reference.set_weights(weights)
    sequences = random.normal(size=(3, 2, 128)).astype(np.float32)
    np.testing.assert_allclose(mine(sequences), reference(sequences), atol=1e-5)
    with pytest.raises(NotImplementedError, match="returns every step"):
        mine(sequences, initial_state=[np.zeros((3, 500))] * 2)


def test_the_network_without_lstm():
    network = build_network(preset="fast", seed=0, architecture="cnn")
    # The first dense layer then takes 2 x 128 numbers instead of 1,000.
    assert network.count_params() == CONV1 + CONV2 + DENSE - (1_000 - 256) * 1_000
    with pytest.raises(ValueError, match="unknown architecture"):
        build_network(preset="fast", seed=0, architecture="rnn")
