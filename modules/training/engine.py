"""Fitting a network to clips in memory, with early stopping on an inner split.

Imports keras and numpy only, like `network.py`.
"""

import dataclasses
from typing import Any, Literal

import keras
import numpy as np

from modules.metrics.uar import unweighted_average_recall
from modules.training.optimizers import Adadelta
from schemas.sound import SAMPLE_RATE_HZ


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings:
    """How long and how fast a network learns.

    Attributes:
      epochs: at most this many passes over the training clips.
      batch_size: in clips.
      learning_rate: of AdaDelta; Keras 1 and 2, and so the paper, have 1.0 by default.
      schedule: `constant`, as in the paper, or `cosine`: the rate falls to 0 over all epochs along
        half a cosine (Loshchilov & Hutter 2017), so that the last weights can be kept without an
        inner split.
      patience: epochs without a lower inner loss after which training stops and the best weights
        come back; 0 trains all epochs and keeps the last weights.
      shift_s: clips move by a random offset of up to this much, in seconds, each time they are
        seen; 0 leaves them in place, as the paper does.
      seed: of the order of the clips, the shifts and the dropout.
    """

    epochs: int
    batch_size: int = 32
    learning_rate: float = 1.0
    schedule: Literal["constant", "cosine"] = "constant"
    patience: int = 0
    shift_s: float = 0.0
    seed: int = 0


class Batches(keras.utils.PyDataset):
    """Shuffled batches of clips of all epochs, the same for the same seed in any order of access.

    Args:
      clips: float32 `[n, time, channels]` or any `[n, …]`.
      labels: int64 `[n]`.
      settings: epochs, batch size, shift and seed.
    """

    def __init__(self, clips: np.ndarray, labels: np.ndarray, settings: Settings):
        super().__init__(workers=1, use_multiprocessing=False)
        self._clips = clips
        self._labels = labels
        self._settings = settings
        self._shift_samples = round(settings.shift_s * SAMPLE_RATE_HZ)
        self._order: tuple[int, np.ndarray] = (-1, np.empty(0, np.int64))
        self.per_epoch = -(-len(labels) // settings.batch_size)

    def __len__(self) -> int:
        return self.per_epoch * self._settings.epochs

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        epoch, step = divmod(index, self.per_epoch)
        if self._order[0] != epoch:
            random = np.random.default_rng([self._settings.seed, epoch])
            self._order = epoch, random.permutation(len(self._labels))
        size = self._settings.batch_size
        chosen = self._order[1][step * size : (step + 1) * size]
        if not self._shift_samples:
            return self._clips[chosen], self._labels[chosen]
        limit, samples = self._shift_samples, self._clips.shape[1]
        random = np.random.default_rng([self._settings.seed, epoch, step])
        shifts = random.integers(-limit, limit + 1, len(chosen)) % samples
        clips = np.empty((len(chosen), *self._clips.shape[1:]), self._clips.dtype)
        for clip, row, shift in zip(clips, chosen, shifts, strict=True):
            # np.roll without its copy.
            clip[shift:] = self._clips[row, : samples - shift]
            clip[:shift] = self._clips[row, samples - shift :]
        return clips, self._labels[chosen]


class InnerValidation(keras.callbacks.Callback):
    """Adds `val_loss` (mean cross-entropy) and `val_uar` on the inner split to the epoch's logs."""

    def __init__(self, clips: np.ndarray, labels: np.ndarray):
        super().__init__()
        self._clips = clips
        self._labels = labels

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if logs is None:
            return
        probabilities = self.model.predict(self._clips, batch_size=64, verbose=0)
        chosen = probabilities[np.arange(len(self._labels)), self._labels]
        logs["val_loss"] = float(-np.log(np.maximum(chosen, 1e-7)).mean())
        logs["val_uar"] = unweighted_average_recall(self._labels, probabilities.argmax(axis=1))


class Learner:
    """A network with its optimizer, compiled once, that can be trained any number of times.

    Args:
      network: any classifier of clips; layers with `trainable=False` stay as they are.
      l2_sp: see `Adadelta`.
    """

    def __init__(self, network: keras.Model, *, l2_sp: float = 0.0):
        self.network = network
        self._optimizer = Adadelta(l2_sp=l2_sp)
        network.compile(
            optimizer=self._optimizer,
            loss="sparse_categorical_crossentropy",
            metrics=["accuracy"],
        )
        self._optimizer.build(network.trainable_variables)

    def fit(
        self,
        clips: np.ndarray,
        labels: np.ndarray,
        *,
        settings: Settings,
        validation: tuple[np.ndarray, np.ndarray] | None = None,
        callbacks: tuple[keras.callbacks.Callback, ...] = (),
    ) -> list[dict[str, float]]:
        """Trains the network in place from the weights it has now; arguments as of `fit` below."""
        if not len(labels):
            raise ValueError("there are no clips to train on")
        if settings.patience and validation is None:
            raise ValueError("early stopping needs an inner split: set patience to 0 or give one")
        _seed_dropout(self.network, settings.seed)
        batches = Batches(clips, labels, settings)
        self._optimizer.start_over(
            learning_rate=settings.learning_rate,
            total_steps=len(batches) if settings.schedule == "cosine" else 0,
        )
        # The order matters: InnerValidation writes the logs that the callbacks after it read.
        hooks: list[keras.callbacks.Callback] = []
        if validation is not None:
            hooks.append(InnerValidation(*validation))
        if settings.patience:
            hooks.append(
                keras.callbacks.EarlyStopping(
                    monitor="val_loss",
                    mode="min",
                    patience=settings.patience,
                    restore_best_weights=True,
                )
            )
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
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def fit(
    network: keras.Model,
    clips: np.ndarray,
    labels: np.ndarray,
    *,
    settings: Settings,
    validation: tuple[np.ndarray, np.ndarray] | None = None,
    callbacks: tuple[keras.callbacks.Callback, ...] = (),
) -> list[dict[str, float]]:
    """Trains `network` in place by cross-entropy and AdaDelta (paper, section 2).

    Args:
      network: any classifier of `clips`; layers with `trainable=False` stay as they are.
      clips: float32 `[n, …]`, what the network takes.
      labels: int64 `[n]`, indices into `schemas.labels.EMOTIONS`.
      settings: how long and how fast.
      validation: clips and labels of the inner split, never of a test fold. Needed for patience.
      callbacks: further Keras callbacks.

    Returns:
      One dictionary an epoch: `loss`, `accuracy` and, with validation, `val_loss`, `val_uar`.

    Raises:
      ValueError: there are no clips, or patience without an inner split.
    """
    return Learner(network).fit(
        clips, labels, settings=settings, validation=validation, callbacks=callbacks
    )


def _seed_dropout(network: keras.Model, seed: int) -> None:
    """Fixes the dropout masks: a loaded network draws its dropout's seeds from the clock."""
    for index, layer in enumerate(network.layers):
        if isinstance(layer, keras.layers.Dropout):
            layer.seed_generator.state.assign([seed, index])


def inner_split(
    labels: np.ndarray,
    domains: np.ndarray,
    speakers: np.ndarray,
    *,
    fraction: float,
    by_speaker: bool,
    seed: int,
) -> np.ndarray:
    """Chooses the clips of the training folds on which early stopping is decided.

    Args:
      labels: int64 `[n]`.
      domains, speakers: str `[n]`.
      fraction: the share of each domain's clips to set aside, at least one class-stratified part.
      by_speaker: set whole speakers aside, so that the inner split asks what the outer folds ask.
      seed: of the choice.

    Returns:
      bool `[n]`, true for the clips set aside. A domain whose speakers cannot be divided (fewer
      than two) is divided by clips.
    """
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    chosen = np.zeros(len(labels), bool)
    parts = max(2, round(1 / fraction))
    for domain in np.unique(domains):
        rows = np.flatnonzero(domains == domain)
        speaker_count = len(np.unique(speakers[rows]))
        if by_speaker and speaker_count > 1:
            splitter = StratifiedGroupKFold(
                min(parts, speaker_count), shuffle=True, random_state=seed
            )
            split = splitter.split(rows, labels[rows], speakers[rows])
        else:
            most_frequent = int(np.bincount(labels[rows]).max())
            splitter = StratifiedKFold(
                max(2, min(parts, most_frequent)), shuffle=True, random_state=seed
            )
            split = splitter.split(rows, labels[rows])
        _, held_out = next(split)
        chosen[rows[held_out]] = True
    return chosen
