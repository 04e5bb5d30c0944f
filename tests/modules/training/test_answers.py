"""Answers and the smoothed loss, against scikit-learn on the labels of each clip's domain."""

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.metrics import log_loss

from modules.training.answers import Answers, smoothed_accuracy, smoothed_cross_entropy

# Domain 0 has clips of the labels 0, 1 and 3, domain 1 of 2 and 3.
LABELS = np.array([0, 1, 3, 2, 3, 0, 2])
DOMAINS = np.array([0, 0, 0, 1, 1, 0, 1])
OWN = {0: [0, 1, 3], 1: [2, 3]}


def probabilities(seed=0):
    logits = np.random.default_rng(seed).normal(size=(len(LABELS), 4))
    return softmax(logits, axis=1).astype(np.float32)


def test_without_smoothing_answers_are_labels():
    answers = Answers(LABELS, DOMAINS, outputs=4)
    assert answers.take(np.array([4, 0, 4])).tolist() == [3, 0, 3]


def test_smoothed_answers_by_hand():
    answers = Answers(LABELS, DOMAINS, outputs=4, smoothing=0.3)
    taken = answers.take(np.array([0, 3]))
    # A third of 0.3 for each of three labels; half of it for each of two.
    np.testing.assert_allclose(taken[0], [0.8, 0.1, 0, 0.1, 1, 1, 0, 1], atol=1e-6)
    np.testing.assert_allclose(taken[1], [0, 0, 0.85, 0.15, 0, 0, 1, 1], atol=1e-6)
    assert taken.dtype == np.float32


@pytest.mark.parametrize("smoothing", [1e-6, 0.1, 0.5])
def test_the_loss_is_the_cross_entropy_over_the_domains_labels(smoothing):
    answers = Answers(LABELS, DOMAINS, outputs=4, smoothing=smoothing)
    given = probabilities()
    found = np.array(smoothed_cross_entropy(answers.take(np.arange(len(LABELS))), given))
    for clip, (label, domain) in enumerate(zip(LABELS, DOMAINS, strict=True)):
        own = OWN[domain]
        masked = given[clip, own] / given[clip, own].sum()
        # The loss is linear in the targets: that of the label, and that of each label alike.
        losses = [log_loss([each], [masked], labels=own) for each in own]
        expected = (1 - smoothing) * losses[own.index(label)] + smoothing * np.mean(losses)
        assert found[clip] == pytest.approx(expected, rel=1e-5)


def test_scores_of_other_labels_do_not_matter():
    answers = Answers(LABELS, DOMAINS, outputs=4, smoothing=0.2).take(np.arange(len(LABELS)))
    logits = np.random.default_rng(1).normal(size=(len(LABELS), 4))
    moved = logits.copy()
    for clip, domain in enumerate(DOMAINS):
        others = [label for label in range(4) if label not in OWN[domain]]
        moved[clip, others] += 3.0
    first, second = (
        np.array(smoothed_cross_entropy(answers, softmax(own, axis=1).astype(np.float32)))
        for own in (logits, moved)
    )
    np.testing.assert_allclose(first, second, rtol=1e-4)


def test_a_probability_of_nothing_is_finite():
    answers = Answers(LABELS, DOMAINS, outputs=4, smoothing=0.1).take(np.array([0, 3]))
    given = np.array([[0, 1, 0, 0], [1, 0, 0, 0]], np.float32)
    assert np.isfinite(np.array(smoothed_cross_entropy(answers, given))).all()


def test_accuracy_is_among_the_domains_labels():
    answers = Answers(LABELS, DOMAINS, outputs=4, smoothing=0.2)
    given = probabilities(3)
    best = [
        OWN[domain][int(given[clip, OWN[domain]].argmax())] for clip, domain in enumerate(DOMAINS)
    ]
    found = np.array(smoothed_accuracy(answers.take(np.arange(len(LABELS))), given))
    assert found.tolist() == (np.array(best) == LABELS).tolist()
    # Some answers are of the domain's labels only because of the mask.
    assert best != given.argmax(axis=1).tolist()
    assert {True, False} == set(found.tolist())
