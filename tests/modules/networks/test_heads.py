"""Layers of the heads: statistics of the training clips, and heads that know nothing of others."""

import keras
import numpy as np

from modules.networks.heads import (
    MeanOfMembers,
    MemberDense,
    MemberScale,
    Standardisation,
    hidden_layer,
)


def test_standardisation_fits_mean_and_deviation_over_batches():
    random = np.random.default_rng(0)
    values = random.normal([3.0, -1.0, 0.5], [2.0, 0.1, 1.0], size=(50, 3)).astype(np.float32)
    layer = Standardisation()
    layer.build((None, 3))
    layer.fit([values[:7], values[7:30], values[30:]])
    np.testing.assert_allclose(np.array(layer.mean), values.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(np.array(layer.std), values.std(axis=0), rtol=1e-5)
    found = np.array(layer(values))
    expected = (values - values.mean(axis=0)) / values.std(axis=0)
    np.testing.assert_allclose(found, np.clip(expected, -6, 6), atol=1e-4)


def test_frames_behind_the_end_take_no_part_in_the_statistics():
    random = np.random.default_rng(1)
    clips = random.normal(2.0, 1.0, size=(4, 6, 2)).astype(np.float32)
    clips[0, 4:] = clips[2, 1:] = 0.0
    own = clips[(clips != 0).any(axis=2)]
    assert len(own) == 4 * 6 - 2 - 5
    layer = Standardisation()
    layer.build((None, 6, 2))
    layer.fit([clips[:3], clips[3:]])
    np.testing.assert_allclose(np.array(layer.mean), own.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(np.array(layer.std), own.std(axis=0), rtol=1e-5)
    found = np.array(layer(clips))
    assert not found[0, 4:].any()
    assert not found[2, 1:].any()
    np.testing.assert_allclose(found[(clips != 0).any(axis=2)].mean(axis=0), 0, atol=1e-5)


def test_standardisation_of_a_constant_and_of_what_is_far_out():
    layer = Standardisation()
    layer.build((None, 2))
    layer.fit([np.array([[1.0, -3.0], [1.0, 3.0]], np.float32)])
    found = np.array(layer(np.array([[1.0, 300.0], [2.0, -6.0], [0.0, -300.0]], np.float32)))
    # Deviations of 0 and 3; six of them are the furthest.
    np.testing.assert_allclose(found, [[0, 6], [6, -2], [-6, -6]], atol=1e-4)


def test_statistics_are_weights_that_no_gradient_reaches():
    layer = Standardisation()
    layer.build((None, 4))
    assert layer.trainable_weights == []
    layer.trainable = True
    assert layer.trainable_weights == []
    assert [tuple(weight.shape) for weight in layer.weights] == [(4,), (4,)]


def test_members_are_dense_layers_of_their_own():
    random = np.random.default_rng(0)
    first = MemberDense(5, members=3, activation="gelu")
    second = MemberDense(4, members=3, activation="softmax")
    inputs = random.normal(size=(7, 6)).astype(np.float32)
    second(first(inputs))
    for layer in (first, second):
        layer.set_weights([random.normal(size=weight.shape) for weight in layer.weights])
    found = np.array(second(first(inputs)))
    assert found.shape == (7, 3, 4)
    for member in range(3):
        plain = keras.Sequential(
            [
                keras.Input((6,)),
                keras.layers.Dense(5, activation="gelu"),
                keras.layers.Dense(4, activation="softmax"),
            ]
        )
        plain.set_weights([w[member] for layer in (first, second) for w in layer.get_weights()])
        np.testing.assert_allclose(found[:, member], np.array(plain(inputs)), atol=1e-6)
    np.testing.assert_allclose(np.array(MeanOfMembers()(found)), found.mean(axis=1), atol=1e-7)


def test_members_have_factors_of_their_own():
    layer = MemberScale(members=2)
    inputs = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
    # At first they are 1.
    np.testing.assert_array_equal(np.array(layer(inputs)), np.stack([inputs] * 2, axis=1))
    layer.set_weights([np.array([[1, 2, 3], [-1, 0, 0.5]])])
    found = np.array(layer(inputs))
    np.testing.assert_allclose(found[:, 0], inputs * [1, 2, 3], rtol=1e-6)
    np.testing.assert_allclose(found[:, 1], inputs * [-1, 0, 0.5], rtol=1e-6)
    again = MemberScale.from_config(layer.get_config())
    assert again.members == 2


def test_members_start_as_keras_dense_layers_do_and_differ():
    keras.utils.set_random_seed(0)
    layer = MemberDense(200, members=3)
    layer.build((None, 100))
    kernel, bias = layer.get_weights()
    # Uniform within ±sqrt(6 / (inputs + outputs)): the deviation is a third's root of that.
    limit = np.sqrt(6 / 300)
    assert np.abs(kernel).max() <= limit
    np.testing.assert_allclose(kernel.std(axis=(1, 2)), limit / np.sqrt(3), rtol=0.02)
    assert not bias.any()
    assert not np.allclose(kernel[0], kernel[1])


def test_one_hidden_layer():
    network = keras.Sequential([keras.Input((10,)), *hidden_layer(outputs=4, members=2)])
    assert network.output_shape == (None, 4)
    # By hand: 10 x 256 and 256 x 4 weights with their biases, twice.
    assert network.count_params() == 2 * (10 * 256 + 256 + 256 * 4 + 4)
    answers = network.predict(np.random.default_rng(0).normal(size=(3, 10)), verbose=0)
    np.testing.assert_allclose(answers.sum(axis=1), 1, atol=1e-6)
