"""The inner split: its size, its classes, and its speakers."""

import numpy as np
import pytest

from modules.training.inner_split import inner_split


@pytest.mark.parametrize("by_speaker", [True, False])
def test_inner_split(by_speaker):
    random = np.random.default_rng(0)
    domains = np.repeat(["a", "b"], 120)
    speakers = np.array([f"s{i % 8}" for i in range(240)])
    labels = random.integers(0, 4, 240)
    chosen = inner_split(labels, domains, speakers, fraction=0.125, by_speaker=by_speaker, seed=0)
    for domain in "ab":
        rows = domains == domain
        assert chosen[rows].sum() == pytest.approx(15, abs=3)
        assert set(labels[rows & ~chosen]) == {0, 1, 2, 3}
        shared = set(speakers[rows & chosen]) & set(speakers[rows & ~chosen])
        assert (not shared) == by_speaker


def test_other_domains_have_no_influence():
    # So that a fine-tuning, which reads its own domain only, sets aside what pre-training did.
    random = np.random.default_rng(0)
    domains = np.repeat(["a", "b"], 60)
    speakers = np.array([f"s{i % 7}" for i in range(120)])
    labels = random.integers(0, 4, 120)
    arguments = {"fraction": 0.2, "by_speaker": True, "seed": 3}
    both = inner_split(labels, domains, speakers, **arguments)
    alone = inner_split(labels[60:], domains[60:], speakers[60:], **arguments)
    np.testing.assert_array_equal(both[60:], alone)


def test_what_is_given_is_set_aside_in_domains_that_have_it():
    random = np.random.default_rng(0)
    domains = np.repeat(["a", "b"], 60)
    speakers = np.array([f"s{i % 6}" for i in range(120)])
    labels = random.integers(0, 3, 120)
    given = np.zeros(120, bool)
    given[50:60] = True
    arguments = {"fraction": 0.2, "by_speaker": True, "seed": 3}
    chosen = inner_split(labels, domains, speakers, given=given, **arguments)
    np.testing.assert_array_equal(chosen[:60], given[:60])
    without = inner_split(labels, domains, speakers, **arguments)
    np.testing.assert_array_equal(chosen[60:], without[60:])
