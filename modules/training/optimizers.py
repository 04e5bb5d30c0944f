"""Optimizers that one compiled network can use for any number of trainings.

Imports keras and numpy; on the TensorFlow backend also TensorFlow, for AdaDelta's kernel.

They rely on these private parts of Keras 3.6's optimizers, which `tests/modules/training/
test_optimizers.py` pins:

- `_trainable_variables`: the variables given to `build`, in their order.
- `_get_variable_index(variable)`: a variable's place among them.
- `_accumulated_grads`, `_accumulated_delta_vars`: AdaDelta's two averages of each, in their order.
- `_learning_rate`: the variable that `learning_rate = …` assigns.
- `_get_current_learning_rate()`: what every step asks for its rate, overridden here.
"""

from typing import Any

import keras
import numpy as np

from modules.training.settings import Settings

# The rate at the first step of `one_cycle`, of the largest; and the share of steps until that one.
_FIRST_RATE = 1 / 25
_WARM_UP = 0.1
# Share of the rate at which layers learn that a front end else holds as they came: at the full rate
# a transformer forgets what it was trained for.
HELD_RATE = 0.2


class _Restartable(keras.optimizers.Optimizer):
    """A schedule, and L2-SP, of a Keras optimizer, both of which can start over.

    The schedule's length and the anchors are variables, where Keras' own schedules and
    regularisers are constants of the compiled graph.

    Args:
      l2_sp: Strength of the pull towards the weights that the training started from, L2-SP
        (Li, Grandvalet & Davoine 2018, equation 2); 0 for none.
      arguments: Arguments of the Keras optimizer.

    Attributes:
      slow: Paths of variables that came trained, of which AdamW takes smaller steps.
    """

    def __init__(self, *, l2_sp: float = 0.0, **arguments: Any):
        super().__init__(**arguments)
        self.l2_sp = l2_sp
        self.slow: frozenset[str] = frozenset()

    def build(self, variables: list[Any]) -> None:
        """Makes the variables of the optimizer, once."""
        if self.built:
            return
        super().build(variables)
        self.total_steps = self.add_variable((), name="total_steps")
        self.warm_steps = self.add_variable((), name="warm_steps")
        self.anchors = [
            self.add_variable_from_reference(variable, name="anchor")
            for variable in (variables if self.l2_sp else [])
        ]

    def start_over(self, *, settings: Settings, total_steps: int) -> None:
        """Forgets all earlier steps; the network's present weights become the anchors.

        Args:
          settings: Its rate and its schedule.
          total_steps: Steps after which the rate is 0, unless it is constant.
        """
        for variable in self.variables:
            variable.assign(np.zeros(variable.shape))
        self.learning_rate = settings.learning_rate
        self.total_steps.assign(0 if settings.schedule == "constant" else total_steps)
        self.warm_steps.assign(_WARM_UP * total_steps if settings.schedule == "one_cycle" else 0)
        # Without L2-SP there are no anchors.
        for anchor, variable in zip(self.anchors, self._trainable_variables, strict=False):
            anchor.assign(variable)

    def apply(self, grads: list[Any], trainable_variables: list[Any] | None = None) -> None:
        """Updates the variables by their gradients; L2-SP adds its own to them."""
        if self.l2_sp:
            variables = self._trainable_variables
            grads = [
                grad + self.l2_sp * (keras.ops.convert_to_tensor(variable) - anchor)
                for grad, variable, anchor in zip(grads, variables, self.anchors, strict=True)
            ]
        super().apply(grads, trainable_variables)

    def _get_current_learning_rate(self) -> Any:
        ops = keras.ops
        total, warm = ops.convert_to_tensor(self.total_steps), self.warm_steps
        step = ops.cast(self.iterations, "float32")
        rising = ops.minimum(step / ops.maximum(warm, 1.0), 1.0)
        falling = ops.clip((step - warm) / ops.maximum(total - warm, 1.0), 0.0, 1.0)
        first = _FIRST_RATE + (1.0 - _FIRST_RATE) * 0.5 * (1.0 - ops.cos(np.pi * rising))
        then = 0.5 * (1.0 + ops.cos(np.pi * falling))
        share = ops.where(step < warm, first, then)
        return self._learning_rate * ops.where(total > 0, share, 1.0)


class Adadelta(_Restartable, keras.optimizers.Adadelta):
    """Keras' AdaDelta that can start over; arguments as of `_Restartable`."""

    def __init__(self, *, l2_sp: float = 0.0):
        super().__init__(l2_sp=l2_sp, learning_rate=1.0)

    def update_step(self, grad: Any, variable: Any, learning_rate: Any) -> None:
        """Updates a variable; on TensorFlow by its kernel, in one pass over memory, not twenty."""
        if keras.backend.backend() != "tensorflow":
            super().update_step(grad, variable, learning_rate)
            return
        import tensorflow as tf

        index = self._get_variable_index(variable)
        tf.raw_ops.ResourceApplyAdadelta(
            var=variable.handle,
            accum=self._accumulated_grads[index].value.handle,
            accum_update=self._accumulated_delta_vars[index].value.handle,
            lr=tf.cast(learning_rate, tf.float32),
            rho=self.rho,
            epsilon=self.epsilon,
            grad=grad,
        )


class AdamW(_Restartable, keras.optimizers.AdamW):
    """Keras' AdamW (Loshchilov & Hutter 2019) that can start over.

    Args:
      weight_decay: Share of each weight, times the rate, that a step takes away.
      l2_sp: As of `_Restartable`.
    """

    def __init__(self, *, weight_decay: float, l2_sp: float = 0.0):
        super().__init__(l2_sp=l2_sp, learning_rate=1e-3, weight_decay=weight_decay)

    def update_step(self, grad: Any, variable: Any, learning_rate: Any) -> None:
        """Updates a variable; those that came trained at a smaller rate."""
        # In a training, TensorFlow's own variable is given, which has no path.
        own = self._trainable_variables[self._get_variable_index(variable)]
        factor = HELD_RATE if own.path in self.slow else 1.0
        super().update_step(grad, variable, learning_rate * factor)


def optimizer_of(
    settings: Settings, *, l2_sp: float, slow: frozenset[str] = frozenset()
) -> Adadelta | AdamW:
    """Returns the optimizer of a training; see `_Restartable`."""
    if settings.optimizer == "adamw":
        optimizer: Adadelta | AdamW = AdamW(weight_decay=settings.weight_decay, l2_sp=l2_sp)
    else:
        optimizer = Adadelta(l2_sp=l2_sp)
    optimizer.slow = slow
    return optimizer
