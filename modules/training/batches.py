"""Batches of clips for Keras."""

import keras
import numpy as np

from modules.training.rows import Rows
from modules.training.settings import Settings
from schemas.sound import SAMPLE_RATE_HZ

PREDICT_BATCH = 64


class Batches(keras.utils.PyDataset):
    """Shuffled batches of clips of all epochs, the same for the same seed in any order of access.

    Args:
      source: Clips, or what frozen layers made of them.
      rows: int64 `[n]`, which of them to train on.
      labels: int64 `[n]`, their labels.
      settings: Epochs, batch size, shift and seed.
    """

    def __init__(self, source: Rows, rows: np.ndarray, labels: np.ndarray, settings: Settings):
        super().__init__(workers=1, use_multiprocessing=False)
        self._source = source
        self._rows = rows
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
        shifts = None
        if limit := self._shift_samples:
            random = np.random.default_rng([self._settings.seed, epoch, step])
            samples = self._source.row_shape[0]
            shifts = random.integers(-limit, limit + 1, len(chosen)) % samples
        return self._source.take(self._rows[chosen], shifts=shifts), self._labels[chosen]


class InOrder(keras.utils.PyDataset):
    """Batches of clips in order, to be asked about.

    From arrays, Keras compiles a network for the number of clips that it is asked about first, and
    rounds differently for other numbers; from this it compiles one for all numbers.

    Args:
      source: Clips, or what frozen layers made of them.
      rows: int64 `[n]`, which of them, at least one.
    """

    def __init__(self, source: Rows, rows: np.ndarray):
        super().__init__(workers=1, use_multiprocessing=False)
        self._source = source
        self._rows = rows

    def __len__(self) -> int:
        return -(-len(self._rows) // PREDICT_BATCH)

    def __getitem__(self, index: int) -> tuple[np.ndarray]:
        rows = self._rows[index * PREDICT_BATCH : (index + 1) * PREDICT_BATCH]
        return (self._source.take(rows),)
