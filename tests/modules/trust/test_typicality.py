"""Distances under probabilistic PCA against the explicit covariance and the chi-squared law."""

import dataclasses

import numpy as np
import pytest
from scipy.spatial.distance import mahalanobis
from scipy.stats import chi2
from sklearn.decomposition import PCA

from modules.trust import typicality


def _embeddings(count=500, channels=12, seed=0):
    random = np.random.default_rng(seed)
    mixing = random.normal(size=(3, channels)) * 3
    noise = random.normal(size=(count, channels))
    return (random.normal(size=(count, 3)) @ mixing + noise + 5).astype(np.float32)


def test_distances_are_those_of_the_explicit_covariance():
    embeddings = _embeddings()
    found = typicality.fit(embeddings, layers=2, components=3)
    # scikit-learn's covariance is that of Tipping & Bishop, divided by n - 1.
    standardised = (embeddings - embeddings.mean(axis=0)) / embeddings.std(axis=0)
    model = PCA(3, svd_solver="full").fit(standardised.astype(np.float64))
    inverse = np.linalg.inv(model.get_covariance() * (len(embeddings) - 1) / len(embeddings))
    wanted = [mahalanobis(row, np.zeros(12), inverse) ** 2 for row in standardised[:20]]
    np.testing.assert_allclose(found.distances(embeddings[:20]), wanted, rtol=1e-3)


def test_distances_of_new_clips_follow_the_chi_squared_law():
    random = np.random.default_rng(0)
    # Channels of one variance, as the model has it of its standardised embeddings.
    mixing = 2.0 * random.choice([-1, 1], (3, 12))
    clips = random.normal(size=(8_000, 3)) @ mixing + random.normal(size=(8_000, 12))
    found = typicality.fit(clips[:4_000], layers=0, components=3)
    distances = found.distances(clips[4_000:])
    for share in (0.5, 0.9, 0.99):
        assert np.quantile(distances, share) == pytest.approx(chi2.ppf(share, 12), rel=0.06)


def test_few_clips_have_few_components():
    assert typicality.fit(_embeddings(20), layers=0).components.shape == (4, 12)
    assert typicality.fit(_embeddings(500), layers=0).components.shape == (11, 12)
    with pytest.raises(ValueError, match="have no distances"):
        typicality.fit(_embeddings(1), layers=0)


def test_held_out_clips_are_compared_with_others_speakers_alone():
    embeddings = _embeddings(60)
    speakers = np.repeat(list("abcdef"), 10)
    found = typicality.held_out_distances(embeddings, speakers, parts=6)
    for speaker in "af":
        own = speakers == speaker
        wanted = typicality.fit(embeddings[~own], layers=0).distances(embeddings[own])
        np.testing.assert_allclose(found[own], wanted, rtol=1e-5)
    assert np.isfinite(typicality.held_out_distances(embeddings, np.full(60, "a"))).all()


def test_threshold_holds_in_every_domain():
    random = np.random.default_rng(0)
    distances = np.concatenate([random.lognormal(1, 0.2, 1_000), random.lognormal(2, 0.1, 1_000)])
    domains = np.repeat(["near", "far"], 1_000)
    found = typicality.threshold(distances, domains, false_alarms=0.01)
    assert (distances[domains == "far"] > found).mean() <= 0.01
    assert found == pytest.approx(np.exp(2 + 0.1 * 2.326), rel=0.02)
    # Of thirty clips, the largest is no quantile of one in a hundred.
    few = typicality.threshold(distances[-30:], domains[-30:], false_alarms=0.01)
    assert few > distances[-30:].max()


def test_files_are_equal_byte_by_byte(tmp_path):
    found = typicality.fit(_embeddings(), layers=3)
    for name in "ab":
        (tmp_path / name).mkdir()
        found.save(tmp_path / name)
    first, second = (tmp_path / name / typicality.TYPICALITY_FILE for name in "ab")
    assert first.read_bytes() == second.read_bytes()
    again = typicality.Typicality.load(first)
    assert again.layers == 3
    for field in dataclasses.fields(found):
        np.testing.assert_array_equal(getattr(again, field.name), getattr(found, field.name))
