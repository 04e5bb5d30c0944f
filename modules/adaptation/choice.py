"""The choice of an approach by an inner cross-validation."""

import dataclasses

import numpy as np

from modules.adaptation.possible import allowed, why_not
from modules.adaptation.trainings import Trainings
from modules.metrics.uar import unweighted_average_recall
from modules.networks.approaches import AUTO, first_alike
from schemas.progress import MESSAGES

# What the learning curve takes where the approach is chosen: the first that is possible.
_USUAL = ("A2", "A8")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Choice:
    """An approach, and what it was chosen by.

    Attributes:
      approach: Its name.
      uars: UAR of each approach that was compared; empty if there was no choice.
    """

    approach: str
    uars: dict[str, float] = dataclasses.field(default_factory=dict)


def usual(trainings: Trainings) -> str:
    """Returns the approach that is taken where none was chosen: the one that was asked for, or A2.

    Raises:
      UserError: It is impossible.
    """
    asked = trainings.plan.job.approach
    assert asked is not None
    if asked != AUTO:
        trainings.outputs(asked)
        return asked
    found = candidates(trainings)
    job, base = trainings.plan.job, trainings.base
    possible = [name for name in _USUAL if not why_not(name, base.spec, base.labels, job.labels)]
    return possible[0] if possible else found[-1]


def candidates(trainings: Trainings) -> tuple[str, ...]:
    """Returns the approaches to compare: possible ones, and of those with equal effect the first.

    Raises:
      UserError: There is none; says why the first is impossible.
    """
    job, base = trainings.plan.job, trainings.base
    found: dict[str, str] = {}
    for name in allowed(job.candidates, base.spec, base.labels, job.labels):
        found.setdefault(first_alike(name, base.spec.groups, held=base.spec.held), name)
    return tuple(found.values())


def choose(trainings: Trainings, rows: np.ndarray) -> Choice:
    """Finds the approach that does best in a cross-validation within some clips.

    Of equally good ones it is the first. One member of a network is trained, whose order of merit
    is that of all within chance.

    Args:
      trainings: What trains.
      rows: int64 `[n]`, the clips that may be looked at: never those that are tested.

    Raises:
      UserError: No approach is possible.
    """
    asked = trainings.plan.job.approach
    assert asked is not None
    if asked != AUTO:
        trainings.outputs(asked)
        return Choice(approach=asked)
    names = candidates(trainings)
    if len(names) == 1:
        return Choice(approach=names[0])
    single, labels = trainings.single, trainings.clips.labels
    part = inner_parts(trainings, rows)
    answers = {name: np.empty(len(rows), np.int64) for name in names}
    for number in np.unique(part):
        train, tested = rows[part != number], rows[part == number]
        for name in names:
            answers[name][part == number] = single.adapted(train, tested, approach=name).answers
    uars = {name: unweighted_average_recall(labels[rows], own) for name, own in answers.items()}
    best = max(names, key=lambda name: uars[name])
    MESSAGES.info(
        "approach %s (%s)", best, ", ".join(f"{name} {uar:.3f}" for name, uar in uars.items())
    )
    return Choice(approach=best, uars=uars)


def inner_parts(trainings: Trainings, rows: np.ndarray) -> np.ndarray:
    """Divides clips into parts, int64 `[n]`: by speakers if the plan does and there are several."""
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    plan, clips = trainings.plan, trainings.clips
    labels, speakers = clips.labels[rows], clips.speakers[rows]
    count, seed = len(np.unique(speakers)), plan.job.seed
    if plan.by_speaker and count > 1:
        splitter = StratifiedGroupKFold(
            min(plan.inner_parts, count), shuffle=True, random_state=seed
        )
        parts = splitter.split(rows, labels, speakers)
    else:
        most = int(np.bincount(labels).max())
        splitter = StratifiedKFold(
            max(2, min(plan.inner_parts, most)), shuffle=True, random_state=seed
        )
        parts = splitter.split(rows, labels)
    part = np.empty(len(rows), np.int64)
    for number, (_, held_out) in enumerate(parts):
        part[held_out] = number
    return part
