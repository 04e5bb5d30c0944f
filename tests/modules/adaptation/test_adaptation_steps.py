"""Choice, cross-validation and learning curve on embeddings made by hand."""

import dataclasses

import numpy as np
import own_clips
import pytest

from modules.adaptation import choice, curve
from modules.adaptation import trainings as adaptations
from modules.adaptation.estimate import cross_validate
from modules.adaptation.plan import Plan, for_few
from modules.adaptation.trainings import Trainings
from modules.metrics.uar import unweighted_average_recall
from modules.networks.approaches import PAPER_APPROACHES
from modules.training.settings import Settings
from schemas.errors import UserError


def test_a_plan_survives_json(network):
    plan = own_clips.plan(network, sizes=(5, 10), draws=2, min_uar=0.3)
    assert Plan.from_json(plan.to_json()) == plan


@pytest.mark.parametrize("clips", [2, 7, 12, 30, 100, 257, 5_000])
def test_a_training_has_its_least_steps_and_no_larger_batches(clips):
    asked = Settings(epochs=10, batch_size=64)
    few = for_few(asked, clips, least_steps=60)
    steps = -(-clips // few.batch_size) * few.epochs
    assert steps >= 60
    assert few.batch_size <= 64
    assert few.epochs >= 10
    # And not an epoch more than it needs.
    assert few.epochs == 10 or steps - -(-clips // few.batch_size) < 60
    assert dataclasses.replace(few, epochs=10, batch_size=64) == asked


def test_adapting_helps_where_labels_sound_otherwise(network, base):
    own = own_clips.clips(turned=1)
    found = own_clips.trainings(own, network, base)
    assert unweighted_average_recall(own.labels, found.zero_shot().answers) < 0.2
    estimate = cross_validate(found, own_clips.folds(own))
    assert unweighted_average_recall(own.labels, estimate.answers[0]) > 0.9


def test_labels_of_tested_clips_have_no_say_in_what_is_answered(network, base):
    own = own_clips.clips(turned=1, speakers=4)
    folds = own_clips.folds(own) % 3
    tested = folds == 2
    shuffled = own.labels.copy()
    shuffled[tested] = np.roll(own.labels[tested], 1)
    assert (shuffled != own.labels).sum() == tested.sum()
    other = dataclasses.replace(own, labels=shuffled)
    settings = {"approach": "auto", "candidates": ("A1", "A2"), "inner_parts": 2}
    first, second = (
        cross_validate(own_clips.trainings(clips, network, base, **settings), folds)
        for clips in (own, other)
    )
    assert first.answers[0, tested].tolist() == second.answers[0, tested].tolist()
    assert first.scratch[tested].tolist() == second.scratch[tested].tolist()
    assert first.choices[2] == second.choices[2]
    # The others learnt from them: were nothing different there, nothing would have been shuffled.
    assert first.choices != second.choices


class Recorder(Trainings):
    """Trains nothing, and remembers what it was to train and test on."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.seen: list[tuple[set[int], set[int]]] = []

    def adapted(self, train, tested, *, approach, seed=None):
        self.seen.append((set(train.tolist()), set(tested.tolist())))
        answers = np.zeros(len(tested), np.int64)
        return adaptations.Tested(
            answers=answers,
            members=answers[np.newaxis],
            probabilities=np.full((len(tested), len(self.plan.job.labels)), 0.5, np.float32),
        )

    def scratch(self, train, tested, *, seed=None):
        return self.adapted(train, tested, approach="")


def test_every_clip_is_tested_once_by_what_heard_neither_it_nor_its_speaker(network, base):
    own = own_clips.clips(speakers=7)
    folds = own_clips.folds(own)
    plan = own_clips.plan(network, approach="auto", repeats=2)
    recorder = Recorder(plan, own, own_clips.engine(own, network), base)
    cross_validate(recorder, folds)
    everything = set(range(len(folds)))
    outer = [(train, tested) for train, tested in recorder.seen if train | tested == everything]
    inner = [pair for pair in recorder.seen if pair not in outer]
    # Two repeats and one from scratch.
    assert sorted(row for _, tested in outer for row in tested) == sorted([*everything] * 3)
    for train, tested in recorder.seen:
        assert not set(own.speakers[[*train]]) & set(own.speakers[[*tested]])
    # What a choice looks at is the training part of some fold.
    assert inner
    for train, tested in inner:
        assert any(train | tested == other for other, _ in outer)


def test_of_approaches_that_come_to_the_same_the_first_is_compared(network, base):
    # The encoder is held: A3 and A4 come to the same as A2, and A7 as A6.
    found = own_clips.trainings(own_clips.clips(), network, base, approach="auto")
    job = dataclasses.replace(found.plan.job, candidates=PAPER_APPROACHES)
    plan = dataclasses.replace(found.plan, job=job)
    found = Trainings(plan, found.clips, found.engine, found.base)
    assert choice.candidates(found) == ("A1", "A2", "A5", "A6", "A8")


def test_the_choice_keeps_the_base_where_it_is_perfect_and_adapts_where_it_is_not(network, base):
    for turned, expected in ((0, "A1"), (1, "A2")):
        own = own_clips.clips(turned=turned)
        found = own_clips.trainings(own, network, base, approach="auto", candidates=("A1", "A2"))
        chosen = choice.choose(found, np.arange(len(own.labels)))
        assert chosen.approach == expected, chosen
        assert set(chosen.uars) == {"A1", "A2"}


def test_other_labels_need_an_approach_with_new_outputs(network, base):
    own = own_clips.clips(labels=own_clips.OTHER_LABELS)
    other = {"labels": own_clips.OTHER_LABELS}
    found = own_clips.trainings(own, network, base, approach="auto", **other)
    assert choice.candidates(found) == ("A8",)
    assert choice.usual(found) == "A8"
    with pytest.raises(UserError, match="does not know boredom"):
        found.zero_shot()
    forced = own_clips.trainings(own, network, base, approach="A2", **other)
    with pytest.raises(UserError, match="does not know boredom"):
        choice.choose(forced, np.arange(len(own.labels)))
    nothing = own_clips.trainings(
        own, network, base, approach="auto", candidates=("A1", "A2"), **other
    )
    with pytest.raises(UserError, match=r"none of the candidates A1, A2 is possible.*boredom"):
        choice.choose(nothing, np.arange(len(own.labels)))


def test_inner_parts_keep_speakers_together_if_the_plan_does(network, base):
    own = own_clips.clips(speakers=4)
    rows = np.flatnonzero(own.speakers != "s3")
    whole = choice.inner_parts(own_clips.trainings(own, network, base), rows)
    assert len(np.unique(whole)) == 3
    for speaker in ("s0", "s1", "s2"):
        assert len(set(whole[own.speakers[rows] == speaker])) == 1
    clips = choice.inner_parts(own_clips.trainings(own, network, base, by_speaker=False), rows)
    # Six clips of each label in three parts.
    for label in range(3):
        assert np.bincount(clips[own.labels[rows] == label]).tolist() == [2, 2, 2]


def test_smaller_draws_are_parts_of_larger_ones():
    labels = np.repeat([0, 1, 2], [9, 12, 20])
    rows = np.flatnonzero(np.arange(41) % 2)
    draws = {
        size: curve.first_of_each(labels, rows, size, seed=(0, 1, 2)).tolist() for size in (1, 2, 4)
    }
    for size, drawn in draws.items():
        assert np.bincount(labels[drawn]).tolist() == [size] * 3
        assert set(drawn) <= set(rows)
    assert set(draws[1]) < set(draws[2]) < set(draws[4])
    other = curve.first_of_each(labels, rows, 4, seed=(0, 1, 3)).tolist()
    assert other != draws[4]


def test_the_curve_has_the_sizes_that_every_part_holds_and_all_clips(network, base):
    own = own_clips.clips(turned=1)
    plan = own_clips.plan(network, sizes=(50, 8, 2, 9), draws=2)
    recorder = Recorder(plan, own, own_clips.engine(own, network), base)
    found = curve.learning_curve(recorder, own_clips.folds(own), approach="A2")
    # Of the ten clips a class eight are in the training part of each fold.
    assert [point.clips_a_class for point in found] == [2, 8, 8]
    assert [point.all_clips for point in found] == [False, False, True]
    assert [len(point.adapted) for point in found] == [2, 2, 1]
    # The recorder always answers `anger`.
    assert {uar for point in found for uar in point.adapted} == {1 / 3}


def test_few_clips_are_worth_more_to_a_base_that_knows_them(network, base):
    own = own_clips.clips(noise=2.0)
    found = own_clips.trainings(own, network, base, sizes=(1,))
    point = curve.learning_curve(found, own_clips.folds(own), approach="A2")[0]
    assert point.clips_a_class == 1
    assert point.adapted[0] > 0.8
    assert point.ratio > 1.1
