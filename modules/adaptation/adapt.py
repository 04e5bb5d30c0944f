"""An adaptation from beginning to end: estimate, curve, final network, forgetting, verdict."""

import contextlib
import dataclasses
import time
from collections import Counter
from collections.abc import Iterator
from typing import Literal

import numpy as np

from modules.adaptation.choice import Choice, choose, usual
from modules.adaptation.curve import learning_curve
from modules.adaptation.estimate import Estimate, cross_validate
from modules.adaptation.findings import (
    ADAPTED,
    BASE,
    Answer,
    ClassFinding,
    Figure,
    Findings,
    FoldFinding,
    Forgotten,
    Lineage,
    Verdict,
)
from modules.adaptation.forgetting import forgetting
from modules.adaptation.plan import Plan
from modules.adaptation.possible import why_not
from modules.adaptation.trainings import AS_IT_IS, Trainings
from modules.adaptation.trusting import with_trust
from modules.metrics.statistics import (
    Interval,
    bootstrap_difference,
    bootstrap_uar,
    resampling_units,
)
from modules.metrics.uar import ROUNDING, confusion_matrix, recalls, unweighted_average_recall
from modules.training.clips import Clips
from modules.training.engine import Engine
from modules.training.fine_tuning import fine_tune
from modules.training.trained import Trained
from modules.training.typical import Usual
from schemas.progress import MESSAGES
from schemas.words import three


@dataclasses.dataclass(frozen=True, kw_only=True)
class BaseFacts:
    """What is known of the base beside its network.

    Attributes:
      folder: Folder of the network.
      record_digest: SHA-256 of the record of its training.
    """

    folder: str
    record_digest: str


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Adapted:
    """What an adaptation came to.

    Attributes:
      network: The adapted network, trained on all clips.
      served: That, or the base with the domain's own labels.
      usual: What is usual among the clips that it was trained on; `None` if that is not known.
      findings: What was found on the way.
    """

    network: Trained
    served: Trained
    usual: Usual | None
    findings: Findings


def adapt(
    plan: Plan,
    clips: Clips,
    folds: np.ndarray,
    engine: Engine,
    base: Trained,
    facts: BaseFacts,
    *,
    base_clips: tuple[Clips, Engine] | None,
) -> Adapted:
    """Adapts a pre-trained network to a domain's clips, and measures what that is worth.

    Args:
      plan: What to do.
      clips: All clips of the domain; those that the engine has.
      folds: int64 `[n]`, fold of each clip.
      engine: What trains.
      base: The pre-trained network.
      facts: What else is known of it.
      base_clips: Clips of its domains that it was not trained on, and an engine of them; `None`
        where there are none.

    Raises:
      UserError: No approach is possible.
    """
    seconds: dict[str, float] = {}
    trainings = Trainings(plan, clips, engine, base)
    if plan.own_folds:
        folds = np.unique(clips.speakers, return_inverse=True)[1]
    with _timed(seconds, "zero-shot"):
        no_zero_shot = why_not(AS_IT_IS, base.spec, base.labels, plan.job.labels)
        as_it_is = None if no_zero_shot else trainings.zero_shot()
        zero_shot = None if as_it_is is None else as_it_is.answers
    with _timed(seconds, "cross-validation"):
        estimate = cross_validate(trainings, folds)
    with _timed(seconds, "learning curve"):
        curve_approach = usual(trainings)
        curve = learning_curve(trainings, folds, approach=curve_approach)
    with _timed(seconds, "final network"):
        MESSAGES.info("final network")
        choice = choose(trainings, np.arange(len(folds)))
        network = _final(trainings, choice)
    forgotten: tuple[Forgotten, ...] = ()
    with _timed(seconds, "forgetting"):
        if base_clips is not None:
            MESSAGES.info("forgetting")
            forgotten = forgetting(*base_clips, base=base, adapted=network, seed=plan.job.seed)
    measured = _measured(plan, clips, zero_shot, estimate)
    verdict = _verdict(plan, choice.approach, measured.zero_shot, measured.adapted)
    served = network
    if verdict.served == BASE:
        served = _final(trainings, Choice(approach=AS_IT_IS))
    probabilities = estimate.probabilities
    if verdict.served == BASE and as_it_is is not None:
        probabilities = as_it_is.probabilities[np.newaxis]
    served, known = with_trust(plan.job, served, clips, base, facts.folder, probabilities)
    MESSAGES.info("%s", verdict.reason)
    adaptation = network.record.adaptation
    assert adaptation is not None
    findings = Findings(
        domain=str(plan.job.domain),
        labels=measured.labels,
        by_speaker=plan.by_speaker,
        resampled=measured.resampled,
        speakers=dict(sorted(Counter(clips.speakers.tolist()).items())),
        asked=str(plan.job.approach),
        approach=choice.approach,
        choice=choice.uars,
        zero_shot=measured.zero_shot,
        zero_shot_impossible=no_zero_shot,
        adapted=measured.adapted,
        scratch=measured.scratch,
        difference=measured.difference,
        over_scratch=measured.over_scratch,
        member_uars=tuple(
            unweighted_average_recall(clips.labels, own) for own in estimate.members[0]
        ),
        repeat_uars=tuple(unweighted_average_recall(clips.labels, own) for own in estimate.answers),
        classes=_classes(clips, plan, zero_shot, estimate),
        folds=_folds(clips, folds, zero_shot, estimate),
        curve=curve,
        curve_approach=curve_approach,
        forgotten=forgotten,
        forgetting_impossible="" if base_clips else "the base's clips are no longer there",
        verdict=verdict,
        lineage=Lineage(
            base=str(plan.job.base),
            folder=facts.folder,
            record_digest=facts.record_digest,
            base_clips=base.record.clips,
            fates=adaptation.fates,
            before=network.record.weight_hashes_before,
            after=network.record.weight_hashes,
        ),
        answers=_all_answers(clips, plan, folds, zero_shot, estimate),
        seconds=seconds,
    )
    return Adapted(network=network, served=served, usual=known, findings=findings)


@contextlib.contextmanager
def _timed(seconds: dict[str, float], step: str) -> Iterator[None]:
    started_s = time.monotonic()
    yield
    seconds[step] = round(time.monotonic() - started_s, 3)


def _final(trainings: Trainings, choice: Choice) -> Trained:
    """Returns the network that is adapted to all clips."""
    job = trainings.plan.job
    network = fine_tune(
        dataclasses.replace(
            trainings.job(choice.approach, clips=len(trainings.clips.labels)),
            approach=job.approach,
        ),
        trainings.clips,
        trainings.engine,
        trainings.base,
        approach=choice.approach,
        choice=choice.uars,
    )
    # The base's own domains stay known to a network that keeps its outputs.
    labels = {
        domain: own
        for domain, own in trainings.base.record.domain_labels.items()
        if set(own) <= set(network.labels)
    }
    record = dataclasses.replace(
        network.record, domain_labels={**labels, **network.record.domain_labels}
    )
    return dataclasses.replace(network, record=record)


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Measured:
    """UARs of the domain's clips and their intervals; attributes as of `Findings`."""

    labels: tuple[str, ...]
    resampled: Literal["speakers", "clips"]
    zero_shot: Figure | None
    adapted: Figure
    scratch: Figure
    difference: Figure | None
    over_scratch: Figure


def _measured(
    plan: Plan, clips: Clips, zero_shot: np.ndarray | None, estimate: Estimate
) -> _Measured:
    speakers, resampled = resampling_units(clips.speakers, clips.utterance_ids)
    seed, repeats = plan.job.seed, plan.repeats
    # A clip counts once for each cross-validation.
    labels, speakers = np.tile(clips.labels, repeats), np.tile(speakers, repeats)
    adapted, scratch = estimate.answers.ravel(), np.tile(estimate.scratch, repeats)

    def uar(answers: np.ndarray) -> Figure:
        return _figure(bootstrap_uar(labels, answers, speakers, seed=seed))

    def over(answers: np.ndarray) -> Figure:
        return _figure(bootstrap_difference(labels, adapted, answers, speakers, seed=seed))

    base = None if zero_shot is None else np.tile(zero_shot, repeats)
    return _Measured(
        labels=tuple(plan.job.labels.labels[label] for label in np.unique(clips.labels)),
        resampled=resampled,
        zero_shot=None if base is None else uar(base),
        adapted=uar(adapted),
        scratch=uar(scratch),
        difference=None if base is None else over(base),
        over_scratch=over(scratch),
    )


def _figure(interval: Interval) -> Figure:
    return Figure(value=interval.estimate, low=interval.lower, high=interval.upper)


def _verdict(plan: Plan, approach: str, zero_shot: Figure | None, adapted: Figure) -> Verdict:
    """Returns what is served: the base where adapting made it worse, or nothing was better."""
    served, uar = ADAPTED, adapted.value
    if zero_shot is None:
        reason = f"the adapted network reaches a UAR of {three(uar)}; the base knows other labels"
    elif approach == AS_IT_IS:
        served, uar = BASE, zero_shot.value
        reason = (
            f"the base as it is, with a UAR of {three(uar)}, is served with this domain's labels:"
            " no approach did better"
        )
    elif adapted.value < zero_shot.value - ROUNDING:
        served, uar = BASE, zero_shot.value
        reason = (
            f"adapting made it worse: a UAR of {three(adapted.value)} after {three(uar)} of the"
            " base as it is, which is served with this domain's labels"
        )
    else:
        reason = (
            f"the adapted network reaches a UAR of {three(uar)}, not below the"
            f" {three(zero_shot.value)} of the base as it is"
        )
    pushed = uar >= plan.min_uar - ROUNDING
    if not pushed:
        reason += f"; that is below gate.min_uar, {three(plan.min_uar)}: not pushed"
    return Verdict(served=served, pushed=pushed, reason=reason)


def _classes(
    clips: Clips,
    plan: Plan,
    zero_shot: np.ndarray | None,
    estimate: Estimate,
) -> tuple[ClassFinding, ...]:
    names, count = plan.job.labels.labels, len(plan.job.labels)
    own = np.unique(clips.labels)
    confusion = sum(
        confusion_matrix(clips.labels, answers, classes=count) for answers in estimate.answers
    )

    def recall(answers: np.ndarray) -> np.ndarray:
        return recalls(confusion_matrix(clips.labels, answers, classes=count))

    before = None if zero_shot is None else recall(zero_shot)
    after, scratch = recalls(np.asarray(confusion)), recall(estimate.scratch)
    return tuple(
        ClassFinding(
            label=names[label],
            clips=int((clips.labels == label).sum()),
            zero_shot=None if before is None else float(before[label]),
            adapted=float(after[label]),
            scratch=float(scratch[label]),
            answers=tuple(int(each) for each in np.asarray(confusion)[label, own]),
        )
        for label in own
    )


def _folds(
    clips: Clips, folds: np.ndarray, zero_shot: np.ndarray | None, estimate: Estimate
) -> tuple[FoldFinding, ...]:
    found = []
    for number, choice in zip(np.unique(folds), estimate.choices, strict=True):
        rows = np.flatnonzero(folds == number)
        truth = clips.labels[rows]
        base = None if zero_shot is None else unweighted_average_recall(truth, zero_shot[rows])
        uars = [unweighted_average_recall(truth, answers[rows]) for answers in estimate.answers]
        found.append(
            FoldFinding(
                fold=int(number),
                clips=len(rows),
                speakers=tuple(np.unique(clips.speakers[rows]).tolist()),
                approach=choice.approach,
                choice=choice.uars,
                zero_shot=base,
                adapted=float(np.mean(uars)),
            )
        )
    return tuple(found)


def _all_answers(
    clips: Clips,
    plan: Plan,
    folds: np.ndarray,
    zero_shot: np.ndarray | None,
    estimate: Estimate,
) -> tuple[Answer, ...]:
    names = plan.job.labels.labels
    return tuple(
        Answer(
            utterance_id=str(clips.utterance_ids[row]),
            speaker=str(clips.speakers[row]),
            fold=int(folds[row]),
            label=names[clips.labels[row]],
            zero_shot=None if zero_shot is None else names[zero_shot[row]],
            adapted=tuple(names[answers[row]] for answers in estimate.answers),
            scratch=names[estimate.scratch[row]],
        )
        for row in range(len(folds))
    )
