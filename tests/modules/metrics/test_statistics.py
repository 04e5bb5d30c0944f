"""Tests over folds against scipy and hand calculations; bootstraps by brute force and coverage."""

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import balanced_accuracy_score

from modules.metrics import statistics

FIRST = np.array([0.61, 0.58, 0.70, 0.66, 0.59])
SECOND = np.array([0.55, 0.60, 0.62, 0.61, 0.52])


def test_paired_t_test_is_scipys():
    ours, theirs = statistics.paired_t_test(FIRST, SECOND), stats.ttest_rel(FIRST, SECOND)
    assert ours.statistic == pytest.approx(theirs.statistic)
    assert ours.p_value == pytest.approx(theirs.pvalue)
    assert (ours.degrees_of_freedom, ours.difference) == (theirs.df, pytest.approx(0.048))


def test_corrected_t_test_by_hand():
    # Differences .06 -.02 .08 .05 .07: mean .048, sum of squares about it .00628, variance .00157.
    # Five folds: 1/5 + 1/4 = .45; t = .048 / sqrt(.45 * .00157) = 1.80586.
    ours = statistics.corrected_t_test(FIRST, SECOND)
    assert ours.statistic == pytest.approx(1.80586, abs=1e-5)
    assert ours.p_value == pytest.approx(2 * (1 - stats.t.cdf(1.80586, 4)), abs=1e-6)
    # The plain test's t is larger by sqrt(.45 / .2) = 1.5.
    plain = statistics.paired_t_test(FIRST, SECOND)
    assert plain.statistic / ours.statistic == pytest.approx(1.5)


def test_corrected_t_test_of_folds_repeated_with_two_seeds():
    # Ten values: 1/10 + 1/4 = .35; t = .048 / sqrt(.35 * 2 * .00628 / 9) = 2.17187.
    ours = statistics.corrected_t_test(np.tile(FIRST, 2), np.tile(SECOND, 2), test_to_train=0.25)
    assert ours.statistic == pytest.approx(2.17187, abs=1e-5)
    assert ours.degrees_of_freedom == 9


def test_corrected_t_test_keeps_its_error_rate_on_resampled_data():
    """Two coin-tossing systems, cross-validated: the plain test finds differences too often."""
    random = np.random.default_rng(0)
    found = {statistics.paired_t_test: 0, statistics.corrected_t_test: 0}
    for _ in range(1_000):
        # Folds share a part of their error, as their training clips do: correlation 1/5.
        shared, own = random.normal(size=1), random.normal(size=5)
        values = np.sqrt(0.2) * shared + np.sqrt(0.8) * own
        for test in found:
            found[test] += test(values, np.zeros(5)).p_value <= 0.05
    assert found[statistics.corrected_t_test] / 1_000 == pytest.approx(0.05, abs=0.02)
    assert found[statistics.paired_t_test] / 1_000 > 0.1


@pytest.mark.parametrize("test", [statistics.paired_t_test, statistics.corrected_t_test])
def test_degenerate_pairs(test):
    # .1 + .2 is not .3: the rounding must not count as variance.
    equal = test(np.array([0.3, 0.6, 0.8]), np.array([0.1 + 0.2, 0.6, 0.8]))
    assert (equal.statistic, equal.p_value, equal.difference) == (0.0, 1.0, 0.0)
    constant = test(np.array([0.5, 0.6, 0.8]), np.array([0.6, 0.7, 0.9]))
    assert (constant.statistic, constant.p_value) == (-np.inf, 0.0)
    for values in ([0.5], []):
        assert np.isnan(test(np.array(values), np.array(values)).p_value)
    assert np.isnan(test(np.array([0.5, np.nan, 0.7]), np.array([0.4, 0.5, 0.5])).p_value)
    with pytest.raises(ValueError, match="pairs"):
        test(FIRST, SECOND[:4])


def test_effect_size():
    # .048 / sqrt(.00157) = 1.21141; Hedges' factor for 4 degrees of freedom: 0.79788.
    assert statistics.effect_size(FIRST, SECOND) == pytest.approx(1.21141, abs=1e-5)
    unbiased = statistics.effect_size(FIRST, SECOND, unbiased=True)
    assert unbiased == pytest.approx(1.21141 * 0.79788, abs=1e-5)
    assert statistics.effect_size(FIRST, FIRST) == 0.0
    assert statistics.effect_size(FIRST, FIRST - 0.1) == np.inf
    assert np.isnan(statistics.effect_size(FIRST[:1], SECOND[:1]))


def test_unbiased_effect_size_is_unbiased():
    random = np.random.default_rng(0)
    draws = random.normal(0.8, 1.0, size=(4_000, 5))
    zeros = np.zeros(5)
    mean = np.mean([statistics.effect_size(draw, zeros, unbiased=True) for draw in draws])
    assert mean == pytest.approx(0.8, abs=0.04)
    assert np.mean([statistics.effect_size(draw, zeros) for draw in draws]) > 0.9


def test_holm_by_hand():
    # Sorted .01 .02 .03 .04: times 4, 3, 2, 1 gives .04 .06 .06 .04; never less than before.
    corrected = statistics.holm(np.array([0.04, 0.01, 0.03, 0.02]))
    np.testing.assert_allclose(corrected, [0.06, 0.04, 0.06, 0.06])
    # R: p.adjust(c(.001, .6, .7), "holm") is .003 1 1.
    np.testing.assert_allclose(statistics.holm(np.array([0.6, 0.001, 0.7])), [1.0, 0.003, 1.0])


def test_holm_leaves_out_tests_that_were_not_made():
    corrected = statistics.holm(np.array([np.nan, 0.02, 0.5]))
    np.testing.assert_allclose(corrected, [np.nan, 0.04, 0.5])
    assert statistics.holm(np.array([])).shape == (0,)


def _population(random, speakers, *, clips=12, spread=0.15):
    """Labels, predictions, speakers: recalls vary from speaker to speaker about .6."""
    labels = np.tile(np.arange(4), speakers * clips // 4)
    speaker = np.repeat(np.arange(speakers), clips)
    skill = np.clip(random.normal(0.6, spread, speakers), 0, 1)
    right = random.random(len(labels)) < skill[speaker]
    return labels, np.where(right, labels, (labels + 1) % 4), speaker.astype(str)


def test_bootstrap_estimates_what_scikit_learn_does():
    labels, predictions, speakers = _population(np.random.default_rng(1), 8)
    other = np.roll(predictions, 1)
    uar, other_uar = (balanced_accuracy_score(labels, p) for p in (predictions, other))
    assert statistics.bootstrap_uar(labels, predictions, speakers).estimate == pytest.approx(uar)
    difference = statistics.bootstrap_difference(labels, predictions, other, speakers)
    assert difference.estimate == pytest.approx(uar - other_uar)
    gain = statistics.bootstrap_relative_gain(labels, predictions, other, speakers)
    assert gain.estimate == pytest.approx(uar / other_uar - 1)
    for interval in (difference, gain):
        assert interval.lower < interval.estimate < interval.upper


def test_limits_are_those_of_all_resamples_of_three_speakers():
    """All 27 resamples of three speakers, counted out; the limits are among their UARs."""
    labels = np.tile([0, 0, 1, 1], 3)
    predictions = np.array([0, 0, 1, 0, 0, 1, 1, 1, 1, 1, 0, 1])
    rows = np.arange(12).reshape(3, 4)
    uars = sorted(
        balanced_accuracy_score(labels[drawn], predictions[drawn])
        for drawn in (rows[[i, j, k]].ravel() for i, j, k in np.ndindex(3, 3, 3))
    )
    interval = statistics.bootstrap_uar(
        labels, predictions, np.repeat(["a", "b", "c"], 4), level=0.5
    )
    # Expanded for three speakers: t(2) at .25 is -.8165, times sqrt(3/2) is -1: 15.87%.
    np.testing.assert_allclose(
        (interval.lower, interval.upper), np.quantile(uars, [0.1587, 0.8413]), atol=0.03
    )


@pytest.mark.parametrize("speakers", [6, 24])
def test_interval_covers_the_true_uar_about_as_often_as_it_says(speakers):
    random = np.random.default_rng(speakers)
    runs, covered, by_clips = 300, 0, 0
    for run in range(runs):
        labels, predictions, names = _population(random, speakers)
        interval = statistics.bootstrap_uar(labels, predictions, names, resamples=400, seed=run)
        covered += interval.lower <= 0.6 <= interval.upper
        clips = np.arange(len(labels)).astype(str)
        interval = statistics.bootstrap_uar(labels, predictions, clips, resamples=400, seed=run)
        by_clips += interval.lower <= 0.6 <= interval.upper
    assert 0.91 < covered / runs < 0.985
    # Taking clips for independent is what the clusters are for.
    assert by_clips < covered - 0.03 * runs


def test_domains_are_resampled_apart_and_weigh_the_same():
    random = np.random.default_rng(3)
    parts = [_population(random, speakers) for speakers in (10, 10)]
    labels, predictions, speakers = (np.concatenate(values) for values in zip(*parts, strict=True))
    domains = np.repeat(["emodb", "ravdess"], [120, 120])
    interval = statistics.bootstrap_uar(labels, predictions, speakers, domains=domains)
    own = [balanced_accuracy_score(*part[:2]) for part in parts]
    assert interval.estimate == pytest.approx(np.mean(own))
    # Independent domains: variances of the mean of two add up to a quarter.
    widths = [
        np.diff([(i := statistics.bootstrap_uar(*part)).lower, i.upper]).item() for part in parts
    ]
    assert interval.upper - interval.lower == pytest.approx(np.hypot(*widths) / 2, rel=0.15)


def test_same_seed_same_interval_and_order_does_not_matter():
    labels, predictions, speakers = _population(np.random.default_rng(4), 8)
    interval = statistics.bootstrap_uar(labels, predictions, speakers, seed=7)
    assert interval == statistics.bootstrap_uar(labels, predictions, speakers, seed=7)
    assert interval != statistics.bootstrap_uar(labels, predictions, speakers, seed=8)
    order = np.random.default_rng(5).permutation(len(labels))
    shuffled = statistics.bootstrap_uar(labels[order], predictions[order], speakers[order], seed=7)
    assert shuffled == interval


def test_equal_systems_do_not_differ():
    labels, predictions, speakers = _population(np.random.default_rng(6), 8)
    for compare in (statistics.bootstrap_difference, statistics.bootstrap_relative_gain):
        interval = compare(labels, predictions, predictions, speakers)
        assert (interval.estimate, interval.lower, interval.upper) == (0.0, 0.0, 0.0)


def test_a_class_of_one_speaker_is_left_out_of_resamples_without_it():
    # Speaker a alone has class 1, always wrong; class 0 is always right.
    labels, predictions = np.array([0, 1, 0, 0, 0]), np.zeros(5, int)
    interval = statistics.bootstrap_uar(labels, predictions, np.array(list("aabcd")))
    # .5 with speaker a, 1 without: the resamples have no other values.
    assert (interval.estimate, interval.lower, interval.upper) == (0.5, 0.5, 1.0)


def test_undefined_limits():
    labels, predictions = np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1])
    one_speaker = statistics.bootstrap_uar(labels, predictions, np.full(4, "a"))
    assert one_speaker.estimate == pytest.approx(0.75)
    assert np.isnan([one_speaker.lower, one_speaker.upper]).all()
    nothing = np.array([], int)
    assert np.isnan(statistics.bootstrap_uar(nothing, nothing, nothing.astype(str)).estimate)
    wrong = 1 - labels
    gain = statistics.bootstrap_relative_gain(labels, labels, wrong, np.array(list("abab")))
    assert np.isnan([gain.estimate, gain.lower, gain.upper]).all()
