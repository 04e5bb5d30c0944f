"""AdaDelta: its rule, L2-SP, and the private parts of Keras that it relies on."""

import keras
import numpy as np

from modules.training.optimizers import Adadelta


def test_l2_sp_adds_the_distance_to_the_gradient():
    """Against a loss with the penalty written out (Li, Grandvalet & Davoine 2018, equation 2)."""
    strength = 0.5
    variable = keras.Variable(np.array([1.0, -2.0], np.float32))
    penalised = keras.Variable(np.array([1.0, -2.0], np.float32))
    start = np.array(variable)
    mine, plain = Adadelta(l2_sp=strength), keras.optimizers.Adadelta(1.0)
    mine.build([variable])
    mine.start_over(learning_rate=1.0, total_steps=0)
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
