"""Two networks on the same clips of a domain."""

from typing import Literal

import numpy as np

from components.adaptation_gate.comparison import ADAPTED, MULTI_DOMAIN, Comparison, Measured
from modules.metrics.statistics import bootstrap_difference
from modules.metrics.uar import best_of, unweighted_average_recall
from modules.training.clips import Clips
from modules.training.engine import Engine
from modules.training.job import Job
from modules.training.settings import Settings
from modules.training.trained import Trained
from schemas.labels import LabelSet

# Fewer speakers tell too little of how speakers differ.
_LEAST_SPEAKERS = 3
# UARs that are equal may come out a rounding error apart.
_ROUNDING = 1e-9


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
    answers = {
        name: answers_of(engine, network, labels, own_labels, np.arange(len(clips.labels)))
        for name, network in ((ADAPTED, adapted), (MULTI_DOMAIN, multi_domain))
    }
    uars = {
        name: [unweighted_average_recall(clips.labels, each) for each in own]
        for name, own in answers.items()
    }
    speakers = clips.speakers
    resampled: Literal["speakers", "clips"] = "speakers"
    if len(np.unique(speakers)) < _LEAST_SPEAKERS:
        speakers, resampled = clips.utterance_ids, "clips"
    interval = bootstrap_difference(
        clips.labels, answers[ADAPTED][0], answers[MULTI_DOMAIN][0], speakers, seed=seed
    )
    measured = {
        name: Measured(uar=whole, members=tuple(own)) for name, (whole, *own) in uars.items()
    }
    difference = measured[ADAPTED].uar - measured[MULTI_DOMAIN].uar
    return Comparison(
        domain=domain,
        served=ADAPTED if difference >= -_ROUNDING else MULTI_DOMAIN,
        adapted=measured[ADAPTED],
        multi_domain=measured[MULTI_DOMAIN],
        difference=difference,
        low=interval.lower,
        high=interval.upper,
        resampled=resampled,
        clips=len(clips.labels),
        speakers=len(np.unique(clips.speakers)),
    )


def answers_of(
    engine: Engine,
    network: Trained,
    labels: LabelSet,
    own_labels: tuple[str, ...],
    rows: np.ndarray,
) -> list[np.ndarray]:
    """Returns the answers of a network, and of each of its members: int64 `[m]` in `labels`.

    Args:
      engine: Has the clips.
      network: The network.
      labels: Label set of the manifest.
      own_labels: Labels that can be an answer.
      rows: int64 `[m]`, the clips to ask about.
    """
    outcome = engine.run(
        Job(
            name="comparison",
            network=network.spec,
            settings=Settings(epochs=1),
            train=np.empty(0, np.int64),
            tested=rows,
            start=network.weights,
            approach="A1",
        )
    )
    outputs = np.array([network.labels.index(label) for label in own_labels])
    own = np.array([labels.index(label) for label in own_labels])
    return [
        own[best_of(each[:, outputs], np.arange(len(own)))]
        for each in (outcome.probabilities, *outcome.member_probabilities)
    ]
