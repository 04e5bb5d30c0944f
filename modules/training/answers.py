"""What a network should answer to clips, as its loss takes it.

Imports keras and numpy only, so that it runs on any Keras backend.
"""

from typing import Any

import keras
import numpy as np

_LEAST_PROBABILITY = 1e-7


class Answers:
    """The right answers to clips: their labels, or target distributions over their domains' labels.

    Args:
      labels: int64 `[n]`, positions among the network's outputs.
      domains: int64 `[n]`, number of each clip's domain.
      outputs: Number of outputs.
      smoothing: Share of the target probability that all labels of a domain have in common; 0 gives
        labels, with which every output is part of the loss.
    """

    def __init__(
        self, labels: np.ndarray, domains: np.ndarray, *, outputs: int, smoothing: float = 0.0
    ):
        self.labels = labels
        self.domains = domains
        self._smoothing = smoothing
        own = np.zeros((domains.max(initial=0) + 1, outputs), np.float32)
        own[domains, labels] = 1.0
        self._own = own

    def take(self, chosen: np.ndarray) -> np.ndarray:
        """Returns the answers to some clips.

        Args:
          chosen: int64 `[m]`, their numbers.

        Returns:
          int64 `[m]`, or with smoothing float32 `[m, 2 * outputs]`: the target distribution, and
          then 1 for labels of the domain and 0 for others; see `smoothed_cross_entropy`.
        """
        labels = self.labels[chosen]
        if not self._smoothing:
            return labels
        own = self._own[self.domains[chosen]]
        targets = self._smoothing * own / own.sum(axis=1, keepdims=True)
        targets[np.arange(len(labels)), labels] += 1.0 - self._smoothing
        return np.concatenate([targets, own], axis=1).astype(np.float32)


def smoothed_cross_entropy(answers: Any, probabilities: Any) -> Any:
    """Returns the cross-entropy over the labels of each clip's domain, float32 `[batch]`.

    Args:
      answers: float32 `[batch, 2 * outputs]`, of `Answers.take` with smoothing.
      probabilities: float32 `[batch, outputs]`; those of other labels are left out, and the rest
        taken to add up to 1.
    """
    ops = keras.ops
    targets, own = ops.split(answers, 2, axis=1)
    logarithms = ops.log(ops.maximum(probabilities, _LEAST_PROBABILITY))
    left = ops.log(ops.maximum(ops.sum(own * probabilities, axis=1), _LEAST_PROBABILITY))
    return left - ops.sum(targets * logarithms, axis=1)


def smoothed_accuracy(answers: Any, probabilities: Any) -> Any:
    """Returns 1 for clips whose likeliest label of their domain is the right one, `[batch]`."""
    ops = keras.ops
    targets, own = ops.split(answers, 2, axis=1)
    return ops.equal(ops.argmax(targets, axis=1), ops.argmax(probabilities * own, axis=1))
