"""Batches: every clip once an epoch, shifted or not, the same in any order of access."""

import numpy as np

from modules.training.answers import Answers
from modules.training.batches import Batches
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
