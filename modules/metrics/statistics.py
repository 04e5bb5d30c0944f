"""Are two systems different, by how much, and how sure is it? Tests over folds, and bootstraps."""

import dataclasses
from collections.abc import Sequence
from typing import Literal

import numpy as np
from scipy import special, stats

# Differences that spread less than this share of the values are equal but for rounding.
_ROUNDING = 1e-12
# Fewer speakers tell too little of how speakers differ.
LEAST_SPEAKERS = 3


@dataclasses.dataclass(frozen=True, kw_only=True)
class PairedTest:
    """A two-sided test of whether paired values differ on average.

    Attributes:
      difference: mean of first minus second.
      statistic: t.
      p_value: of a difference this large by chance; not corrected for other tests (`holm`).
      degrees_of_freedom: pairs - 1.
    """

    difference: float
    statistic: float
    p_value: float
    degrees_of_freedom: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class Interval:
    """An estimate and the limits of its confidence interval; limits are NaN where undefined."""

    estimate: float
    lower: float
    upper: float


def paired_t_test(first: np.ndarray, second: np.ndarray) -> PairedTest:
    """The paper's test: Student's t over the UARs of folds (section 3.2; there p ≤ .05).

    Folds share most of their training clips, so their UARs are not independent, and this test
    finds differences too often; `corrected_t_test` does not.

    Equal differences have no variance: t is then infinite and p 0, or, where the systems are equal
    in every fold, t is 0 and p 1. Fewer than two pairs, or a NaN among the values, give NaN.

    Args:
      first, second: float `[k]`, UAR of each system on each fold.

    Raises:
      ValueError: the systems have different numbers of folds.
    """
    return _t_test(first, second, variance_factor=None)


def corrected_t_test(
    first: np.ndarray, second: np.ndarray, *, test_to_train: float | None = None
) -> PairedTest:
    """The corrected resampled t-test (Nadeau & Bengio 2003): a factor 1/k + test/train of variance.

    Degenerate cases are those of `paired_t_test`.

    Args:
      first, second: float `[k]`, UAR of each system on each fold, or on each fold with each seed.
      test_to_train: clips tested on per clip trained on; by default 1 / (k - 1), that of k folds.
        Give it where folds are repeated with several seeds: 0.25 for five folds.

    Raises:
      ValueError: the systems have different numbers of values.
    """
    count = len(first)
    if test_to_train is None:
        test_to_train = 1 / (count - 1) if count > 1 else np.nan
    return _t_test(first, second, variance_factor=1 / max(count, 1) + test_to_train)


def _t_test(first: np.ndarray, second: np.ndarray, *, variance_factor: float | None) -> PairedTest:
    differences = _differences(first, second)
    freedom = max(len(differences) - 1, 0)
    mean, deviation = _mean_and_deviation(first, second)
    if variance_factor is None:
        variance_factor = 1 / max(len(differences), 1)
    statistic = _ratio(mean, deviation * np.sqrt(variance_factor))
    p_value = 2 * stats.t.sf(abs(statistic), freedom) if freedom else np.nan
    return PairedTest(
        difference=mean,
        statistic=statistic,
        p_value=float(p_value),
        degrees_of_freedom=freedom,
    )


def effect_size(first: np.ndarray, second: np.ndarray, *, unbiased: bool = False) -> float:
    """Cohen's d_z of paired values: the mean difference in standard deviations of differences.

    Infinite for equal differences, 0 where there are none, NaN for fewer than two pairs.

    Args:
      first, second: float `[k]`.
      unbiased: corrects for small k by Hedges' factor (Hedges 1981), exact by gamma functions: .80
        for five folds.

    Raises:
      ValueError: the systems have different numbers of values.
    """
    effect = _ratio(*_mean_and_deviation(first, second))
    if unbiased and len(first) > 1:
        half = (len(first) - 1) / 2
        # With one degree of freedom the factor is 0: gammaln(0) is infinite.
        factor = np.exp(special.gammaln(half) - special.gammaln(half - 0.5)) / np.sqrt(half)
        effect = float(effect * factor) if factor else 0.0
    return effect


def holm(p_values: np.ndarray) -> np.ndarray:
    """Corrects the p-values of a family of tests by Holm's step-down method (Holm 1979).

    Args:
      p_values: float `[m]`, in any order; NaN where a test could not be made, which stays NaN and
        does not count.

    Returns:
      float64 `[m]`: below α where the test is significant with a family-wise error of α.
    """
    p_values = np.asarray(p_values, np.float64)
    corrected = np.full(p_values.shape, np.nan)
    made = np.flatnonzero(~np.isnan(p_values))
    order = made[np.argsort(p_values[made], kind="stable")]
    steps = p_values[order] * np.arange(len(order), 0, -1)
    corrected[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return corrected


def resampling_units(
    speakers: np.ndarray, utterance_ids: np.ndarray
) -> tuple[np.ndarray, Literal["speakers", "clips"]]:
    """Returns what a bootstrap resamples as a whole, str `[n]`, and its name.

    Args:
      speakers: str `[n]`. They are resampled, unless there are fewer than three.
      utterance_ids: str `[n]`.
    """
    if len(np.unique(speakers)) < LEAST_SPEAKERS:
        return utterance_ids, "clips"
    return speakers, "speakers"


def bootstrap_uar(
    labels: np.ndarray,
    predictions: np.ndarray,
    speakers: np.ndarray,
    *,
    domains: np.ndarray | None = None,
    level: float = 0.95,
    resamples: int = 2_000,
    seed: int = 0,
) -> Interval:
    """Confidence interval of a UAR by resampling speakers, whose clips are not independent.

    Speakers are drawn with replacement, each with all clips, within each domain. The UAR is that
    of all clips together, whichever fold they were tested in; for several domains, the mean of
    their UARs. A resample that lacks an emotion has the mean recall of the others.

    Limits are percentiles, expanded for the number of speakers (Hesterberg 2015), of the domain
    that has the fewest: plain ones are too narrow for a handful of speakers. A domain of one
    speaker tells nothing of how speakers differ: the limits are NaN. Without clips all is NaN.

    Args:
      labels, predictions: int `[n]`, class indices. A clip may occur several times, once per seed.
      speakers: str `[n]`, distinct within a domain.
      domains: str `[n]`; by default all clips are of one.
      level: of confidence.
      resamples: how many.
      seed: of the resampling; equal seeds draw equal speakers.
    """
    (uars,) = _resampled(labels, [predictions], speakers, domains, resamples, seed)
    return _interval(uars, speakers, domains, level)


def bootstrap_difference(
    labels: np.ndarray,
    first: np.ndarray,
    second: np.ndarray,
    speakers: np.ndarray,
    *,
    domains: np.ndarray | None = None,
    level: float = 0.95,
    resamples: int = 2_000,
    seed: int = 0,
) -> Interval:
    """Confidence interval of the UAR of `first` minus that of `second`, on the same clips.

    Both systems are judged on the same resamples; otherwise as `bootstrap_uar`.
    """
    uars = _resampled(labels, [first, second], speakers, domains, resamples, seed)
    return _interval(uars[0] - uars[1], speakers, domains, level)


def bootstrap_relative_gain(
    labels: np.ndarray,
    first: np.ndarray,
    second: np.ndarray,
    speakers: np.ndarray,
    *,
    domains: np.ndarray | None = None,
    level: float = 0.95,
    resamples: int = 2_000,
    seed: int = 0,
) -> Interval:
    """Confidence interval of `UAR(first) / UAR(second) - 1`, the gain of the paper's Table 3.

    Both systems are judged on the same resamples; otherwise as `bootstrap_uar`. NaN where the UAR
    of `second` is 0.
    """
    uars = _resampled(labels, [first, second], speakers, domains, resamples, seed)
    with np.errstate(divide="ignore", invalid="ignore"):
        gains = np.where(uars[1] > 0, uars[0] / uars[1] - 1, np.nan)
    return _interval(gains, speakers, domains, level)


def _differences(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    first, second = np.asarray(first, np.float64), np.asarray(second, np.float64)
    if first.shape != second.shape or first.ndim != 1:
        raise ValueError(
            f"values come in pairs, but there are {list(first.shape)} and {list(second.shape)}"
        )
    return first - second


def _mean_and_deviation(first: np.ndarray, second: np.ndarray) -> tuple[float, float]:
    """Mean and standard deviation (ddof 1) of the differences, without what is only rounding."""
    differences = _differences(first, second)
    if len(differences) < 2:
        return float(differences.mean()) if len(differences) else np.nan, np.nan
    rounding = _ROUNDING * max(np.abs(first).max(), np.abs(second).max())
    mean, deviation = differences.mean(), differences.std(ddof=1)
    return (
        0.0 if abs(mean) <= rounding else float(mean),
        0.0 if deviation <= rounding else float(deviation),
    )


def _ratio(numerator: float, denominator: float) -> float:
    if denominator == 0:
        return float(np.copysign(np.inf, numerator)) if numerator else 0.0
    return float(numerator / denominator)


def _resampled(
    labels: np.ndarray,
    systems: Sequence[np.ndarray],
    speakers: np.ndarray,
    domains: np.ndarray | None,
    resamples: int,
    seed: int,
) -> np.ndarray:
    """UARs, float64 `[systems, 1 + resamples]`; the first is that of the clips as they are."""
    labels, speakers = np.asarray(labels, np.int64), np.asarray(speakers)
    hits = np.stack([np.asarray(predictions) == labels for predictions in systems])
    random = np.random.default_rng(seed)
    of_domains = [
        _resampled_domain(labels[rows], hits[:, rows], speakers[rows], resamples, random)
        for rows in _domain_rows(speakers, domains)
    ]
    if not of_domains:
        return np.full((len(systems), 1 + resamples), np.nan)
    return np.mean(of_domains, axis=0)


def _resampled_domain(
    labels: np.ndarray,
    hits: np.ndarray,
    speakers: np.ndarray,
    resamples: int,
    random: np.random.Generator,
) -> np.ndarray:
    names, speaker = np.unique(speakers, return_inverse=True)
    times = random.multinomial(len(names), np.full(len(names), 1 / len(names)), size=resamples)
    times = np.concatenate([np.ones((1, len(names))), times])
    clips = np.zeros((len(names), labels.max() + 1))
    np.add.at(clips, (speaker, labels), 1)
    clips_drawn = times @ clips
    uars = []
    for hit in hits:
        right = np.zeros_like(clips)
        np.add.at(right, (speaker, labels), hit)
        recalls = times @ right / np.maximum(clips_drawn, 1)
        uars.append(recalls.sum(axis=1) / np.count_nonzero(clips_drawn, axis=1))
    return np.array(uars)


def _interval(
    values: np.ndarray, speakers: np.ndarray, domains: np.ndarray | None, level: float
) -> Interval:
    """Percentiles of all but the first value, which is the estimate."""
    counts = [
        len(np.unique(np.asarray(speakers)[rows])) for rows in _domain_rows(speakers, domains)
    ]
    estimate = float(values[0])
    if min(counts, default=0) < 2 or np.isnan(values).any():
        return Interval(estimate=estimate, lower=np.nan, upper=np.nan)
    # The spread of a resampled mean of n is too small by √((n-1)/n), and the normal distribution's
    # tails are thinner than Student's: both are made good by percentiles further out.
    fewest = min(counts)
    quantile = stats.t.ppf((1 - level) / 2, fewest - 1) * np.sqrt(fewest / (fewest - 1))
    tail = stats.norm.cdf(quantile)
    lower, upper = np.quantile(values[1:], [tail, 1 - tail])
    return Interval(estimate=estimate, lower=float(lower), upper=float(upper))


def _domain_rows(speakers: np.ndarray, domains: np.ndarray | None) -> list[np.ndarray]:
    domains = np.zeros(len(speakers)) if domains is None else np.asarray(domains)
    return [np.flatnonzero(domains == name) for name in np.unique(domains)]
