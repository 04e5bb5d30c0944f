"""A whole adaptation: its figures from its answers, its verdict, what was forgotten."""

import dataclasses

import numpy as np
import own_clips
import pytest
from sklearn.metrics import balanced_accuracy_score, confusion_matrix, recall_score

from modules.adaptation import adapt
from modules.adaptation.findings import Findings
from modules.adaptation.trainings import Trainings
from modules.training.settings import Settings

FACTS = adapt.BaseFacts(folder="/release/model", record_digest="d1")


def _adapt(network, base, own, **changes):
    old = own_clips.clips(domain="old", speakers=4, seed=2)
    return adapt.adapt(
        own_clips.plan(network, **changes),
        own,
        own_clips.folds(own),
        own_clips.engine(own, network),
        base,
        FACTS,
        base_clips=(old, own_clips.engine(old, network)),
    )


@pytest.fixture(scope="module")
def done(network, base):
    return _adapt(network, base, own_clips.clips(turned=1), sizes=(2,), repeats=2)


def test_figures_are_those_of_the_stored_answers(done):
    found = done.findings
    truth = [answer.label for answer in found.answers]
    assert found.clips == 30
    columns = {
        "zero_shot": [answer.zero_shot for answer in found.answers],
        "scratch": [answer.scratch for answer in found.answers],
    }
    for name, answers in columns.items():
        assert getattr(found, name).value == pytest.approx(balanced_accuracy_score(truth, answers))
    repeats = list(zip(*(answer.adapted for answer in found.answers), strict=True))
    uars = [balanced_accuracy_score(truth, answers) for answers in repeats]
    assert found.repeat_uars == pytest.approx(uars)
    assert found.adapted.value == pytest.approx(np.mean(uars))
    assert found.difference.value == pytest.approx(np.mean(uars) - found.zero_shot.value)
    assert found.adapted.low <= found.adapted.value <= found.adapted.high

    pooled, both = [*repeats[0], *repeats[1]], truth * 2
    assert [list(row.answers) for row in found.classes] == confusion_matrix(
        both, pooled, labels=found.labels
    ).tolist()
    assert [row.adapted for row in found.classes] == pytest.approx(
        recall_score(both, pooled, labels=found.labels, average=None)
    )
    for fold in found.folds:
        rows = [place for place, answer in enumerate(found.answers) if answer.fold == fold.fold]
        assert fold.clips == len(rows) == 6
        own = [
            balanced_accuracy_score(np.take(truth, rows), np.take(each, rows)) for each in repeats
        ]
        assert fold.adapted == pytest.approx(np.mean(own))


def test_findings_survive_json(done):
    assert Findings.from_json(done.findings.to_json()) == done.findings


def test_what_was_turned_round_is_learnt_and_what_was_known_is_lost(done):
    found = done.findings
    assert found.adapted.value > found.zero_shot.value + 0.5
    assert (found.verdict.served, found.verdict.pushed) == ("adapted", True)
    [old] = found.forgotten
    assert (old.domain, old.clips, old.speakers) == ("old", 24, 4)
    assert old.base > 0.95
    assert old.adapted < old.base - 0.3
    assert old.difference.value == pytest.approx(old.adapted - old.base)


def test_the_final_network_starts_from_the_base_and_keeps_what_is_frozen(done, base):
    lineage, record = done.findings.lineage, done.network.record
    assert lineage.before == base.record.weight_hashes == record.weight_hashes_before
    assert lineage.after == record.weight_hashes
    changed = {group for group in lineage.fates if lineage.before[group] != lineage.after[group]}
    assert changed == {"pooling", "dense"}
    assert record.clips == {"own": 30}
    assert record.adaptation.base == "release/pretrain"
    assert set(record.domain_labels) == {"old", "own"}


def test_an_adaptation_that_makes_it_worse_leaves_the_base(network, base, monkeypatch):
    adapted = Trainings.adapted

    def ruined(self, train, tested, *, approach, seed=None):
        done = adapted(self, train, tested, approach=approach, seed=seed)
        return done if approach == "A1" else dataclasses.replace(done, answers=0 * done.answers)

    monkeypatch.setattr(Trainings, "adapted", ruined)
    done = _adapt(network, base, own_clips.clips())
    found = done.findings
    assert done.served.record.weight_hashes == base.record.weight_hashes
    assert done.served.record.domain_labels["own"] == own_clips.LABELS.labels
    assert found.zero_shot.value > 0.95
    assert found.adapted.value == pytest.approx(1 / 3)
    assert (found.verdict.served, found.verdict.pushed) == ("base", True)
    assert "made it worse" in found.verdict.reason


def test_a_uar_below_the_gate_is_not_pushed(network, base):
    own = own_clips.clips(turned=1)
    found = _adapt(network, base, own, approach="A1", min_uar=0.5).findings
    assert found.adapted.value == found.zero_shot.value < 0.5
    assert (found.verdict.served, found.verdict.pushed) == ("base", False)
    assert "below gate.min_uar, 0.500" in found.verdict.reason
    # Nothing was trained, so nothing was forgotten.
    assert [each.difference.value for each in found.forgotten] == [0.0]


def test_labels_that_the_base_does_not_know(network, base):
    own = own_clips.clips(labels=own_clips.OTHER_LABELS)
    done = _adapt(network, base, own, labels=own_clips.OTHER_LABELS, approach="auto")
    found = done.findings
    assert found.zero_shot is None
    assert found.difference is None
    assert "does not know boredom" in found.zero_shot_impossible
    assert found.approach == "A8"
    assert found.adapted.value > 0.9
    assert [each.adapted for each in found.forgotten] == [None]
    assert list(done.network.record.labels) == list(own_clips.OTHER_LABELS)
    assert Findings.from_json(found.to_json()) == found


@pytest.mark.parametrize(("speakers", "resampled"), [(2, "clips"), (3, "speakers")])
def test_what_intervals_resample(network, base, speakers, resampled):
    own = own_clips.clips(speakers=speakers, each=3)
    found = _adapt(network, base, own, approach="A1", own_folds=True).findings
    assert found.resampled == resampled
    assert [fold.speakers for fold in found.folds] == [(f"s{n}",) for n in range(speakers)]


def test_the_same_seed_gives_the_same_figures(network, base):
    own = own_clips.clips(turned=1, speakers=3)
    quick = Settings(**{**dataclasses.asdict(own_clips.SETTINGS), "epochs": 2})
    first, second = (
        _adapt(network, base, own, own_folds=True, settings=quick).findings for _ in range(2)
    )
    assert dataclasses.replace(first, seconds={}) == dataclasses.replace(second, seconds={})
