"""The learning curve: how much each clip is worth, adapted and from scratch."""

import dataclasses

import numpy as np

from modules.adaptation.trainings import Trainings
from modules.metrics.uar import unweighted_average_recall
from schemas.progress import MESSAGES

# Between the seeds of draws.
_SEED_STEP = 1_009


@dataclasses.dataclass(frozen=True, kw_only=True)
class CurvePoint:
    """Networks of one number of clips, tested on all clips in turn.

    Attributes:
      clips_a_class: Number of clips a class that they were trained on; of all clips, its mean.
      all_clips: Whether they were trained on all clips of the other folds.
      adapted, scratch: UAR of each draw.
    """

    clips_a_class: float
    all_clips: bool
    adapted: tuple[float, ...]
    scratch: tuple[float, ...]

    @property
    def ratio(self) -> float:
        """Mean UAR adapted over mean UAR from scratch; NaN where that is 0."""
        scratch = float(np.mean(self.scratch))
        return float(np.mean(self.adapted)) / scratch if scratch else float("nan")


def learning_curve(
    trainings: Trainings, folds: np.ndarray, *, approach: str
) -> tuple[CurvePoint, ...]:
    """Trains on more and more clips of all folds but one, in turn, and asks about that one.

    Smaller draws are parts of larger ones. Sizes that a class does not have in some training part
    are left out. Networks have one member each.

    Args:
      trainings: What trains.
      folds: int64 `[n]`, fold of each clip.
      approach: Approach of the adapted networks, fixed beforehand: one that was chosen on more
        clips would know too much.
    """
    if not trainings.plan.sizes:
        return ()
    trainings = trainings.single
    plan, labels = trainings.plan, trainings.clips.labels
    parts = [
        (np.flatnonzero(folds != number), np.flatnonzero(folds == number))
        for number in np.unique(folds)
    ]
    largest = min(np.unique(labels[train], return_counts=True)[1].min() for train, _ in parts)
    points = []
    for size in sorted({size for size in plan.sizes if size <= largest}):
        uars: dict[str, list[float]] = {"adapted": [], "scratch": []}
        for draw in range(plan.draws):
            MESSAGES.info("learning curve: %d clips a class, draw %d", size, draw + 1)
            drawn = [
                (first_of_each(labels, train, size, seed=(plan.job.seed, place, draw)), tested)
                for place, (train, tested) in enumerate(parts)
            ]
            seed = plan.job.seed + draw * _SEED_STEP
            for name, own in _answers(trainings, drawn, approach=approach, seed=seed).items():
                uars[name].append(unweighted_average_recall(labels, own))
        points.append(
            CurvePoint(
                clips_a_class=size,
                all_clips=False,
                adapted=tuple(uars["adapted"]),
                scratch=tuple(uars["scratch"]),
            )
        )
    MESSAGES.info("learning curve: all clips")
    whole = _answers(trainings, parts, approach=approach, seed=plan.job.seed)
    points.append(
        CurvePoint(
            clips_a_class=float(
                np.mean([len(train) / len(np.unique(labels[train])) for train, _ in parts])
            ),
            all_clips=True,
            adapted=(unweighted_average_recall(labels, whole["adapted"]),),
            scratch=(unweighted_average_recall(labels, whole["scratch"]),),
        )
    )
    return tuple(points)


def first_of_each(
    labels: np.ndarray, rows: np.ndarray, size: int, *, seed: tuple[int, ...]
) -> np.ndarray:
    """Draws clips, as many of each class; int64, ascending.

    Args:
      labels: int64 `[n]`, of all clips.
      rows: Clips to draw from.
      size: Number of clips a class.
      seed: Seed; with the same, a smaller draw is a part of a larger one.
    """
    random = np.random.default_rng(seed)
    chosen = []
    for label in np.unique(labels[rows]):
        own = rows[labels[rows] == label]
        chosen.append(own[random.permutation(len(own))[:size]])
    return np.sort(np.concatenate(chosen))


def _answers(
    trainings: Trainings,
    parts: list[tuple[np.ndarray, np.ndarray]],
    *,
    approach: str,
    seed: int,
) -> dict[str, np.ndarray]:
    """Returns the answers to all clips, int64 `[n]`, adapted and from scratch."""
    answers = {
        name: np.empty(len(trainings.clips.labels), np.int64) for name in ("adapted", "scratch")
    }
    for train, tested in parts:
        adapted = trainings.adapted(train, tested, approach=approach, seed=seed)
        answers["adapted"][tested] = adapted.answers
        answers["scratch"][tested] = trainings.scratch(train, tested, seed=seed).answers
    return answers
