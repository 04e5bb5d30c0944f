"""The choice of an approach: `auto`."""

from collections.abc import Iterable

import numpy as np

from modules.metrics.uar import best_of, unweighted_average_recall
from modules.networks.approaches import first_alike, resolve
from modules.training.clips import Clips
from modules.training.engine import Engine
from modules.training.fine_tuning import adapt, positions
from modules.training.job import TrainerJob
from modules.training.pretraining import split
from modules.training.trained import Trained
from schemas.errors import UserError
from schemas.progress import MESSAGES


def choose_approach(
    job: TrainerJob, clips: Clips, engine: Engine, base: Trained
) -> tuple[str, dict[str, float]]:
    """Finds the approach that does best on an inner split of the target's clips.

    Of `job.candidates`, those for which the network has too few layer groups, or does not know the
    manifest's labels, are left out; of those that come to the same, all but the first.

    Args:
      job: The fine-tuning.
      clips: Clips of the training folds; those that the engine has.
      engine: What trains.
      base: A pre-trained network that has not seen the inner split: of `pretrain` with
        `for_choice`, or any of scenario S2.

    Returns:
      The approach's name, the first of equal ones, and the UAR of each on the inner split.

    Raises:
      UserError: No approach is left.
    """
    own = clips.domains == job.domain
    held_out = split(job, clips, np.arange(len(clips.labels)))
    tested, rows = np.flatnonzero(own & held_out), np.flatnonzero(own & ~held_out)
    uars: dict[str, float] = {}
    refused = None
    # Neighbours share the outputs of their frozen prefix.
    for name in sorted(distinct(job.candidates, base), key=lambda name: _prefix(name, base)):
        try:
            adapted = adapt(job, clips, engine, base, rows, approach=name, tested=tested)
        except UserError as error:
            refused = error
            continue
        output_of_label = positions(job.labels, adapted.labels)
        answers = best_of(
            adapted.outcome.probabilities, np.unique(output_of_label[clips.labels[own]])
        )
        uars[name] = unweighted_average_recall(output_of_label[clips.labels[tested]], answers)
        MESSAGES.info("%s: %s UAR %.3f on the inner split", job.name, name, uars[name])
    if not uars:
        assert refused is not None
        raise refused
    in_order = {name: uars[name] for name in job.candidates if name in uars}
    return max(in_order, key=lambda name: in_order[name]), in_order


def distinct(candidates: Iterable[str], base: Trained) -> list[str]:
    """Returns the approaches that differ in what they do to a network, in their order."""
    found: dict[str, str] = {}
    for name in candidates:
        try:
            alike = first_alike(name, base.spec.groups, held=base.spec.held)
        except UserError:
            # Kept for its error.
            alike = name
        found.setdefault(alike, name)
    return list(found.values())


def _prefix(approach: str, base: Trained) -> tuple[str, ...]:
    try:
        return resolve(approach, base.spec.groups, held=base.spec.held).prefix
    except UserError:
        return ()
