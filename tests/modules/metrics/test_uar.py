"""UAR against scikit-learn, its interval against scipy and by coverage."""

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import balanced_accuracy_score, confusion_matrix, recall_score

from modules.metrics import uar


@pytest.mark.filterwarnings("ignore:y_pred contains classes not in y_true")
@pytest.mark.parametrize("present", [[0, 1, 2, 3, 4, 5], [0, 3, 4], [2]])
def test_equals_balanced_accuracy(present):
    random = np.random.default_rng(len(present))
    labels, predictions = random.choice(present, 200), random.integers(0, 6, 200)
    confusion = uar.confusion_matrix(labels, predictions, classes=6)
    np.testing.assert_array_equal(confusion, confusion_matrix(labels, predictions, labels=range(6)))
    expected = balanced_accuracy_score(labels, predictions)
    assert uar.uar_of(confusion) == pytest.approx(expected)
    assert uar.unweighted_average_recall(labels, predictions) == pytest.approx(expected)
    recalls = uar.recalls(confusion)
    np.testing.assert_allclose(
        recalls[present],
        recall_score(labels, predictions, labels=present, average=None, zero_division=0),
    )
    assert np.isnan(np.delete(recalls, present)).all()


def test_nothing_to_count():
    empty = np.zeros((6, 6), int)
    assert np.isnan(uar.uar_of(empty))
    assert np.isnan(uar.uar_interval(empty)).all()
    assert np.isnan(uar.unweighted_average_recall(np.array([], int), np.array([], int)))


@pytest.mark.parametrize(("hits", "clips"), [(7, 10), (0, 5), (12, 12)])
def test_interval_of_one_class_is_wilsons(hits, clips):
    confusion = np.array([[hits, clips - hits], [0, 0]])
    expected = stats.binomtest(hits, clips).proportion_ci(method="wilson")
    assert uar.uar_interval(confusion) == pytest.approx((expected.low, expected.high))


def test_interval_covers_the_true_uar_as_often_as_it_says():
    random = np.random.default_rng(0)
    recalls, clips, runs = np.array([0.9, 0.35, 0.6, 0.2]), np.array([20, 12, 30, 15]), 2_000
    covered = 0
    for _ in range(runs):
        hits = random.binomial(clips, recalls)
        confusion = np.diag(hits)
        confusion[np.arange(4), (np.arange(4) + 1) % 4] = clips - hits
        lower, upper = uar.uar_interval(confusion)
        covered += lower <= recalls.mean() <= upper
    assert 0.93 < covered / runs < 0.975
