"""From a configuration to its networks and settings: defaults, and what lies over a recipe."""

import dataclasses

import pytest
from tiny_encoders import random_encoder
from tiny_networks import keep

from modules.training.settings import BALANCED, BALANCED_FROM_SCRATCH, PAPER, Settings
from pipeline import config as configs
from pipeline.config.training import StudyFineTuning, StudyTraining, Training
from pipeline.networks import network_spec, recipe
from schemas.errors import UserError
from schemas.labels import LabelSet

LABELS = LabelSet(("anger", "neutral", "rude"))


def _parse(**values):
    return configs.parse({"manifest": "m.csv", **values}, source="test")


@pytest.fixture
def encoders(tmp_path, monkeypatch):
    monkeypatch.setenv("SER_ENCODERS", str(tmp_path))
    return keep(random_encoder(width=16, heads=2, bands=8, blocks=3, positions=60), tmp_path)


@pytest.mark.parametrize(
    ("values", "preset", "samples", "expected"),
    [
        ({}, "fast", 54_000, PAPER),
        ({"front_end": "waveform", "preset": "paper-cnn"}, "paper-cnn", 54_000, PAPER),
        ({"front_end": "whisper"}, "mean", 160_000, BALANCED),
        ({"front_end": "log_mel_cnn"}, "small", 160_000, BALANCED_FROM_SCRATCH),
    ],
)
def test_defaults_are_the_front_ends(values, preset, samples, expected):
    config = _parse(**values)
    assert (config.network_preset, config.input_samples) == (preset, samples)
    assert recipe(config) == expected
    assert config.pretrain.over(expected.pretrain) == expected.pretrain


def test_a_network_without_encoder():
    spec = network_spec(_parse(precision="bfloat16"), LABELS)
    assert dataclasses.asdict(spec) == {
        "front_end": "waveform",
        "preset": "fast",
        "precision": "bfloat16",
        "encoder": None,
        "members": 1,
        "outputs": 3,
    }


@pytest.mark.parametrize(
    ("encoder", "blocks", "pooled"),
    [
        ({}, 2, (1, 2)),
        ({"blocks": 3}, 3, (1, 2, 3)),
        ({"blocks": 3, "pooled": [1, 3]}, 3, (1, 3)),
    ],
)
def test_a_network_over_an_encoder_of_the_store(encoders, encoder, blocks, pooled):
    config = _parse(front_end="whisper", members=2, encoder={"name": "random", **encoder})
    spec = network_spec(config, LABELS)
    assert (spec.front_end, spec.preset, spec.members, spec.outputs) == ("whisper", "mean", 2, 3)
    assert dataclasses.asdict(spec)["encoder"] == {
        "name": "random",
        "sha256": encoders,
        "bands": 8,
        "width": 16,
        "heads": 2,
        "positions": 60,
        "blocks": blocks,
        "pooled": pooled,
    }


def test_an_encoder_that_is_not_there_or_too_short(encoders):
    with pytest.raises(UserError, match=r"encoder whisper-tiny\.en: is not in"):
        network_spec(_parse(front_end="whisper"), LABELS)
    with pytest.raises(UserError, match=r"encoder random: holds 3 blocks; .*--blocks 4"):
        network_spec(_parse(front_end="whisper", encoder={"name": "random", "blocks": 4}), LABELS)


RECIPE = Settings(epochs=9, batch_size=5, schedule="cosine", shift_s=0.3, patience=4, seed=8)


def test_what_is_given_lies_over_the_recipe():
    assert Training().over(RECIPE) == RECIPE
    given = Training(epochs=2, patience=0, shift_s=0.0, label_smoothing=0.0, optimizer="adamw")
    assert given.over(RECIPE) == Settings(
        epochs=2, batch_size=5, schedule="cosine", optimizer="adamw", seed=8
    )
    assert StudyTraining(shift_s=0.1).over(RECIPE).shift_s == 0.1
    every = {
        "epochs": 3,
        "batch_size": 7,
        "optimizer": "adamw",
        "learning_rate": 0.5,
        "weight_decay": 0.2,
        "schedule": "one_cycle",
        "sampling": "balanced",
        "label_smoothing": 0.3,
    }
    found = dataclasses.asdict(StudyFineTuning(**every).over(RECIPE))
    assert found == {**every, "shift_s": 0.3, "patience": 4, "seed": 8}


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("optimizer", "sgd", "adadelta.*adamw"),
        ("schedule", "linear", "constant.*cosine.*one_cycle"),
        ("sampling", "random", "shuffled.*balanced"),
        ("label_smoothing", 1.0, "less than 1"),
        ("weight_decay", -0.1, "greater than or equal to 0"),
        ("learning_rate", 0, "greater than 0"),
        ("batch_size", 0, "greater than or equal to 1"),
        ("shift_s", 3.5, "less than or equal to 3"),
    ],
)
def test_settings_that_there_are_not(key, value, message):
    with pytest.raises(UserError, match=rf"pretrain\.{key}: .*{message}"):
        _parse(pretrain={key: value})
