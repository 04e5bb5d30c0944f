"""Networks of several heads: three trainings at once are three separate ones, and their mean."""

import dataclasses

import numpy as np
import pytest
from tiny_encoders import random_encoder
from tiny_networks import keep, short_clips, whisper_spec

from modules.training import members
from modules.training.engine import Engine
from modules.training.job import Job
from modules.training.rows import ArrayRows
from modules.training.settings import Settings

ENCODER = random_encoder()
SETTINGS = Settings(
    epochs=2,
    batch_size=8,
    optimizer="adamw",
    learning_rate=0.01,
    schedule="one_cycle",
    sampling="balanced",
    label_smoothing=0.1,
    seed=4,
)
# Between the seeds of two members.
STEP = 10_007
LABELS, DOMAINS = np.arange(24) % 6, np.array(["a", "b"])[np.arange(24) % 2]
TRAIN, TESTED = np.arange(18), np.arange(18, 24)
HEADS = ("scale", "dense", "emotion")


@pytest.fixture(scope="module")
def clips():
    return short_clips([2_400 + 160 * number for number in range(24)])


@pytest.fixture(scope="module")
def spec(tmp_path_factory):
    folder = tmp_path_factory.mktemp("encoders")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SER_ENCODERS", str(folder))
        yield whisper_spec(ENCODER, sha256=keep(ENCODER, folder), members=3)


@pytest.fixture(scope="module")
def engine(clips, spec):
    return Engine(ArrayRows(clips), LABELS, domains=DOMAINS, limit_bytes=2**30)


def _job(spec, **changes):
    arguments = {
        "name": "b",
        "network": spec,
        "settings": SETTINGS,
        "train": TRAIN,
        "tested": TESTED,
        "report_epochs": False,
    }
    return Job(**{**arguments, **changes})


@pytest.fixture(scope="module")
def trained(engine, spec):
    return engine.run(_job(spec))


@pytest.fixture(scope="module")
def separate(engine, spec):
    """Three trainings of a network of one head."""
    one = dataclasses.replace(spec, members=1)
    settings = [dataclasses.replace(SETTINGS, seed=4 + STEP * number) for number in range(3)]
    return [engine.run(_job(one, settings=own)) for own in settings]


def _assert_stacked(whole, parts):
    for layer, arrays in whole.weights.items():
        for place, array in enumerate(arrays):
            own = [part.weights[layer][place] for part in parts]
            if layer in HEADS:
                np.testing.assert_array_equal(array, np.concatenate(own))
                assert not np.array_equal(own[0], own[1]) or not np.any(own[0])
            else:
                for each in own:
                    np.testing.assert_array_equal(array, each)


@pytest.mark.component
def test_members_are_separate_trainings(trained, separate):
    _assert_stacked(trained, separate)
    for number, part in enumerate(separate):
        np.testing.assert_array_equal(trained.member_probabilities[number], part.probabilities)
    assert len(trained.history) == 2
    for epoch, figures in enumerate(trained.history):
        expected = np.mean([part.history[epoch]["loss"] for part in separate])
        assert figures["loss"] == pytest.approx(expected)
    # The encoder came as it was, and everything else learnt.
    assert trained.fates == dict.fromkeys(("block1", "block2"), "frozen") | dict.fromkeys(
        ("pooling", "dense"), "tuned"
    )
    same = {g: trained.hashes[g] == trained.hashes_before[g] for g in trained.fates}
    assert same == {"block1": True, "block2": True, "pooling": False, "dense": False}
    assert trained.idle == ()


@pytest.mark.component
def test_the_network_answers_with_the_mean_of_its_members(trained, separate, spec, clips):
    network = spec.build(seed=9)
    for layer, arrays in trained.weights.items():
        network.get_layer(layer).set_weights(arrays)
    answers = network.predict(clips[TESTED], verbose=0)
    np.testing.assert_allclose(answers, trained.probabilities, atol=1e-5)
    mean = np.mean([part.probabilities for part in separate], axis=0)
    np.testing.assert_allclose(answers, mean, atol=1e-5)


@pytest.mark.component
@pytest.mark.parametrize("approach", ["A2", "A7", "A8"])
def test_fine_tuning_goes_on_with_each_member(engine, trained, separate, spec, approach):
    rows = TRAIN[DOMAINS[TRAIN] == "b"]
    job = _job(spec, train=rows, start=trained.weights, approach=approach)
    adapted = engine.run(job)
    one = dataclasses.replace(spec, members=1)
    parts = [
        engine.run(
            _job(
                one,
                train=rows,
                start=separate[number].weights,
                approach=approach,
                settings=dataclasses.replace(SETTINGS, seed=4 + STEP * number),
            )
        )
        for number in range(3)
    ]
    _assert_stacked(adapted, parts)
    assert adapted.hashes_before == trained.hashes
    assert adapted.idle == ()
    mean = np.mean([part.probabilities for part in parts], axis=0)
    np.testing.assert_allclose(adapted.probabilities, mean, atol=1e-6)


@pytest.mark.component
def test_without_fine_tuning_every_member_stays(engine, trained, spec):
    outcome = engine.run(_job(spec, start=trained.weights, approach="A1"))
    assert outcome.hashes == outcome.hashes_before == trained.hashes
    # The whole network computes them now, not the part behind the outputs that were kept.
    np.testing.assert_allclose(
        outcome.member_probabilities, trained.member_probabilities, atol=1e-5
    )


def test_members_have_no_early_stopping(engine, spec):
    settings = dataclasses.replace(SETTINGS, patience=1)
    with pytest.raises(ValueError, match="members have no early stopping"):
        engine.run(_job(spec, settings=settings, held_out=TESTED))


def test_seeds_of_members_are_told():
    spec = whisper_spec(ENCODER, members=3)
    jobs = members.jobs(_job(spec))
    assert [job.settings.seed for job in jobs] == [4, 4 + STEP, 4 + 2 * STEP]
    assert {job.network for job in jobs} == {dataclasses.replace(spec, members=1)}
