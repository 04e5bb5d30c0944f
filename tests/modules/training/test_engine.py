"""The engine: what it does to weights, what it keeps, and that memory changes no result."""

import logging

import numpy as np
import pytest

from modules.networks import approaches
from modules.networks.approaches import Approach
from modules.networks.registry import NetworkSpec
from modules.training import engine as engines
from modules.training.engine import Engine
from modules.training.job import Job
from modules.training.rows import ArrayRows, FileRows, RowWriter
from modules.training.settings import Settings

SPEC = NetworkSpec(front_end="waveform", preset="fast", outputs=6)
CLIPS = 40
PLENTY = 2**30
TRAIN, HELD_OUT, TESTED = np.arange(0, 24), np.arange(24, 32), np.arange(32, 40)
ONE = Settings(epochs=1, batch_size=8)


@pytest.fixture(scope="module")
def waveforms():
    return np.random.default_rng(0).normal(size=(CLIPS, 54_000, 1)).astype(np.float32)


LABELS = np.arange(CLIPS) % 6


@pytest.fixture(scope="module")
def engine(waveforms):
    return Engine(ArrayRows(waveforms), LABELS, limit_bytes=PLENTY)


@pytest.fixture(scope="module")
def pretrained(engine):
    return engine.run(Job(name="base", network=SPEC, settings=ONE, train=TRAIN))


def _job(pretrained, approach, **changes):
    arguments = {
        "name": approach,
        "network": SPEC,
        "settings": ONE,
        "train": TRAIN,
        "tested": TESTED,
        "start": pretrained.weights,
        "approach": approach,
    }
    return Job(**{**arguments, **changes})


def _assert_equal(first, second):
    assert first.hashes == second.hashes
    assert first.history == second.history
    np.testing.assert_array_equal(first.probabilities, second.probabilities)


def test_pretrained_weights_and_approaches_go_together(pretrained):
    with pytest.raises(ValueError, match="with an approach"):
        Job(name="x", network=SPEC, settings=ONE, train=TRAIN, approach="A2")
    with pytest.raises(ValueError, match="with an approach"):
        Job(name="x", network=SPEC, settings=ONE, train=TRAIN, start=pretrained.weights)


@pytest.mark.component
def test_a_new_network(pretrained):
    assert set(pretrained.fates.values()) == {"tuned"}
    assert pretrained.hashes_before.keys() == pretrained.hashes.keys()
    assert all(pretrained.hashes[name] != old for name, old in pretrained.hashes_before.items())
    assert pretrained.idle == ()
    assert len(pretrained.history) == 1
    assert pretrained.kept_epoch is None
    assert pretrained.train_s > 0
    assert pretrained.probabilities.shape == (0, 6)


@pytest.mark.component
@pytest.mark.parametrize("approach", ["A2", "A4", "A8", "lstm-only"])
def test_fates_are_what_happened(engine, pretrained, approach):
    outcome = engine.run(_job(pretrained, approach))
    assert outcome.hashes_before == pretrained.hashes
    for group, fate in outcome.fates.items():
        changed = outcome.hashes[group] != outcome.hashes_before[group]
        assert changed == (fate != "frozen"), group
    np.testing.assert_allclose(outcome.probabilities.sum(axis=1), 1, atol=1e-5)


@pytest.mark.component
def test_without_fine_tuning_the_network_answers_as_it_is(engine, pretrained, waveforms):
    outcome = engine.run(_job(pretrained, "A1", held_out=HELD_OUT))
    assert outcome.hashes == outcome.hashes_before == pretrained.hashes
    assert outcome.history == []
    assert set(outcome.fates.values()) == {"frozen"}
    network = SPEC.build(seed=5)
    for layer, arrays in pretrained.weights.items():
        network.get_layer(layer).set_weights(arrays)
    np.testing.assert_allclose(
        outcome.probabilities, network.predict(waveforms[TESTED], verbose=0), atol=1e-6
    )


@pytest.mark.component
@pytest.mark.parametrize(
    ("approach", "settings"),
    [
        ("A2", Settings(epochs=2, batch_size=8, shift_s=0.05)),
        ("A3", ONE),
        ("A5", Settings(epochs=4, batch_size=8, patience=1)),
    ],
)
def test_clips_in_a_file_give_the_same_network(
    engine, pretrained, waveforms, tmp_path, approach, settings
):
    writer = RowWriter((54_000, 1), limit_bytes=0, folder=str(tmp_path))
    writer.append(waveforms)
    clips = writer.finish()
    assert isinstance(clips, FileRows)
    streamed = Engine(clips, LABELS, limit_bytes=0, folder=str(tmp_path))
    job = _job(pretrained, approach, settings=settings, held_out=HELD_OUT)
    _assert_equal(streamed.run(job), engine.run(job))
    new = Job(name="new", network=SPEC, settings=settings, train=TRAIN, held_out=HELD_OUT)
    _assert_equal(streamed.run(new), engine.run(new))


@pytest.mark.component
def test_what_an_engine_did_before_changes_nothing(engine, pretrained, waveforms):
    job = _job(pretrained, "A7", settings=Settings(epochs=3, batch_size=8, schedule="cosine"))
    first = engine.run(job)
    # Other frozen layers, other rows, other weights below, and the same layers shifted.
    engine.run(_job(pretrained, "A3"))
    engine.run(_job(pretrained, "A7", train=TRAIN[:9]))
    engine.run(_job(first, "A4"))
    engine.run(_job(pretrained, "A7", settings=Settings(epochs=1, batch_size=8, shift_s=0.1)))
    _assert_equal(engine.run(job), first)
    _assert_equal(Engine(ArrayRows(waveforms), LABELS, limit_bytes=PLENTY).run(job), first)


@pytest.mark.component
def test_frozen_outputs_are_computed_once_for_neighbours(waveforms, pretrained, monkeypatch):
    engine = Engine(ArrayRows(waveforms), LABELS, limit_bytes=PLENTY)
    shapes = []

    def spy(network, source, rows):
        shapes.append((len(rows), *network.output_shape[1:]))
        return real(network, source, rows)

    real = engines.predict
    monkeypatch.setattr(engines, "predict", spy)
    for approach in ("A4", "A7"):
        engine.run(_job(pretrained, approach))
    cached = [shape for shape in shapes if shape[1:] == (2, 128)]
    assert cached == [(len(TRAIN), 2, 128), (len(TESTED), 2, 128)]


@pytest.mark.component
def test_l2_sp_reaches_the_optimizer_and_holds_the_weights(engine, pretrained, monkeypatch):
    strong = Approach(summary="held fast", l2_sp=1.0)
    monkeypatch.setitem(approaches.APPROACHES, "strong", strong)
    settings = Settings(epochs=4, batch_size=8)
    outcomes = {
        name: engine.run(_job(pretrained, name, settings=settings))
        for name in ("A2", "A2-L2SP", "strong")
    }
    assert {name: o.l2_sp for name, o in outcomes.items()} == {
        "A2": 0.0,
        "A2-L2SP": 0.01,
        "strong": 1.0,
    }

    def distance(outcome):
        pairs = [
            (a, b)
            for layer, arrays in pretrained.weights.items()
            for a, b in zip(arrays, outcome.weights[layer], strict=True)
        ]
        return float(np.sqrt(sum(((a - b) ** 2).sum() for a, b in pairs)))

    distances = [distance(outcomes[name]) for name in ("A2", "A2-L2SP", "strong")]
    assert distances[0] > distances[1] > distances[2] > 0


@pytest.mark.component
def test_labels_are_taken_to_the_outputs_that_stand_for_them(engine, pretrained):
    # A network of six outputs and clips of which the label 0 is its output 3, and so on.
    permuted = np.array([3, 1, 0, 5, 4, 2])
    job = _job(pretrained, "A5", output_of_label=permuted)
    relabelled = Engine(engine._clips, permuted[LABELS], limit_bytes=PLENTY)
    _assert_equal(engine.run(job), relabelled.run(_job(pretrained, "A5")))


@pytest.mark.component
def test_groups_that_learn_nothing_are_told(engine, pretrained, caplog):
    dead = {layer: [np.zeros_like(a) for a in own] for layer, own in pretrained.weights.items()}
    with caplog.at_level(logging.WARNING, "ser.progress"):
        outcome = engine.run(_job(pretrained, "A2", start=dead))
    # Zero weights above let no gradient through.
    assert {"conv1", "conv2", "lstm"} <= set(outcome.idle)
    assert "A2: conv1, conv2, lstm learnt nothing" in caplog.text


@pytest.mark.component
def test_epochs_are_reported_on_demand(engine, pretrained, caplog):
    settings = Settings(epochs=2, batch_size=8)
    with caplog.at_level(logging.INFO, "ser.progress"):
        engine.run(_job(pretrained, "A5", settings=settings))
        engine.run(_job(pretrained, "A5", settings=settings, name="silent", report_epochs=False))
    assert "A5: epoch 2 of 2 accuracy" in caplog.text
    assert "silent" not in caplog.text


@pytest.mark.component
def test_no_clips(engine, pretrained):
    with pytest.raises(ValueError, match="no clips"):
        engine.run(_job(pretrained, "A2", train=TRAIN[:0]))
