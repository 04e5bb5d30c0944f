"""Calibration against closed forms, scipy's general optimiser, scikit-learn and counts by hand."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import softmax
from sklearn.metrics import brier_score_loss, log_loss

from modules.trust import calibration
from modules.trust.calibration import Reliability


def _clips(seed=0, count=400):
    random = np.random.default_rng(seed)
    logits = random.normal(size=(count, 5)) * 2
    labels = np.array([random.choice(5, p=softmax(row)) for row in logits])
    return logits, labels


def test_temperature_undoes_a_scale_of_the_logits():
    logits, labels = _clips()
    found = calibration.fit_temperature(softmax(logits, axis=1), labels)
    again = calibration.fit_temperature(softmax(logits * 1.7, axis=1), labels)
    assert again == pytest.approx(1.7 * found, rel=1e-3)
    wanted = minimize(
        lambda x: log_loss(labels, softmax(logits / np.exp(x[0]), axis=1), labels=range(5)),
        [0.0],
        method="Nelder-Mead",
    )
    assert found == pytest.approx(np.exp(wanted.x[0]), rel=1e-2)


def test_closed_form_of_two_labels():
    # Nine to one, and right in three of four: the odds have to become three to one.
    probabilities, labels = np.full((8, 2), [0.9, 0.1]), np.array([0, 0, 0, 1] * 2)
    found = calibration.fit_temperature(probabilities, labels)
    assert found == pytest.approx(np.log(9) / np.log(3), rel=1e-3)
    assert calibration.tempered(probabilities, found)[0, 0] == pytest.approx(0.75, rel=1e-4)


def test_limits_where_every_answer_is_right():
    found = calibration.fit_temperature(np.full((4, 2), [0.6, 0.4]), np.zeros(4, int))
    assert found == pytest.approx(calibration.LEAST_TEMPERATURE, rel=1e-3)
    with pytest.raises(ValueError, match="no clips"):
        calibration.fit_temperature(np.empty((0, 2)), np.empty(0, int))


def test_labels_that_a_domain_lacks_take_no_part():
    logits, labels = _clips()
    own = labels < 3
    mask = np.array([True, True, True, False, False])
    alone = calibration.fit_temperature(softmax(logits[own][:, :3], axis=1), labels[own])
    masked = calibration.fit_temperature(softmax(logits[own], axis=1), labels[own], mask)
    assert masked == pytest.approx(alone, rel=1e-4)
    found = calibration.tempered(softmax(logits, axis=1), 1.3, mask)
    np.testing.assert_allclose(found[:, :3], softmax(logits[:, :3] / 1.3, axis=1), rtol=1e-6)
    assert not found[:, 3:].any()


def test_reliability_by_hand():
    # Confidences .55 (wrong), .95 (right), .9 (right), .85 (wrong), in tenths.
    probabilities = np.array([[0.55, 0.45], [0.05, 0.95], [0.9, 0.1], [0.85, 0.15]])
    found = Reliability.of(probabilities, np.array([1, 1, 0, 1]), bins=10)
    assert found.clips.tolist() == [0, 0, 0, 0, 0, 1, 0, 0, 2, 1]
    assert found.right.tolist() == [0, 0, 0, 0, 0, 0, 0, 0, 1, 1]
    assert found.confidence[8] == pytest.approx(2 * 0.875)
    # (1 * .55 + 2 * .375 + 1 * .05) / 4
    assert found.expected_calibration_error == pytest.approx(0.3375)


def test_brier_score_against_scikit_learn():
    logits, labels = _clips(1)
    probabilities = softmax(logits, axis=1)
    each = [brier_score_loss(labels == label, probabilities[:, label]) for label in range(5)]
    assert Reliability.of(probabilities, labels).brier_score == pytest.approx(sum(each))


def test_reliability_of_parts_adds_up():
    logits, labels = _clips(2)
    probabilities = softmax(logits, axis=1)
    whole = Reliability.of(probabilities, labels)
    parts = [Reliability.of(probabilities[own], labels[own]) for own in (slice(7), slice(7, None))]
    added = Reliability.of(probabilities[:0], labels[:0]) + parts[0] + parts[1]
    for name in ("clips", "confidence", "right", "squared"):
        np.testing.assert_allclose(getattr(added, name), getattr(whole, name), err_msg=name)
    assert np.isnan(Reliability.of(probabilities[:0], labels[:0]).brier_score)
