"""Trained networks asked about clips.

Imports keras and numpy only, so that it runs on any Keras backend.
"""

import numpy as np

from modules.metrics.uar import best_of
from modules.training.engine import Engine
from modules.training.job import Job, Outcome
from modules.training.settings import Settings
from modules.training.trained import Trained
from schemas.labels import LabelSet


def answers_of(
    engine: Engine,
    network: Trained,
    rows: np.ndarray,
    *,
    labels: LabelSet,
    own_labels: tuple[str, ...],
) -> list[np.ndarray]:
    """Returns the answers of a network, and of each of its members: int64 `[m]` in `labels`.

    Args:
      engine: Has the clips.
      network: The network.
      rows: int64 `[m]`, the clips to ask about.
      labels: Label set that answers are positions in.
      own_labels: Labels of it that can be an answer.
    """
    outcome = ask(engine, network, rows)
    outputs = np.array([network.labels.index(label) for label in own_labels])
    own = np.array([labels.index(label) for label in own_labels])
    return [
        own[best_of(each[:, outputs], np.arange(len(own)))]
        for each in (outcome.probabilities, *outcome.member_probabilities)
    ]


def ask(engine: Engine, network: Trained, rows: np.ndarray) -> Outcome:
    """Returns what a network gives for clips, as the outcome of a training that trains nothing.

    Args:
      engine: Has the clips.
      network: The network.
      rows: int64 `[m]`, the clips to ask about.
    """
    return engine.run(
        Job(
            name=f"asking {network.record.name}",
            network=network.spec,
            settings=Settings(epochs=1),
            train=rows[:0],
            tested=rows,
            start=network.weights,
            # Nothing is trained.
            approach="A1",
        )
    )
