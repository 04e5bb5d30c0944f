"""Optimizers: their rules, rates and L2-SP, and the private parts of Keras that they rely on."""

import keras
import numpy as np
import pytest

from modules.training.optimizers import Adadelta, AdamW, optimizer_of
from modules.training.settings import Settings


def test_l2_sp_adds_the_distance_to_the_gradient():
    """Against a loss with the penalty written out (Li, Grandvalet & Davoine 2018, equation 2)."""
    strength = 0.5
    variable = keras.Variable(np.array([1.0, -2.0], np.float32))
    penalised = keras.Variable(np.array([1.0, -2.0], np.float32))
    start = np.array(variable)
    mine, plain = Adadelta(l2_sp=strength), keras.optimizers.Adadelta(1.0)
    mine.build([variable])
    mine.start_over(settings=Settings(epochs=1), total_steps=20)
    target = np.array([3.0, 3.0], np.float32)
    for _ in range(20):
        mine.apply([variable.value - target], [variable])
        pull = strength * (np.array(penalised) - start)
        plain.apply([penalised.value - target + pull], [penalised])
    np.testing.assert_allclose(np.array(variable), np.array(penalised), rtol=1e-5)
    assert not np.allclose(np.array(variable), start)


def test_the_private_parts_of_keras_are_what_they_were():
    """A newer Keras that renames or reorders one of them fails here, and not in a training."""
    variables = [keras.Variable(np.zeros(3, np.float32)), keras.Variable(np.ones(2, np.float32))]
    plain = keras.optimizers.Adadelta(0.5)
    plain.build(variables)
    assert [plain._get_variable_index(variable) for variable in variables] == [0, 1]
    assert all(mine is own for mine, own in zip(plain._trainable_variables, variables, strict=True))
    for averages in (plain._accumulated_grads, plain._accumulated_delta_vars):
        assert [tuple(average.shape) for average in averages] == [(3,), (2,)]
    # The variable that an assignment to the public rate changes.
    rate = plain._learning_rate
    plain.learning_rate = 0.25
    assert plain._learning_rate is rate
    assert float(rate) == float(plain._get_current_learning_rate()) == 0.25
    # One step by the rule of Zeiler 2012, so that each average is the one it is taken for.
    gradient = np.array([1.0, -2.0, 0.5], np.float32)
    plain.apply([gradient, np.zeros(2, np.float32)], variables)
    squares = (1 - plain.rho) * gradient**2
    step = np.sqrt(plain.epsilon) / np.sqrt(squares + plain.epsilon) * gradient
    np.testing.assert_allclose(np.array(plain._accumulated_grads[0]), squares, rtol=1e-5)
    np.testing.assert_allclose(
        np.array(plain._accumulated_delta_vars[0]), (1 - plain.rho) * step**2, rtol=1e-4
    )
    np.testing.assert_allclose(np.array(variables[0]), -0.25 * step, rtol=1e-5)


def test_every_step_asks_for_the_rate_that_is_overridden():
    class Halved(keras.optimizers.Adadelta):
        def _get_current_learning_rate(self):
            return 0.5 * super()._get_current_learning_rate()

    moved = []
    for kind in (keras.optimizers.Adadelta, Halved):
        variable = keras.Variable(np.zeros(1, np.float32))
        optimizer = kind(1.0)
        optimizer.build([variable])
        optimizer.apply([np.ones(1, np.float32)], [variable])
        moved.append(float(np.array(variable)[0]))
    assert moved[1] == moved[0] / 2 != 0


def _moved(optimizer, gradients, start):
    """Returns a variable after some steps, float32 `[n]`."""
    variable = keras.Variable(np.array(start, np.float32))
    optimizer.build([variable])
    if hasattr(optimizer, "start_over"):
        optimizer.start_over(settings=Settings(epochs=1, learning_rate=0.02), total_steps=1)
    for gradient in gradients:
        optimizer.apply([keras.ops.convert_to_tensor(gradient)], [variable])
    return np.array(variable)


@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_adamw_is_keras_own(decay):
    gradients = np.random.default_rng(0).normal(size=(12, 3)).astype(np.float32)
    own = _moved(AdamW(weight_decay=decay), gradients, [1.0, -2.0, 3.0])
    keras_own = keras.optimizers.AdamW(0.02, weight_decay=decay)
    np.testing.assert_allclose(own, _moved(keras_own, gradients, [1.0, -2.0, 3.0]), rtol=1e-6)


def test_weight_decay_takes_a_share_of_the_weights_times_the_rate():
    # Without a gradient nothing else moves: each of five steps leaves 1 - 0.02 * 0.5 of a weight.
    moved = _moved(AdamW(weight_decay=0.5), np.zeros((5, 2), np.float32), [1.0, -4.0])
    np.testing.assert_allclose(moved, np.array([1.0, -4.0]) * (1 - 0.02 * 0.5) ** 5, rtol=1e-5)


@pytest.mark.parametrize("kind", ["adadelta", "adamw"])
def test_an_optimizer_that_starts_over_forgets(kind):
    gradients = np.random.default_rng(0).normal(size=(4, 2)).astype(np.float32)
    settings = Settings(epochs=1, optimizer=kind, learning_rate=0.1, schedule="cosine")
    variable = keras.Variable(np.zeros(2, np.float32))
    optimizer = optimizer_of(settings, l2_sp=0.1)
    optimizer.build([variable])
    ends = []
    for _ in range(2):
        variable.assign(np.ones(2, np.float32))
        optimizer.start_over(settings=settings, total_steps=6)
        for gradient in gradients:
            optimizer.apply([keras.ops.convert_to_tensor(gradient)], [variable])
        ends.append(np.array(variable))
    np.testing.assert_array_equal(*ends)
    assert not np.allclose(ends[0], 1.0)


def _rates(schedule, total_steps, **settings):
    """Returns the rate of each step, and of the one after the last."""
    variable = keras.Variable(np.zeros(1, np.float32))
    optimizer = optimizer_of(Settings(epochs=1, schedule=schedule, **settings), l2_sp=0.0)
    optimizer.build([variable])
    optimizer.start_over(
        settings=Settings(epochs=1, schedule=schedule, **settings), total_steps=total_steps
    )
    rates = []
    for step in range(total_steps + 1):
        assert int(optimizer.iterations) == step
        rates.append(float(optimizer._get_current_learning_rate()))
        optimizer.apply([keras.ops.ones(1)], [variable])
    return np.array(rates)


@pytest.mark.parametrize("kind", ["adadelta", "adamw"])
def test_one_cycle_rises_over_a_tenth_of_the_steps_and_falls_to_nothing(kind):
    rates = _rates("one_cycle", 60, optimizer=kind, learning_rate=0.5)
    np.testing.assert_allclose(rates[0], 0.5 / 25, rtol=1e-5)
    # Half-way up and half-way down, half a cosine is in the middle of its ends.
    np.testing.assert_allclose(rates[3], 0.5 * (1 / 25 + 1) / 2, rtol=1e-5)
    np.testing.assert_allclose(rates[6], 0.5, rtol=1e-5)
    np.testing.assert_allclose(rates[6 + 27], 0.25, rtol=1e-5)
    np.testing.assert_allclose(rates[60], 0.0, atol=1e-7)
    np.testing.assert_allclose(rates[6 + 9], 0.5 * (1 + np.cos(np.pi / 6)) / 2, rtol=1e-5)
    assert np.all(np.diff(rates[:7]) > 0)
    assert np.all(np.diff(rates[6:]) < 0)


def test_other_schedules():
    np.testing.assert_allclose(_rates("constant", 5, learning_rate=0.3), 0.3, rtol=1e-6)
    cosine = keras.optimizers.schedules.CosineDecay(0.3, 8)
    expected = [float(cosine(step)) for step in range(9)]
    np.testing.assert_allclose(_rates("cosine", 8, learning_rate=0.3), expected, atol=1e-7)


def test_what_came_trained_learns_at_a_fifth_of_the_rate():
    settings = Settings(epochs=2, optimizer="adamw", learning_rate=0.1)
    network = keras.Sequential(
        [
            keras.Input((4,)),
            keras.layers.Dense(4, use_bias=False, name="held"),
            keras.layers.Dense(2, use_bias=False, activation="softmax", name="new"),
        ]
    )
    before = network.get_weights()
    slow = frozenset(weight.path for weight in network.get_layer("held").weights)
    optimizer = optimizer_of(settings, l2_sp=0.0, slow=slow)
    network.compile(optimizer, "sparse_categorical_crossentropy")
    optimizer.build(network.trainable_variables)
    optimizer.start_over(settings=settings, total_steps=1)
    network.train_on_batch(np.ones((3, 4), np.float32), np.array([0, 1, 1]))
    # In its first step Adam moves every weight by the rate, whatever the gradient.
    moves = [np.abs(a - b).max() for a, b in zip(network.get_weights(), before, strict=True)]
    np.testing.assert_allclose(moves, [0.02, 0.1], rtol=1e-3)
