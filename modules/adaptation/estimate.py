"""The cross-validated estimate: every clip is tested once, by a network that has not seen it."""

import dataclasses

import numpy as np

from modules.adaptation.choice import Choice, choose
from modules.adaptation.trainings import Trainings
from schemas.progress import MESSAGES


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Estimate:
    """Answers of networks to clips that they have not seen.

    Attributes:
      answers: int64 `[repeats, n]`, positions in the manifest's label set.
      members: int64 `[repeats, members, n]`, the same of each member by itself.
      scratch: int64 `[n]`, of networks that were trained from scratch on the same clips.
      choices: Approach of each fold, chosen on its training part.
      probabilities: float32 `[repeats, n, labels]`, of which `answers` are the largest.
    """

    answers: np.ndarray
    members: np.ndarray
    scratch: np.ndarray
    choices: tuple[Choice, ...]
    probabilities: np.ndarray


def cross_validate(trainings: Trainings, folds: np.ndarray) -> Estimate:
    """Adapts to all folds but one, in turn, and asks about that one.

    The labels of the clips of a fold take no part in what is answered to them: the approach, too,
    is chosen without them.

    Args:
      trainings: What trains.
      folds: int64 `[n]`, fold of each clip.
    """
    plan, count = trainings.plan, len(folds)
    answers = np.empty((plan.repeats, count), np.int64)
    members = np.empty((plan.repeats, trainings.base.spec.members, count), np.int64)
    scratch = np.empty(count, np.int64)
    probabilities = np.empty((plan.repeats, count, len(plan.job.labels)), np.float32)
    choices = []
    numbers = np.unique(folds)
    for place, number in enumerate(numbers):
        train, tested = np.flatnonzero(folds != number), np.flatnonzero(folds == number)
        MESSAGES.info("cross-validation: part %d of %d", place + 1, len(numbers))
        choice = choose(trainings, train)
        choices.append(choice)
        for repeat in range(plan.repeats):
            done = trainings.adapted(
                train, tested, approach=choice.approach, seed=plan.job.seed + repeat
            )
            answers[repeat, tested] = done.answers
            probabilities[repeat, tested] = done.probabilities
            members[repeat][:, tested] = done.members
        scratch[tested] = trainings.scratch(train, tested).answers
    return Estimate(
        answers=answers,
        members=members,
        scratch=scratch,
        choices=tuple(choices),
        probabilities=probabilities,
    )
