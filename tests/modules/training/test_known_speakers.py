"""Speakers taken out of embeddings, against sums by hand."""

import numpy as np
import pytest

from modules.training import known_speakers
from modules.training.rows import ArrayRows

EMBEDDINGS = np.array([[1, 0], [3, 4], [10, 10], [-4, 2], [0, 0]], np.float32)
DOMAINS = np.array(["a", "a", "a", "b", "b"])
# Speaker 1 of a and speaker 1 of b are two people.
SPEAKERS = np.array(["1", "1", "2", "1", "9"])
ORIGIN = np.array([1, 1], np.float32)


@pytest.fixture
def names():
    return known_speakers.names(DOMAINS, SPEAKERS)


def test_offsets_are_shrunk_by_the_number_of_clips(names):
    found = known_speakers.offsets(ArrayRows(EMBEDDINGS), names, np.array([0, 1, 2, 3]), ORIGIN)
    assert len(found) == 3
    np.testing.assert_allclose(found[names[0]], 2 / 7 * (np.array([2, 2]) - 1), rtol=1e-6)
    np.testing.assert_allclose(found[names[2]], 1 / 6 * (np.array([10, 10]) - 1), rtol=1e-6)
    np.testing.assert_allclose(found[names[3]], 1 / 6 * (np.array([-4, 2]) - 1), rtol=1e-6)


@pytest.mark.parametrize("limit_bytes", [0, 1_000])
def test_only_the_clips_of_those_who_are_known_change(names, tmp_path, limit_bytes):
    known = {names[0]: np.array([0.5, -1], np.float32)}
    inputs = known_speakers.without(
        ArrayRows(EMBEDDINGS), names, known, limit_bytes=limit_bytes, folder=str(tmp_path)
    )
    expected = EMBEDDINGS.copy()
    expected[:2] -= [0.5, -1]
    np.testing.assert_array_equal(inputs.take(np.arange(5)), expected)


def test_the_mean_of_some_clips():
    found = known_speakers.mean_of(ArrayRows(EMBEDDINGS), np.array([1, 2]))
    np.testing.assert_array_equal(found, [6.5, 7])


def test_nobody_in_particular():
    assert not known_speakers.offset(np.array([9.0]), 0, np.array([1.0])).any()
