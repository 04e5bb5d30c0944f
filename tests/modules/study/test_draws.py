"""Few clips of a domain: nested, balanced, seeded, and never of the test fold."""

import dataclasses
import itertools
from collections import Counter

import numpy as np
import pytest

from modules.networks.registry import NetworkSpec
from modules.study import cells, design, draws
from modules.study.cells import Split
from modules.study.clips import Clips
from modules.training.settings import Settings

COUNT = 900


@pytest.fixture(scope="module")
def many():
    """Two domains; of label 5 each has 20 clips or so, of the others more."""
    random = np.random.default_rng(0)
    labels = random.choice(6, COUNT, p=[0.19] * 5 + [0.05])
    return Clips(
        inputs=None,
        labels=labels,
        domains=random.choice(["a", "b"], COUNT),
        speakers=np.array([f"s{i % 10}" for i in range(COUNT)]),
        utterance_ids=np.array([f"u{i:04d}" for i in range(COUNT)]),
        folds={"random": random.integers(0, 5, COUNT), "speaker_independent": np.arange(COUNT) % 5},
        digest="x",
    )


def _pair(count, *, fold=1, seed=0, protocol="random"):
    """Returns the two cells of a learning curve that see the same clips."""
    plan = design.Design(
        domains=("a", "b"),
        targets=("a",),
        network=NetworkSpec(front_end="waveform", preset="fast", outputs=6),
        pretrain=Settings(epochs=2),
        scratch=Settings(epochs=2),
        fine_tune=Settings(epochs=1),
    )
    arguments = (protocol, Split.outer(fold), seed)
    return (
        plan.few_alone(*arguments, target="a", clips_per_class=count),
        plan.few_adapted(*arguments, target="a", clips_per_class=count),
    )


def _rows(clips, count, **changes):
    alone, adapted = _pair(count, **changes)
    found = draws.training_rows(clips, alone, alone.domains)
    # Both see the same.
    np.testing.assert_array_equal(found, draws.training_rows(clips, adapted, (adapted.target,)))
    return found


@pytest.mark.parametrize("protocol", ["random", "speaker_independent"])
@pytest.mark.parametrize("fold", [0, 4])
def test_so_many_of_each_class_of_the_training_folds(many, protocol, fold):
    for count in (1, 5, 25):
        rows = _rows(many, count, fold=fold, protocol=protocol)
        assert (many.domains[rows] == "a").all()
        assert (many.folds[protocol][rows] != fold).all()
        assert len(set(rows.tolist())) == len(rows)
        assert rows.tolist() == sorted(rows)
        there = Counter(
            many.labels[(many.domains == "a") & (many.folds[protocol] != fold)].tolist()
        )
        assert Counter(many.labels[rows].tolist()) == {
            label: min(count, own) for label, own in there.items()
        }


def test_fewer_are_among_more(many):
    found = [set(_rows(many, count).tolist()) for count in (1, 5, 10, 25, 50, 10_000)]
    for fewer, more in itertools.pairwise(found):
        assert fewer < more
    alone, _ = _pair(5)
    everything = many.rows("random", domains=("a",), folds=alone.split.train)
    assert found[-1] == set(everything.tolist())


def test_seeds_and_folds_draw_other_clips_and_the_same_ones_again(many):
    first = _rows(many, 10)
    np.testing.assert_array_equal(first, _rows(many, 10))
    for changes in ({"seed": 1}, {"fold": 2}):
        other = _rows(many, 10, **changes)
        assert len(set(first) & set(other)) < 0.6 * len(first)


def test_the_order_of_the_clips_is_no_part_of_the_draw(many):
    order = np.random.default_rng(1).permutation(COUNT)
    shuffled = dataclasses.replace(
        many,
        labels=many.labels[order],
        domains=many.domains[order],
        speakers=many.speakers[order],
        utterance_ids=many.utterance_ids[order],
        folds={name: folds[order] for name, folds in many.folds.items()},
    )
    names = many.utterance_ids[_rows(many, 10)]
    assert set(names) == set(shuffled.utterance_ids[_rows(shuffled, 10)])


def test_every_clip_is_as_likely():
    names = [f"u{i}" for i in range(20)]
    classes = np.zeros(20, np.int64)
    drawn = Counter(
        place
        for draw in range(2_000)
        for place in draws.few(names, classes, per_class=5, draw=str(draw)).tolist()
    )
    # Each with probability 1/4: 500 times, standard deviation 19.
    assert all(abs(drawn[place] - 500) < 5 * 19.4 for place in range(20))


def test_all_clips_where_no_number_is_given(many):
    cell = dataclasses.replace(_pair(5)[0], clips_per_class=None)
    rows = draws.training_rows(many, cell, ("a",))
    np.testing.assert_array_equal(rows, many.rows("random", domains=("a",), folds=cell.split.train))


def test_cells_on_few_clips_have_names_of_their_own():
    alone, adapted = _pair(5)
    whole = dataclasses.replace(alone, clips_per_class=None)
    assert "clips_per_class" not in cells.to_json(whole)
    assert "clips_per_class" not in cells.to_json(adapted)["parent"]
    names = {cells.key(cell) for cell in (alone, whole, adapted, *_pair(10))}
    assert len(names) == 5
    for cell in (alone, adapted):
        assert cells.from_json(cells.to_json(cell)) == cell
        assert cells.to_json(cell)["clips_per_class"] == 5
        assert "5 clips a class" in cells.describe(cell)


def test_fewer_clips_take_more_epochs():
    # As many steps as with 50 clips a class, and never fewer epochs than the settings say.
    for count, times in ((5, 10), (10, 5), (25, 2), (50, 1), (200, 1)):
        alone, adapted = _pair(count)
        assert (alone.settings.epochs, adapted.settings.epochs) == (2 * times, times)
        assert adapted.parent.settings.epochs == 2
