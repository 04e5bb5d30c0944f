"""What an adapted network still knows of the domains of its base."""

import numpy as np

from modules.adaptation.findings import Figure, Forgotten
from modules.metrics.statistics import bootstrap_difference, resampling_units
from modules.metrics.uar import unweighted_average_recall
from modules.training.asking import answers_of
from modules.training.clips import Clips
from modules.training.engine import Engine
from modules.training.trained import Trained


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
        before, after = (
            answers_of(engine, network, rows, labels=base.labels, own_labels=labels)[0]
            if set(labels) <= set(network.labels)
            else None
            for network in (base, adapted)
        )
        assert before is not None
        truth, speakers = clips.labels[rows], clips.speakers[rows]
        difference = None
        if after is not None:
            drawn, _ = resampling_units(speakers, clips.utterance_ids[rows])
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
