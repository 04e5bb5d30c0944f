"""Two networks on the same clips of a domain."""

import numpy as np

from components.adaptation_gate.comparison import ADAPTED, MULTI_DOMAIN, Comparison, Measured
from modules.metrics.statistics import bootstrap_difference, resampling_units
from modules.metrics.uar import ROUNDING, unweighted_average_recall
from modules.training.asking import answers_of
from modules.training.clips import Clips
from modules.training.engine import Engine
from modules.training.trained import Trained
from schemas.labels import LabelSet


def compare(
    clips: Clips,
    *,
    domain: str,
    labels: LabelSet,
    own_labels: tuple[str, ...],
    adapted: Trained,
    multi_domain: Trained,
    given: tuple[str, ...],
    limit_bytes: int,
    seed: int,
) -> Comparison:
    """Asks two networks about clips of a domain.

    Args:
      clips: The domain's clips of the test fold.
      domain: The domain.
      labels: Label set of the manifest.
      own_labels: Labels that the domain has training clips of: no other is an answer.
      adapted, multi_domain: The networks.
      given: Layer groups whose outputs the clips are.
      limit_bytes: Most memory that clips and outputs of frozen layers may take.
      seed: Seed of the interval's resamples.
    """
    engine = Engine(clips.inputs, clips.labels, given=given, limit_bytes=limit_bytes)
    everyone = np.arange(len(clips.labels))
    answers = {
        name: answers_of(engine, network, everyone, labels=labels, own_labels=own_labels)
        for name, network in ((ADAPTED, adapted), (MULTI_DOMAIN, multi_domain))
    }
    uars = {
        name: [unweighted_average_recall(clips.labels, each) for each in own]
        for name, own in answers.items()
    }
    drawn, resampled = resampling_units(clips.speakers, clips.utterance_ids)
    interval = bootstrap_difference(
        clips.labels, answers[ADAPTED][0], answers[MULTI_DOMAIN][0], drawn, seed=seed
    )
    measured = {
        name: Measured(uar=whole, members=tuple(own)) for name, (whole, *own) in uars.items()
    }
    difference = measured[ADAPTED].uar - measured[MULTI_DOMAIN].uar
    return Comparison(
        domain=domain,
        served=ADAPTED if difference >= -ROUNDING else MULTI_DOMAIN,
        adapted=measured[ADAPTED],
        multi_domain=measured[MULTI_DOMAIN],
        difference=difference,
        low=interval.lower,
        high=interval.upper,
        resampled=resampled,
        clips=len(clips.labels),
        speakers=len(np.unique(clips.speakers)),
    )
