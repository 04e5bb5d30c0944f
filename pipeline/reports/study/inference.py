"""How two series of a study compare: tests over folds, and intervals by resampling speakers."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from modules.metrics import statistics
from modules.metrics.statistics import Interval
from modules.study.clips import Clips
from pipeline.reports.study.results import Series
from schemas.splits import NUM_FOLDS

ALPHA = 0.05
UNKNOWN = Interval(estimate=float("nan"), lower=float("nan"), upper=float("nan"))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Comparison:
    """Two series over folds, seeds averaged within a fold.

    Attributes:
      difference: Difference of mean UAR.
      p_paired: The p value of the paper's paired t-test.
      p_corrected: The p value of the Nadeau-Bengio test.
      p_holm: The same after Holm's correction.
      effect_size: Cohen's d_z with Hedges' correction.
    """

    difference: float
    p_paired: float
    p_corrected: float
    p_holm: float
    effect_size: float


def compare(first: Series, second: Series) -> Comparison | None:
    """Compares two series; `None` if one is incomplete or there is but one fold.

    `p_holm` is `p_corrected` until `with_holm` knows the family.
    """
    if not (first.complete and second.complete):
        return None
    values, others = first.by_fold(), second.by_fold()
    if len(values) < 2:
        return None
    paired = statistics.paired_t_test(values, others)
    # Of five folds, however many of them were run.
    corrected = statistics.corrected_t_test(values, others, test_to_train=1 / (NUM_FOLDS - 1))
    return Comparison(
        difference=paired.difference,
        p_paired=paired.p_value,
        p_corrected=corrected.p_value,
        p_holm=corrected.p_value,
        effect_size=statistics.effect_size(values, others, unbiased=True),
    )


def with_holm(family: Mapping[str, Comparison | None]) -> dict[str, Comparison | None]:
    """Returns the comparisons with Holm's correction over all of them."""
    made = {name: each for name, each in family.items() if each is not None}
    corrected = statistics.holm(np.array([each.p_corrected for each in made.values()]))
    done = {
        name: dataclasses.replace(each, p_holm=float(p))
        for (name, each), p in zip(made.items(), corrected, strict=True)
    }
    return {name: done.get(name) for name in family}


def uar_interval(clips: Clips, *of_targets: Series) -> Interval:
    """95% interval of a series' UAR over all its clips together, speakers resampled.

    Of series of several targets, the UAR averaged over targets counts.
    """
    if not of_targets or not all(series.complete for series in of_targets):
        return UNKNOWN
    rows, predictions = map(np.concatenate, zip(*map(_pooled, of_targets), strict=True))
    return statistics.bootstrap_uar(
        clips.labels[rows], predictions, clips.speakers[rows], domains=clips.domains[rows]
    )


def gain_interval(clips: Clips, pairs: Sequence[tuple[Series, Series]]) -> Interval:
    """95% interval of the relative gain of first over second series, speakers resampled.

    Args:
      clips: Clips of the study.
      pairs: A pair for each target; of several, the UAR averaged over targets counts.
    """
    return _interval(clips, pairs, statistics.bootstrap_relative_gain)


def difference_interval(clips: Clips, pairs: Sequence[tuple[Series, Series]]) -> Interval:
    """Like `gain_interval`, of first minus second UAR."""
    return _interval(clips, pairs, statistics.bootstrap_difference)


def _interval(
    clips: Clips, pairs: Sequence[tuple[Series, Series]], bootstrap: Callable[..., Interval]
) -> Interval:
    if not pairs or not all(first.complete and second.complete for first, second in pairs):
        return UNKNOWN
    rows, predictions, others = [], [], []
    for first, second in pairs:
        own, seen = _pooled(first)
        same, other = _pooled(second)
        if not np.array_equal(own, same):
            # A system that could not take some clips: there is nothing to pair.
            return UNKNOWN
        rows.append(own)
        predictions.append(seen)
        others.append(other)
    every = np.concatenate(rows)
    return bootstrap(
        clips.labels[every],
        np.concatenate(predictions),
        np.concatenate(others),
        clips.speakers[every],
        domains=clips.domains[every],
    )


def _pooled(series: Series) -> tuple[np.ndarray, np.ndarray]:
    """Returns rows and predictions of all folds and seeds, the same order for the same clips."""
    rows = np.concatenate([measured.rows for measured in series.values.values()])
    predictions = np.concatenate([measured.predictions for measured in series.values.values()])
    seeds = np.concatenate(
        [np.full(len(measured.rows), seed) for (_, seed), measured in series.values.items()]
    )
    order = np.lexsort((rows, seeds))
    return rows[order], predictions[order]
