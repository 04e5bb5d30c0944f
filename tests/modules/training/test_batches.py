"""Batches: every clip once an epoch, shifted or not, the same in any order of access."""

import numpy as np
import scipy.stats

from modules.training.answers import Answers
from modules.training.batches import Batches, balanced_chances
from modules.training.rows import ArrayRows
from modules.training.settings import Settings


def _answers(labels):
    """Returns the answers to clips of one domain."""
    return Answers(labels, np.zeros(len(labels), int), outputs=int(labels.max()) + 1)


def test_batches_hold_every_clip_once_an_epoch():
    clips = np.arange(10, dtype=np.float32).reshape(10, 1, 1)
    batches = Batches(
        ArrayRows(clips), np.arange(10), _answers(np.arange(10)), Settings(epochs=2, batch_size=4)
    )
    assert (len(batches), batches.per_epoch) == (6, 3)
    pairs = [batches[index] for index in range(6)]
    assert [len(labels) for _, labels in pairs] == [4, 4, 2, 4, 4, 2]
    orders = []
    for epoch in (pairs[:3], pairs[3:]):
        orders.append(np.concatenate([labels for _, labels in epoch]).tolist())
        np.testing.assert_array_equal(
            np.concatenate([batch.ravel() for batch, _ in epoch]), orders[-1]
        )
    assert sorted(orders[0]) == sorted(orders[1]) == list(range(10))
    assert orders[0] != orders[1]


def test_batches_do_not_depend_on_what_was_read_before():
    # Keras reads the first ones twice, to learn their shapes, and others ahead of time.
    clips = np.random.default_rng(0).normal(size=(10, 8, 1)).astype(np.float32)
    own = ArrayRows(clips), np.arange(10), _answers(np.arange(10) % 6)
    settings = Settings(epochs=3, batch_size=4, shift_s=2 / 16_000)
    in_order = [Batches(*own, settings)[index] for index in range(9)]
    backwards = Batches(*own, settings)
    for index in reversed(range(9)):
        for one, other in zip(backwards[index], in_order[index], strict=True):
            np.testing.assert_array_equal(one, other)


def test_shift_moves_clips_without_changing_the_source():
    clips = np.zeros((4, 100, 1), np.float32)
    clips[:, 50] = 1.0
    batches = Batches(
        ArrayRows(clips),
        np.arange(4),
        _answers(np.zeros(4, int)),
        Settings(epochs=1, shift_s=10 / 16_000),
    )
    shifted, _ = batches[0]
    positions = shifted[:, :, 0].argmax(axis=1)
    assert np.all(np.abs(positions - 50) <= 10)
    assert len(set(positions)) > 1
    assert np.all(clips[:, 50] == 1.0)


def test_batches_take_the_rows_they_are_given():
    clips = np.arange(10, dtype=np.float32).reshape(10, 1, 1)
    rows = np.array([7, 2, 5])
    batches = Batches(ArrayRows(clips), rows, _answers(np.array([70, 20, 50])), Settings(epochs=1))
    taken, labels = batches[0]
    assert sorted(taken.ravel()) == [2, 5, 7]
    np.testing.assert_array_equal(taken.ravel() * 10, labels)


# Of domain 0 six clips, four of label 0 and two of label 1; of domain 1 two, of the label 2.
SKEWED = np.array([0, 0, 0, 0, 1, 1, 2, 2])
OWNERS = np.array([0, 0, 0, 0, 0, 0, 1, 1])


def test_balanced_chances_by_hand():
    chances = balanced_chances(SKEWED, OWNERS)
    whole = np.sqrt(6) + np.sqrt(2)
    expected = [np.sqrt(6) / whole / 2 / 4] * 4 + [np.sqrt(6) / whole / 2 / 2] * 2
    expected += [np.sqrt(2) / whole / 2] * 2
    np.testing.assert_allclose(chances, expected)
    # The order of clips changes nothing.
    order = np.random.default_rng(0).permutation(8)
    np.testing.assert_allclose(balanced_chances(SKEWED[order], OWNERS[order]), chances[order])


def _balanced(seed, epochs=400):
    clips = np.arange(8, dtype=np.float32).reshape(8, 1, 1)
    answers = Answers(SKEWED, OWNERS, outputs=3)
    settings = Settings(epochs=epochs, batch_size=4, sampling="balanced", seed=seed)
    return Batches(ArrayRows(clips), np.arange(8), answers, settings)


def test_balanced_batches_draw_by_the_chances():
    batches = _balanced(0)
    assert (batches.per_epoch, len(batches)) == (2, 800)
    drawn, labels = (
        np.concatenate(own) for own in zip(*map(batches.__getitem__, range(800)), strict=True)
    )
    assert drawn.shape == (3_200, 1, 1)
    np.testing.assert_array_equal(SKEWED[drawn.ravel().astype(int)], labels)
    counts = np.bincount(drawn.ravel().astype(int), minlength=8)
    # The counts of a fair draw are further off than this once in a thousand times.
    expected = 3_200 * balanced_chances(SKEWED, OWNERS)
    assert scipy.stats.chisquare(counts, expected).pvalue > 1e-3


def test_balanced_batches_are_fixed_by_the_seed_in_any_order_of_access():
    first, again, other = _balanced(1, epochs=3), _balanced(1, epochs=3), _balanced(2, epochs=3)
    backwards = {index: again[index] for index in reversed(range(6))}
    for index in range(6):
        for one, same in zip(first[index], backwards[index], strict=True):
            np.testing.assert_array_equal(one, same)
    assert any(not np.array_equal(first[index][0], other[index][0]) for index in range(6))
    assert not np.array_equal(first[0][0], first[2][0])


def test_balanced_batches_are_of_one_size():
    clips = np.zeros((11, 1, 1), np.float32)
    own = ArrayRows(clips), np.arange(11), _answers(np.arange(11) % 2)
    for batch_size, per_epoch in ((4, 2), (11, 1), (32, 1)):
        settings = Settings(epochs=2, batch_size=batch_size, sampling="balanced")
        batches = Batches(*own, settings)
        assert batches.per_epoch == per_epoch
        assert {len(batches[index][0]) for index in range(len(batches))} == {batch_size}
