"""The study's cells, design, store and runner."""

import dataclasses
import json
import subprocess
import sys

import numpy as np
import pytest

from modules.networks.registry import NetworkSpec
from modules.study import baselines, cells, clips, design, estimate
from modules.study.cells import Split
from modules.study.runner import Runner
from modules.study.store import Store
from modules.training.rows import ArrayRows
from modules.training.settings import Settings
from schemas.errors import UserError
from schemas.labels import PAPER, LabelSet

ONE = Settings(epochs=1, batch_size=16)
TWO = Settings(epochs=2, batch_size=16)
LIMIT_BYTES = 2**30


def make_design(**changes) -> design.Design:
    arguments = {
        "domains": ("a", "b", "c"),
        "targets": ("a", "b"),
        "protocols": ("random",),
        "folds": (0,),
        "tables": (3,),
        "network": NetworkSpec(front_end="waveform", preset="fast", outputs=6),
        "pretrain": TWO,
        "scratch": ONE,
        "fine_tune": ONE,
    }
    return design.Design(**{**arguments, **changes})


def counts(planned) -> dict[str, int]:
    names = [type(cell).__name__ for cell in planned]
    return {name: names.count(name) for name in sorted(set(names))}


def test_splits_leave_the_test_fold_out():
    assert Split.outer(1) == Split(train=(0, 2, 3, 4), test=1)
    # The inner split sets the outer test fold aside altogether.
    assert Split.inner(1) == Split(train=(0, 3, 4), test=2)
    assert Split.inner(4) == Split(train=(1, 2, 3), test=0)


def test_a_store_of_other_code_is_taken_over_while_nothing_is_in_it(tmp_path):
    Store(tmp_path, identity={"code": "old"})
    store = Store(tmp_path, identity={"code": "new"})
    store.put(make_design().plan()[0], {"scores": []})
    with pytest.raises(UserError, match="made with another code"):
        Store(tmp_path, identity={"code": "old"})


def test_cells_survive_json_and_have_the_same_name_in_every_process():
    planned = make_design(tables=(2, 3, 4, 5), seeds=(0, 1)).plan()
    assert [cells.from_json(json.loads(json.dumps(cells.to_json(c)))) for c in planned] == planned
    assert len({cells.key(cell) for cell in planned}) == len(planned) == len(set(planned))
    program = (
        "import json, sys; from modules.study import cells;"
        "print(cells.key(cells.from_json(json.loads(sys.argv[1]))))"
    )
    for cell in (planned[0], planned[-1]):
        arguments = [sys.executable, "-c", program, json.dumps(cells.to_json(cell))]
        shown = subprocess.run(arguments, capture_output=True, text=True, check=True).stdout
        assert shown.strip() == cells.key(cell)


def test_table_3_shares_what_is_equal():
    # One pre-training for S1 of both targets, one for S2 of each, TT of each; A2 to A8 of each
    # target and scenario. A1 is the pre-training itself.
    assert counts(make_design().plan()) == {"FineTuning": 2 * 2 * 7, "Training": 1 + 2 + 2}


def test_other_tables_by_hand():
    assert counts(make_design(tables=(2,)).plan()) == {"Svm": 1, "Training": 2}
    # For each of two targets, two sources left out: a without b, a without c, b without a, …;
    # three distinct pre-trainings.
    ablation = make_design(tables=(4,)).plan()
    assert counts(ablation) == {"FineTuning": 4 * 7, "Training": 3}
    assert counts(make_design(tables=(5,)).plan()) == {
        "AdaptiveSvm": 2,
        "FineTuning": 2,
        "Training": 1,
    }
    # Leaving the target out (S2) and leaving a source out (Table 4) are the same pre-trainings.
    both = make_design(tables=(3, 4)).plan()
    assert counts(both)["Training"] == 1 + 3 + 2


def test_the_matrix_is_all_domains_alone_and_all_but_each_target():
    plan = make_design(tables=(), cross_corpus=True)
    # a, b and c alone; without a, and without b.
    assert counts(plan.plan()) == {"Training": 3 + 2}
    # Table 3 has two of the three alone, and both that leave the target out.
    both = make_design(cross_corpus=True)
    assert len(both.plan()) == len(make_design().plan()) + 1


def test_learning_curves_by_hand():
    plan = make_design(tables=(), clips_per_class={"a": (5, 10), "b": (5,)}, seeds=(0, 1)).plan()
    # For each of two seeds: a twice and b once, alone and adapted; without a, and without b.
    assert counts(plan) == {"FineTuning": 2 * 3, "Training": 2 * (3 + 2)}
    for cell in plan:
        if isinstance(cell, cells.FineTuning):
            assert cell.target not in cell.parent.domains
            assert cell.approach == "A2"
    sizes = [cell.clips_per_class for cell in plan if cell.clips_per_class]
    assert sorted(sizes) == [5] * 8 + [10] * 4
    # Table 3 has the pre-trainings.
    both = make_design(clips_per_class={"a": (5,)}).plan()
    assert len(both) == len(make_design().plan()) + 2


def test_a_design_survives_json():
    plan = make_design(cross_corpus=True, clips_per_class={"a": (5, 10), "b": ()})
    assert design.Design.from_json(json.loads(json.dumps(plan.to_json()))) == plan


def test_work_of_few_clips_is_theirs():
    plan = make_design(clips_per_class={"a": (5,)}, tables=()).plan()
    # 100 clips in each domain and fold, six labels: 30 clips. Two domains pre-trained for 2 epochs;
    # 30 clips for 10 times 1 epoch, alone and adapted.
    assert estimate.work(plan, lambda *key: 100) == 2 * 4 * 100 * 2 + 30 * 10 + 30 * 10
    # There are no more than there are.
    assert estimate.work(plan, lambda *key: 2) == 2 * 4 * 2 * 2 + 8 * 10 + 8 * 10


def test_auto_never_trains_on_the_outer_test_fold():
    planned = make_design(approaches=("A2", "auto")).plan()
    inner = [cell for cell in planned if cell.split.test == 1]
    assert inner
    assert all(0 not in cell.split.train for cell in planned)
    assert all(cell.split.test not in cell.split.train for cell in planned)


def test_stages_hold_every_network_once_and_parents_first():
    planned = make_design(tables=(2, 3, 4, 5)).plan()
    first, second = design.stages(planned)
    trainings = [training for training, own, _ in first if not own]
    tuned = [cell for _, own, _ in second for cell in own]
    networks = [c for c in planned if isinstance(c, cells.Training | cells.FineTuning)]
    assert sorted(map(cells.key, [*trainings, *tuned])) == sorted(map(cells.key, networks))
    kept = {training for training, _, keep in first if keep}
    assert kept == {cell.parent for cell in tuned}


def test_store_refuses_results_of_other_data_and_keeps_the_first(tmp_path):
    store = Store(tmp_path, identity={"clips": "x", "code": "1"})
    cell = make_design().plan()[0]
    assert cell not in store
    with pytest.raises(KeyError):
        store.get(cell)
    store.put(cell, {"scores": [1]})
    store.put(cell, {"scores": [2]})
    assert store.get(cell)["scores"] == [1]
    assert cell in Store(tmp_path, identity={"clips": "x", "code": "1"})
    with pytest.raises(UserError, match="another clips; move the folder away"):
        Store(tmp_path, identity={"clips": "y", "code": "1"})


@pytest.fixture(scope="module")
def some_clips():
    """Three domains, six emotions, five folds, one clip each."""
    random = np.random.default_rng(0)
    count = 3 * 6 * 5
    folds = np.arange(count) // 18
    return clips.Clips(
        inputs=ArrayRows(random.normal(size=(count, 54_000, 1)).astype(np.float32)),
        labels=np.arange(count) % 6,
        domains=np.array(["a", "b", "c"])[np.arange(count) // 6 % 3],
        speakers=np.array([f"s{fold}" for fold in folds]),
        utterance_ids=np.array([f"u{i:03d}" for i in range(count)]),
        folds={"random": folds, "speaker_independent": 4 - folds},
        digest="x",
    )


def test_clips_come_back_from_their_folder(some_clips, tmp_path):
    clips.save(some_clips, tmp_path)
    loaded = clips.load(tmp_path)
    every = np.arange(len(loaded.labels))
    np.testing.assert_array_equal(loaded.inputs.take(every), some_clips.inputs.take(every))
    assert loaded.inputs.resident_bytes == 0
    for name in ("labels", "domains", "speakers", "utterance_ids"):
        np.testing.assert_array_equal(getattr(loaded, name), getattr(some_clips, name))
    for protocol, folds in some_clips.folds.items():
        np.testing.assert_array_equal(loaded.folds[protocol], folds)
    # Clips of domain b in the folds 0 and 3, by hand: 6 to 11, and 60 to 65.
    rows = loaded.rows("random", domains=("b",), folds=(0, 3))
    assert rows.tolist() == [*range(6, 12), *range(60, 66)]


def test_clips_keep_their_label_set(some_clips, tmp_path):
    own = LabelSet(("surprise", "anger", "disgust", "fear", "rude", "sadness"))
    clips.save(dataclasses.replace(some_clips, inputs=None, label_set=own), tmp_path)
    table = (tmp_path / "clips.csv").read_text().splitlines()
    assert table[5].split(",")[3] == "rude"
    loaded = clips.load(tmp_path)
    assert loaded.label_set == own
    np.testing.assert_array_equal(loaded.labels, some_clips.labels)
    # What was written before there were label sets is of the paper's.
    clips.save(dataclasses.replace(some_clips, inputs=None), tmp_path)
    (tmp_path / "clips.json").write_text('{"digest": "x"}')
    assert clips.load(tmp_path).label_set == PAPER


@pytest.fixture(scope="module")
def finished(some_clips, tmp_path_factory):
    """A small Table 3, computed without interruption."""
    plan = make_design(
        targets=("a",), scenarios=("S1",), approaches=("A1", "A2", "A4", "A7", "A8", "conv1-only")
    ).plan()
    store = Store(tmp_path_factory.mktemp("store"), identity={})
    runner = Runner(some_clips, store, limit_bytes=LIMIT_BYTES)
    for stage in design.stages(plan):
        for training, own, keep in stage:
            runner.run(training, own, keep=keep)
    return plan, store


@pytest.mark.component
def test_every_cell_is_tested_on_its_own_fold_only(finished, some_clips):
    plan, store = finished
    for cell in plan:
        result = store.get(cell)
        of_target = [f"u{i:03d}" for i in range(6)]
        everything = [f"u{i:03d}" for i in range(18)]
        fine_tuned = isinstance(cell, cells.FineTuning)
        assert result["tested"] == (of_target if fine_tuned else everything)
        scores = np.array(result["scores"])
        assert scores.shape == (len(result["tested"]), len(PAPER))
        np.testing.assert_allclose(scores.sum(axis=1), 1, atol=1e-5)
        domains = ("a",) if fine_tuned else cell.domains
        assert result["train_clips"] == dict.fromkeys(domains, 24)
        assert len(result["history"]) == cell.settings.epochs


@pytest.mark.component
def test_weight_hashes_prove_what_was_frozen(finished):
    plan, store = finished
    frozen = {
        "A2": set(),
        "A4": {"conv1", "conv2"},
        "A7": {"conv1", "conv2"},
        "A8": {"conv1", "conv2", "lstm"},
        "conv1-only": {"conv2", "lstm", "dense"},
    }
    for cell in plan:
        if isinstance(cell, cells.FineTuning):
            result = store.get(cell)
            before, after = result["weight_hashes_before"], result["weight_hashes"]
            assert before == store.get(cell.parent)["weight_hashes"]
            assert {name for name in before if before[name] == after[name]} == frozen[cell.approach]


@pytest.mark.component
def test_few_clips_are_what_is_learnt_from(some_clips, tmp_path):
    plan = make_design(tables=(), clips_per_class={"a": (2,)}, targets=("a",)).plan()
    store = Store(tmp_path, identity={})
    runner = Runner(some_clips, store, limit_bytes=LIMIT_BYTES)
    one_epoch = [
        dataclasses.replace(cell, settings=dataclasses.replace(cell.settings, epochs=1))
        for cell in plan
        if cell.clips_per_class
    ]
    for cell in one_epoch:
        if isinstance(cell, cells.FineTuning):
            runner.run(cell.parent, [cell], keep=False)
        else:
            runner.run(cell, [], keep=False)
        # Two of each of six labels, of four.
        assert store.get(cell)["train_clips"] == {"a": 12}
        assert set(store.get(cell)["tested"]) >= {f"u{i:03d}" for i in range(6)}


@pytest.mark.component
def test_an_interrupted_study_ends_with_the_same_numbers(finished, some_clips, tmp_path):
    plan, uninterrupted = finished
    store = Store(tmp_path, identity={})
    trainings, fine_tunings = design.stages(plan)
    runner = Runner(some_clips, store, limit_bytes=LIMIT_BYTES)
    for training, own, keep in trainings:
        runner.run(training, own, keep=keep)
    parent, own, _ = fine_tunings[0]
    runner.run(parent, own[:2], keep=True)  # and here it is killed
    again = Runner(some_clips, Store(tmp_path, identity={}), limit_bytes=LIMIT_BYTES)
    for stage in (trainings, fine_tunings):
        for training, tuned, keep in stage:
            again.run(training, tuned, keep=keep)
    volatile = {"train_s"}
    for cell in plan:
        mine, other = store.get(cell), uninterrupted.get(cell)
        assert {k: v for k, v in mine.items() if k not in volatile} == {
            k: v for k, v in other.items() if k not in volatile
        }


@pytest.mark.component
def test_weights_of_another_machine_are_refused(finished, some_clips, tmp_path):
    plan, uninterrupted = finished
    parent = next(c for c in plan if isinstance(c, cells.Training) and len(c.domains) == 3)
    child = next(c for c in plan if isinstance(c, cells.FineTuning))
    store = Store(tmp_path, identity={})
    stored = uninterrupted.get(parent)
    store.put(parent, {**stored, "weight_hashes": dict.fromkeys(stored["weight_hashes"], "0")})
    with pytest.raises(RuntimeError, match="another machine or backend"):
        Runner(some_clips, store, limit_bytes=LIMIT_BYTES).run(parent, [child], keep=True)


def test_names_of_stored_results_stay():
    """A fine-tuning of docs/results/transfer-study, by the name of its file there."""
    parent = cells.Training(
        protocol="speaker_independent",
        split=Split.outer(4),
        domains=("emodb", "emovo"),
        network=NetworkSpec(front_end="waveform", preset="fast", precision="bfloat16", outputs=6),
        settings=Settings(epochs=24, schedule="cosine", shift_s=0.1),
    )
    child = cells.FineTuning(
        parent=parent,
        target="emodb",
        approach="A4",
        settings=Settings(epochs=12, schedule="cosine"),
    )
    assert cells.key(child) == "0422db606c66f9e5a681"


@pytest.mark.parametrize(
    ("stored", "name"),
    [
        (
            {
                "kind": "svm",
                "protocol": "random",
                "split": {"train": [1, 2, 3, 4], "test": 0},
                "domains": ["emodb", "emovo", "urdu"],
                "seed": 0,
            },
            "109163e8bfc7804982b9",
        ),
        (
            {
                "kind": "adaptive_svm",
                "protocol": "random",
                "split": {"train": [1, 2, 3, 4], "test": 0},
                "sources": ["emovo", "urdu"],
                "target": "emodb",
                "seed": 0,
            },
            "c4efec8faa5aa60dbe8a",
        ),
    ],
)
def test_machines_stored_before_there_was_a_choice_are_opensmiles(stored, name):
    """Of docs/results/transfer-study, by the names of their files there."""
    cell = cells.from_json(stored)
    assert cell.features == "is10"
    assert cells.key(cell) == name
    assert cells.to_json(cell) == stored
    other = dataclasses.replace(cell, features="functionals")
    assert cells.key(other) != name
    assert cells.from_json(cells.to_json(other)) == other


def test_table_2_has_a_machine_for_each_features_and_table_5_the_first():
    planned = make_design(tables=(2, 5), baselines=("is10", "functionals")).plan()
    assert [c.features for c in planned if isinstance(c, cells.Svm)] == ["is10", "functionals"]
    assert {c.features for c in planned if isinstance(c, cells.AdaptiveSvm)} == {"is10"}


def test_settings_are_part_of_a_cells_name():
    cell = make_design().plan()[0]
    other = dataclasses.replace(cell, settings=dataclasses.replace(cell.settings, epochs=3))
    assert cells.key(cell) != cells.key(other)


def test_two_studies_cannot_write_to_one_store(tmp_path):
    first, second = Store(tmp_path, identity={}), Store(tmp_path, identity={})
    refused = pytest.raises(UserError, match="another study is writing")
    with first.exclusive(), refused, second.exclusive():
        pass
    with second.exclusive():
        pass


def test_machines_are_tested_where_networks_are(some_clips, tmp_path):
    store = Store(tmp_path, identity={})
    # A feature that tells the emotion, and one that tells nothing.
    noise = np.random.default_rng(0).normal(size=(len(some_clips.labels), 6))
    features = np.eye(6)[some_clips.labels] * 8 + noise
    plan = make_design(tables=(2, 5), targets=("a",)).plan()
    machines = [c for c in plan if isinstance(c, cells.Svm | cells.AdaptiveSvm)]
    for cell in machines:
        baselines.run(cell, features.astype(np.float32), some_clips, store)
        result = store.get(cell)
        target_only = isinstance(cell, cells.AdaptiveSvm)
        assert result["tested"] == [f"u{i:03d}" for i in range(6 if target_only else 18)]
        assert result["train_clips"] == dict.fromkeys(("a",) if target_only else cell.domains, 24)
        labels = np.arange(len(result["tested"])) % 6
        recognised = np.array(result["scores"]).argmax(axis=1) == labels
        assert recognised.mean() > 0.9
    assert len(machines) == 2
