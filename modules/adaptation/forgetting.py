"""What an adapted network still knows of the domains of its base."""

import numpy as np

from modules.adaptation.findings import Figure, Forgotten
from modules.adaptation.trainings import AS_IT_IS
from modules.metrics.statistics import bootstrap_difference
from modules.metrics.uar import best_of, unweighted_average_recall
from modules.training.clips import Clips
from modules.training.engine import Engine
from modules.training.job import Job
from modules.training.settings import Settings
from modules.training.trained import Trained

# Fewer speakers tell too little of how speakers differ.
LEAST_SPEAKERS = 3


def forgetting(
    clips: Clips, engine: Engine, *, base: Trained, adapted: Trained, seed: int
) -> tuple[Forgotten, ...]:
    """Asks the base and the adapted network about clips of the base's domains.

    Args:
      clips: Clips that the base was not trained on; those that the engine has.
      engine: What computes.
      base, adapted: The networks.
      seed: Seed of the intervals' resamples.
    """
    found = []
    for domain in np.unique(clips.domains):
        rows = np.flatnonzero(clips.domains == domain)
        labels = base.record.domain_labels.get(str(domain), base.record.labels)
        before = _answers(engine, base, base, labels, rows)
        after = None
        if set(labels) <= set(adapted.labels):
            after = _answers(engine, adapted, base, labels, rows)
        truth, speakers = clips.labels[rows], clips.speakers[rows]
        difference = None
        if after is not None:
            few = len(np.unique(speakers)) < LEAST_SPEAKERS
            drawn = clips.utterance_ids[rows] if few else speakers
            interval = bootstrap_difference(truth, after, before, drawn, seed=seed)
            difference = Figure(value=interval.estimate, low=interval.lower, high=interval.upper)
        found.append(
            Forgotten(
                domain=str(domain),
                clips=len(rows),
                speakers=len(np.unique(speakers)),
                base=unweighted_average_recall(truth, before),
                adapted=None if after is None else unweighted_average_recall(truth, after),
                difference=difference,
            )
        )
    return tuple(found)


def _answers(
    engine: Engine, network: Trained, base: Trained, labels: tuple[str, ...], rows: np.ndarray
) -> np.ndarray:
    """Returns a network's answers among a domain's labels, int64 `[n]`, positions of the base's."""
    outcome = engine.run(
        Job(
            name="forgetting",
            network=network.spec,
            settings=Settings(epochs=1),
            train=rows[:0],
            tested=rows,
            start=network.weights,
            approach=AS_IT_IS,
        )
    )
    outputs = np.array([network.labels.index(label) for label in labels])
    own = np.array([base.labels.index(label) for label in labels])
    return own[best_of(outcome.probabilities[:, outputs], np.arange(len(own)))]
