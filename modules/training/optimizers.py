"""AdaDelta that one compiled network can use for any number of trainings.

Imports keras and numpy; on the TensorFlow backend also TensorFlow, for its kernel.

It relies on these private parts of Keras 3.6's optimizers, which `tests/modules/training/
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


class Adadelta(keras.optimizers.Adadelta):
    """Keras' AdaDelta with a cosine schedule and L2-SP, both of which can start over.

    The schedule's length and the anchors are variables, where Keras' own schedules and
    regularisers are constants of the compiled graph.

    Args:
      l2_sp: Strength of the pull towards the weights that the training started from, L2-SP
        (Li, Grandvalet & Davoine 2018, equation 2); 0 for none.
    """

    def __init__(self, *, l2_sp: float = 0.0):
        super().__init__(learning_rate=1.0)
        self.l2_sp = l2_sp

    def build(self, variables: list[Any]) -> None:
        """Makes the variables of the optimizer, once."""
        if self.built:
            return
        super().build(variables)
        self.total_steps = self.add_variable((), name="total_steps")
        self.anchors = [
            self.add_variable_from_reference(variable, name="anchor")
            for variable in (variables if self.l2_sp else [])
        ]

    def start_over(self, *, learning_rate: float, total_steps: int) -> None:
        """Forgets all earlier steps; the network's present weights become the anchors.

        Args:
          learning_rate: Rate at the first step.
          total_steps: Steps after which the rate is 0, along half a cosine; 0 keeps it constant.
        """
        for variable in self.variables:
            variable.assign(np.zeros(variable.shape))
        self.learning_rate = learning_rate
        self.total_steps.assign(total_steps)
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

    def _get_current_learning_rate(self) -> Any:
        total = keras.ops.maximum(self.total_steps, 1.0)
        share = keras.ops.minimum(keras.ops.cast(self.iterations, "float32") / total, 1.0)
        cosine = 0.5 * (1.0 + keras.ops.cos(np.pi * share))
        return self._learning_rate * keras.ops.where(self.total_steps > 0, cosine, 1.0)
