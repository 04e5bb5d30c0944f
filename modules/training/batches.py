"""Batches of clips for Keras."""

import keras
import numpy as np

from modules.training.answers import Answers
from modules.training.rows import Rows
from modules.training.settings import Settings
from schemas.sound import SAMPLE_RATE_HZ

PREDICT_BATCH = 64


class Batches(keras.utils.PyDataset):
    """Batches of clips of all epochs, the same for the same seed in any order of access.

    Args:
      source: Clips, or what frozen layers made of them.
      rows: int64 `[n]`, which of them to train on.
      answers: What the network should answer to them.
      settings: Epochs, batch size, sampling, shift and seed.
    """

    def __init__(self, source: Rows, rows: np.ndarray, answers: Answers, settings: Settings):
        super().__init__(workers=1, use_multiprocessing=False)
        self._source = source
        self._rows = rows
        self._answers = answers
        self._settings = settings
        self._shift_samples = round(settings.shift_s * SAMPLE_RATE_HZ)
        self._order: tuple[int, np.ndarray] = (-1, np.empty(0, np.int64))
        self._chances: np.ndarray | None = None
        self.per_epoch = -(-len(rows) // settings.batch_size)
        if settings.sampling == "balanced":
            self._chances = balanced_chances(answers.labels, answers.domains)
            # Batches are of one size: a smaller last one would weigh its clips more.
            self.per_epoch = max(1, len(rows) // settings.batch_size)

    def __len__(self) -> int:
        return self.per_epoch * self._settings.epochs

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        epoch, step = divmod(index, self.per_epoch)
        size = self._settings.batch_size
        if self._order[0] != epoch:
            random = np.random.default_rng([self._settings.seed, epoch])
            count = len(self._rows)
            order = (
                random.permutation(count)
                if self._chances is None
                else random.choice(count, self.per_epoch * size, p=self._chances)
            )
            self._order = epoch, order
        chosen = self._order[1][step * size : (step + 1) * size]
        shifts = None
        if limit := self._shift_samples:
            random = np.random.default_rng([self._settings.seed, epoch, step])
            samples = self._source.row_shape[0]
            shifts = random.integers(-limit, limit + 1, len(chosen)) % samples
        return self._source.take(self._rows[chosen], shifts=shifts), self._answers.take(chosen)


def balanced_chances(labels: np.ndarray, domains: np.ndarray) -> np.ndarray:
    """Returns the chance of each clip to be drawn, float64 `[n]`.

    Within a domain each label is as likely as another, and a domain by the square root of the
    number of its clips.

    Args:
      labels, domains: int64 `[n]`.

    >>> balanced_chances(np.array([0, 0, 0, 1]), np.array([0, 0, 0, 0])).round(3).tolist()
    [0.167, 0.167, 0.167, 0.5]
    """
    chances = np.zeros(len(labels))
    for domain in np.unique(domains):
        own = domains == domain
        found, inverse, counts = np.unique(labels[own], return_inverse=True, return_counts=True)
        chances[own] = np.sqrt(own.sum()) / (len(found) * counts[inverse])
    return chances / chances.sum()


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
