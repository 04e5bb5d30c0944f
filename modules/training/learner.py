"""A network with its optimizer: the loop of a training.

Imports keras and numpy only, so that it runs on any Keras backend.
"""

import dataclasses
from collections.abc import Collection
from typing import Any

import keras
import numpy as np

from modules.metrics.uar import unweighted_average_recall
from modules.training.answers import Answers, smoothed_accuracy, smoothed_cross_entropy
from modules.training.batches import Batches, InOrder
from modules.training.optimizers import optimizer_of
from modules.training.rows import Rows
from modules.training.settings import Settings


@dataclasses.dataclass(frozen=True, kw_only=True)
class Learnt:
    """What a training did.

    Attributes:
      history: One dictionary an epoch: `loss`, `accuracy`, with an inner split also `val_loss` and
        `val_uar`.
      kept_epoch: Epoch, from 1, whose weights early stopping kept; `None` without patience.
    """

    history: list[dict[str, float]]
    kept_epoch: int | None


class Learner:
    """A network with its optimizer, compiled once, that can be trained any number of times.

    Args:
      network: Classifier of clips; layers with `trainable=False` stay as they are.
      settings: What the compiled network depends on: the optimizer, its weight decay, and whether
        labels are smoothed.
      l2_sp: Strength of the pull towards the weights that a training starts from; see `optimizers`.
      held: Layers that came trained; those of them that learn take smaller steps.
    """

    def __init__(
        self,
        network: keras.Model,
        settings: Settings,
        *,
        l2_sp: float = 0.0,
        held: Collection[str] = (),
    ):
        self.network = network
        slow = frozenset(
            variable.path
            for layer in network.layers
            if layer.name in held
            for variable in layer.trainable_variables
        )
        self._optimizer = optimizer_of(settings, l2_sp=l2_sp, slow=slow)
        smoothed = settings.label_smoothing > 0
        accuracy = keras.metrics.MeanMetricWrapper(smoothed_accuracy, name="accuracy")
        network.compile(
            optimizer=self._optimizer,
            loss=smoothed_cross_entropy if smoothed else "sparse_categorical_crossentropy",
            metrics=[accuracy if smoothed else "accuracy"],
        )
        self._optimizer.build(network.trainable_variables)

    @staticmethod
    def key(settings: Settings) -> tuple[Any, ...]:
        """Returns what settings must have in common to share a compiled network."""
        return settings.optimizer, settings.weight_decay, settings.label_smoothing > 0

    @property
    def l2_sp(self) -> float:
        """The strength that the optimizer applies."""
        return self._optimizer.l2_sp

    def fit(
        self,
        source: Rows,
        rows: np.ndarray,
        answers: Answers,
        *,
        settings: Settings,
        validation: tuple[Rows, np.ndarray, np.ndarray] | None = None,
        callbacks: tuple[keras.callbacks.Callback, ...] = (),
    ) -> Learnt:
        """Trains the network in place, from the weights it has now (paper, section 2).

        Args:
          source: What the network takes.
          rows: int64 `[n]`, which rows of it to train on.
          answers: The network's right answers to them.
          settings: How long and how fast.
          validation: Source, rows and labels of the inner split, never of a test fold. Needed for
            patience.
          callbacks: Further Keras callbacks.

        Raises:
          ValueError: There are no clips, or patience without an inner split.
        """
        if not len(rows):
            raise ValueError("there are no clips to train on")
        if settings.patience and validation is None:
            raise ValueError("early stopping needs an inner split: set patience to 0 or give one")
        _seed_dropout(self.network, settings.seed)
        batches = Batches(source, rows, answers, settings)
        self._optimizer.start_over(settings=settings, total_steps=len(batches))
        # The order matters: InnerValidation writes the logs that the callbacks after it read.
        hooks: list[keras.callbacks.Callback] = []
        if validation is not None:
            hooks.append(InnerValidation(*validation))
        stopping = None
        if settings.patience:
            stopping = keras.callbacks.EarlyStopping(
                monitor="val_loss",
                mode="min",
                patience=settings.patience,
                restore_best_weights=True,
            )
            hooks.append(stopping)
        history = self.network.fit(
            batches,
            epochs=settings.epochs,
            # One iterator for all epochs: to build one takes as long as several small steps.
            steps_per_epoch=batches.per_epoch,
            # Batches shuffles by its own seed.
            shuffle=False,
            verbose=0,
            callbacks=[*hooks, *callbacks],
        ).history
        columns = {name: [float(value) for value in values] for name, values in history.items()}
        return Learnt(
            history=[
                dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)
            ],
            kept_epoch=stopping.best_epoch + 1 if stopping else None,
        )


class InnerValidation(keras.callbacks.Callback):
    """Adds `val_loss` (mean cross-entropy) and `val_uar` on the inner split to the epoch's logs.

    Args:
      source: What the network takes.
      rows: int64 `[n]`, the inner split's rows of it.
      labels: int64 `[n]`, the network's right answers to them.
    """

    def __init__(self, source: Rows, rows: np.ndarray, labels: np.ndarray):
        super().__init__()
        self._source = source
        self._rows = rows
        self._labels = labels

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Called by Keras."""
        if logs is None:
            return
        probabilities = predict(self.model, self._source, self._rows)
        chosen = probabilities[np.arange(len(self._labels)), self._labels]
        logs["val_loss"] = float(-np.log(np.maximum(chosen, 1e-7)).mean())
        logs["val_uar"] = unweighted_average_recall(self._labels, probabilities.argmax(axis=1))


def predict(network: keras.Model, source: Rows, rows: np.ndarray) -> np.ndarray:
    """Returns a network's outputs for some rows of `source`, float32 `[n, …]`."""
    if not len(rows):
        return np.empty((0, *network.output_shape[1:]), np.float32)
    return network.predict(InOrder(source, rows), verbose=0)


def _seed_dropout(network: keras.Model, seed: int) -> None:
    """Fixes the dropout masks: a loaded network draws its dropout's seeds from the clock."""
    for index, layer in enumerate(network.layers):
        if isinstance(layer, keras.layers.Dropout):
            layer.seed_generator.state.assign([seed, index])
