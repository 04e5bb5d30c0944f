"""The network against the paper's figures (DESIGN: section 5; paper: section 2)."""

import keras
import numpy as np
import pytest

from modules.networks.layers import PooledConv1D
from modules.networks.registry import FRONT_ENDS, NetworkSpec, load_network
from modules.training.answers import Answers
from modules.training.learner import Learner
from modules.training.rows import ArrayRows
from modules.training.settings import Settings

# Counted by hand from the paper: weights and biases, layer by layer.
CONV1 = 128 * 1 * 128 + 128
CONV2 = 128 * 128 * 128 + 128
LSTM = 4 * 500 * (128 + 500 + 1)
DENSE = 2 * (1_000 * 1_000 + 1_000) + 1_000 * 6 + 6


# With the LSTM, the other two are without.
PRESETS = ("fast", "paper")


def build_network(*, seed=0, outputs=6, **spec):
    return NetworkSpec(front_end="waveform", outputs=outputs, **spec).build(seed=seed)


@pytest.mark.parametrize("preset", PRESETS)
def test_parameters_are_the_papers(preset):
    network = build_network(preset=preset)
    assert CONV1 + CONV2 + LSTM + DENSE == 5_379_798
    assert network.count_params() == 5_379_798


def test_there_is_an_output_for_each_label():
    network = build_network(preset="fast", outputs=4)
    assert network.output_shape == (None, 4)
    # Two labels less: 1,000 weights and a bias each.
    assert network.count_params() == 5_379_798 - 2 * 1_001


# Steps after conv1, pool1, conv2 and pool2, counted by hand from strides and pools.
LENGTHS = {"paper": (53_873, 420, 293, 2), "fast": (3_368, 421, 37, 2)}
STRIDES_AND_POOLS = {"paper": ((1, 128), (1, 128)), "fast": ((16, 8), (8, 16))}


def plain_network(preset):
    """The paper's layers as Keras has them, one after the other, without dropout."""
    layers = keras.layers
    stack = [keras.Input((54_000, 1))]
    for stride, pool in STRIDES_AND_POOLS[preset]:
        stack += [
            layers.Conv1D(128, 128, strides=stride, activation="relu"),
            layers.MaxPooling1D(pool),
        ]
    stack += [
        layers.LSTM(500, return_sequences=True),
        layers.Flatten(),
        layers.Dense(1_000, activation="tanh"),
        layers.Dense(1_000, activation="tanh"),
        layers.Dense(6, activation="softmax"),
    ]
    return keras.Sequential(stack)


@pytest.mark.parametrize("preset", PRESETS)
def test_the_network_equals_the_papers_layers(preset):
    mine, reference = build_network(preset=preset, seed=0), plain_network(preset)
    assert tuple(layer.output.shape[1] for layer in reference.layers[:4]) == LENGTHS[preset]
    assert mine.get_layer("lstm").output.shape == (None, 2, 500)
    assert mine.get_layer("flatten").output.shape == (None, 1_000)
    random = np.random.default_rng(0)
    # Biases too, which are 0 in a fresh network.
    weights = [w + random.normal(size=w.shape, scale=0.01) for w in mine.get_weights()]
    mine.set_weights(weights)
    reference.set_weights(weights)
    clips = random.normal(size=(2, 54_000, 1)).astype(np.float32)
    np.testing.assert_allclose(
        mine.predict(clips, verbose=0), reference.predict(clips, verbose=0), atol=1e-5
    )


def test_the_network_learns_as_the_papers_layers_do():
    mine, reference = build_network(preset="fast", seed=0), plain_network("fast")
    reference.set_weights(mine.get_weights())
    mine = keras.Sequential([layer for layer in mine.layers if "dropout" not in layer.name])
    clips = np.random.default_rng(0).normal(size=(4, 54_000, 1)).astype(np.float32)
    for network in (mine, reference):
        network.compile(keras.optimizers.SGD(0.1), loss="sparse_categorical_crossentropy")
        network.fit(clips, np.array([0, 1, 2, 3]), epochs=2, verbose=0)
    for own, other in zip(mine.get_weights(), reference.get_weights(), strict=True):
        np.testing.assert_allclose(own, other, atol=1e-5)


@pytest.mark.parametrize(("preset", "samples"), [("paper", 49_151), ("fast", 48_240)])
def test_only_the_samples_that_decide_are_computed(preset, samples):
    network = build_network(preset=preset, seed=0)
    assert network.get_layer("heard").output.shape == (None, samples, 1)
    clips = np.random.default_rng(0).normal(size=(1, 54_000, 1)).astype(np.float32)
    before = plain_network(preset)
    first = before.predict(clips, verbose=0)
    clips[:, samples:] = 9.0
    np.testing.assert_array_equal(first, before.predict(clips, verbose=0))
    clips[:, samples - 1] = 1e6
    assert not np.array_equal(first, before.predict(clips, verbose=0))


def test_bfloat16_rounds_the_convolutions_only():
    clips = np.random.default_rng(0).normal(size=(2, 54_000, 1)).astype(np.float32)
    exact, rounded = (
        build_network(preset="fast", seed=0, precision=precision)
        for precision in ("float32", "bfloat16")
    )
    assert {weight.dtype for weight in rounded.weights} == {"float32"}
    trunks = [keras.Model(net.inputs, net.get_layer("conv1").output) for net in (exact, rounded)]
    first, second = (trunk.predict(clips, verbose=0) for trunk in trunks)
    # Operands and outputs keep 8 bits.
    np.testing.assert_allclose(first, second, rtol=2**-6, atol=2**-6)
    assert not np.array_equal(first, second)
    with pytest.raises(ValueError, match="unknown precision 'float8'; there are float32, bfloat16"):
        build_network(preset="fast", seed=0, precision="float8")


def test_a_network_of_bfloat16_is_loaded_as_it_was(tmp_path):
    clips = np.random.default_rng(0).normal(size=(2, 54_000, 1)).astype(np.float32)
    network = build_network(preset="fast", seed=0, precision="bfloat16")
    network.save(tmp_path / "network.keras")
    loaded = load_network(str(tmp_path / "network.keras"))
    np.testing.assert_array_equal(
        network.predict(clips, verbose=0), loaded.predict(clips, verbose=0)
    )
    assert loaded.get_layer("conv2").precision == "bfloat16"


def test_presets_share_the_shapes_of_their_weights():
    shapes = [
        [weight.shape for weight in build_network(preset=preset, seed=0).weights]
        for preset in PRESETS
    ]
    assert shapes[0] == shapes[1]


@pytest.mark.parametrize("preset", FRONT_ENDS["waveform"].presets)
def test_layer_groups_cover_every_weight(preset):
    network = build_network(preset=preset)
    groups = NetworkSpec(front_end="waveform", preset=preset, outputs=6).groups
    grouped = {name for names in groups.values() for name in names}
    assert grouped == {layer.name for layer in network.layers if layer.count_params()}


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_trains(preset):
    clips = np.random.default_rng(0).normal(size=(2, 54_000, 1)).astype(np.float32)
    network = build_network(preset=preset, seed=0)
    before = network.get_weights()
    settings, answers = Settings(epochs=1), Answers(np.arange(2), np.zeros(2, int), outputs=6)
    learnt = Learner(network, settings).fit(
        ArrayRows(clips), np.arange(2), answers, settings=settings
    )
    [epoch] = learnt.history
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
    with pytest.raises(
        ValueError, match="unknown preset 'large'; there are fast, paper, fast-cnn, paper-cnn"
    ):
        build_network(preset="large", seed=0)


def test_a_kernel_that_frames_do_not_divide():
    with pytest.raises(ValueError, match="the kernel of 128 steps is no multiple of the stride, 3"):
        PooledConv1D(8, 128, strides=3, pool_size=2)


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
    network = build_network(preset="fast-cnn", seed=0)
    # The first dense layer then takes 2 x 128 numbers instead of 1,000.
    assert network.count_params() == CONV1 + CONV2 + DENSE - (1_000 - 256) * 1_000
    assert NetworkSpec(front_end="waveform", preset="fast-cnn", outputs=6).groups == {
        "conv1": ("conv1",),
        "conv2": ("conv2",),
        "dense": ("dense1", "dense2", "emotion"),
    }
