"""Layers between a front end's vector and the probabilities.

Imports keras and numpy only, so that it runs on any Keras backend.
"""

from collections.abc import Iterable
from typing import Any

import keras
import numpy as np

HIDDEN_UNITS = 256
INPUT_DROPOUT = 0.25
HIDDEN_DROPOUT = 0.5
# The paper's (section 2).
PAPER_UNITS = 1_000
PAPER_DROPOUT = 0.3
_LEAST_STD = 1e-6
# Values further from the mean, in standard deviations, are drawn to it.
_LARGEST = 6.0


@keras.saving.register_keras_serializable(package="ser")
class Standardisation(keras.layers.Layer):
    """Each channel less its mean and over its standard deviation on the training clips.

    Both are weights that no gradient reaches; `fit` sets them. Outputs are clipped at six standard
    deviations. Frames that are 0 in all channels are behind a clip's end and stay so.
    """

    def build(self, input_shape: tuple[Any, ...]) -> None:
        """Makes mean and standard deviation, of 0 and 1."""
        shape = (input_shape[-1],)
        self.mean = self.add_weight(shape, "zeros", trainable=False, name="mean")
        self.std = self.add_weight(shape, "ones", trainable=False, name="std")

    def fit(self, batches: Iterable[np.ndarray]) -> None:
        """Takes the statistics of what the layer is given, float32 `[n, …, channels]` a batch."""
        count, total, squares = 0, 0.0, 0.0
        for batch in batches:
            own = batch[(batch != 0).any(axis=-1)].astype(np.float64)
            count += len(own)
            total, squares = total + own.sum(axis=0), squares + np.square(own).sum(axis=0)
        mean = total / max(count, 1)
        variance = np.maximum(squares / max(count, 1) - np.square(mean), 0.0)
        self.mean.assign(np.broadcast_to(mean, self.mean.shape))
        self.std.assign(np.maximum(np.sqrt(variance), _LEAST_STD) * np.ones(self.std.shape))

    def compute_output_shape(self, input_shape: tuple[Any, ...]) -> tuple[Any, ...]:
        """Returns the shape of the input."""
        return input_shape

    def call(self, inputs: Any) -> Any:
        """Maps `[…, channels]` to the same."""
        ops = keras.ops
        own = ops.any(inputs != 0, axis=-1, keepdims=True)
        return ops.where(own, ops.clip((inputs - self.mean) / self.std, -_LARGEST, _LARGEST), 0.0)


class OfMembers(keras.layers.Layer):
    """A layer of which each of several heads has weights of its own, along their first axis.

    Args:
      members: Number of heads.
      kwargs: Arguments of `keras.layers.Layer`.
    """

    def __init__(self, *, members: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.members = members

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments to build the layer again."""
        return {**super().get_config(), "members": self.members}


@keras.saving.register_keras_serializable(package="ser")
class MemberScale(OfMembers):
    """Each channel times a factor that learns, as behind a batch normalisation."""

    def build(self, input_shape: tuple[Any, ...]) -> None:
        """Makes factors of 1, `[members, channels]`."""
        self.factor = self.add_weight((self.members, input_shape[-1]), "ones", name="factor")

    def compute_output_shape(self, input_shape: tuple[Any, ...]) -> tuple[Any, ...]:
        """Returns `[batch, members, channels]`."""
        return (input_shape[0], self.members, input_shape[-1])

    def call(self, inputs: Any) -> Any:
        """Maps `[batch, channels]` to `[batch, members, channels]`."""
        return inputs[:, None] * self.factor


@keras.saving.register_keras_serializable(package="ser")
class MemberDense(OfMembers):
    """A dense layer for each of several heads that know nothing of each other.

    Args:
      units: Number of outputs of each.
      members: Number of heads.
      activation: Name of the activation.
      kwargs: Arguments of `keras.layers.Layer`.
    """

    def __init__(self, units: int, *, members: int, activation: str | None = None, **kwargs: Any):
        super().__init__(members=members, **kwargs)
        self.units = units
        self.activation = activation
        self._activate = keras.activations.get(activation)

    def build(self, input_shape: tuple[Any, ...]) -> None:
        """Makes kernel `[members, inputs, units]` and bias `[members, units]`."""
        # As Keras' own dense layers start (Glorot & Bengio 2010), each head by itself.
        limit = (6.0 / (input_shape[-1] + self.units)) ** 0.5
        self.kernel = self.add_weight(
            (self.members, input_shape[-1], self.units),
            keras.initializers.RandomUniform(-limit, limit),
            name="kernel",
        )
        self.bias = self.add_weight((self.members, self.units), "zeros", name="bias")

    def compute_output_shape(self, input_shape: tuple[Any, ...]) -> tuple[Any, ...]:
        """Returns `[batch, members, units]`."""
        return (input_shape[0], self.members, self.units)

    def call(self, inputs: Any) -> Any:
        """Maps `[batch, inputs]`, for all heads, or `[batch, members, inputs]` to their outputs."""
        equation = "bi,miu->bmu" if len(inputs.shape) == 2 else "bmi,miu->bmu"
        return self._activate(keras.ops.einsum(equation, inputs, self.kernel) + self.bias)

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments to build the layer again."""
        return {**super().get_config(), "units": self.units, "activation": self.activation}


@keras.saving.register_keras_serializable(package="ser")
class MeanOfMembers(keras.layers.Layer):
    """The mean of the heads' probabilities."""

    def compute_output_shape(self, input_shape: tuple[Any, ...]) -> tuple[Any, ...]:
        """Returns `[batch, outputs]`."""
        return (input_shape[0], input_shape[2])

    def call(self, inputs: Any) -> Any:
        """Maps `[batch, members, outputs]` to `[batch, outputs]`."""
        return keras.ops.mean(inputs, axis=1)


def hidden_layer(*, outputs: int, members: int) -> list[keras.Layer]:
    """Returns one hidden layer with dropout before and behind it, and the outputs.

    Its layers with weights are `dense` and `emotion`.
    """
    layers = keras.layers
    return [
        layers.Dropout(INPUT_DROPOUT, name="input_dropout"),
        MemberDense(HIDDEN_UNITS, members=members, activation="gelu", name="dense"),
        layers.Dropout(HIDDEN_DROPOUT, name="dense_dropout"),
        MemberDense(outputs, members=members, activation="softmax", name="emotion"),
        MeanOfMembers(name="probabilities"),
    ]


def paper_head(*, outputs: int) -> list[keras.Layer]:
    """Returns the paper's dense layers (section 2): `dense1`, `dense2` and `emotion`."""
    layers = keras.layers
    return [
        layers.Dense(PAPER_UNITS, activation="tanh", name="dense1"),
        layers.Dropout(PAPER_DROPOUT, name="dense1_dropout"),
        layers.Dense(PAPER_UNITS, activation="tanh", name="dense2"),
        layers.Dropout(PAPER_DROPOUT, name="dense2_dropout"),
        layers.Dense(outputs, activation="softmax", name="emotion"),
    ]
