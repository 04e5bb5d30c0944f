"""A front end that is not there: what one file and one line in the registry give it."""

import json
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf
import transformed_examples
from transformed_examples import patterns

from modules.export import model as exports
from modules.networks import registry
from modules.networks.front_end import FrontEnd
from modules.training.job import TrainerJob
from modules.training.records import TrainingRecord
from modules.training.settings import Recipe, Settings
from modules.training.trainer import run_fn
from pipeline import config as configs
from pipeline.networks import network_spec, recipe
from schemas.labels import PAPER

SAMPLES = 8_000


def _build(spec, *, seed):
    """Returns energies in frames of 25 ms, and two dense layers on their mean."""
    keras.utils.set_random_seed(seed)
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((SAMPLES, 1)),
            layers.Conv1D(8, 400, strides=400, activation="relu", name="frames"),
            layers.GlobalAveragePooling1D(name="mean"),
            layers.Dense(16, activation="tanh", name="hidden"),
            layers.Dense(spec.outputs, activation="softmax", name="emotion"),
        ]
    )


GROUPS = {"frames": ("frames",), "hidden": ("hidden",), "dense": ("emotion",)}
FRAMES = FrontEnd(
    name="frames",
    summary="frames of 25 ms",
    presets={"small": "one size"},
    input_s=0.5,
    recipe=Recipe(
        pretrain=Settings(epochs=7), scratch=Settings(epochs=5), fine_tune=Settings(epochs=3)
    ),
    groups=lambda spec: GROUPS,
    build=_build,
)


SPEC_VALUES = {"front_end": "frames", "preset": "small", "outputs": 6}


@pytest.fixture(autouse=True)
def _registered(monkeypatch):
    monkeypatch.setitem(registry.FRONT_ENDS, "frames", FRAMES)


def test_the_configuration_takes_it():
    config = configs.parse({"manifest": "m.csv", "front_end": "frames"}, source="test")
    assert config.input_samples == SAMPLES
    assert network_spec(config, PAPER) == registry.NetworkSpec(**SPEC_VALUES)
    assert config.pretrain.over(recipe(config).pretrain) == Settings(epochs=7)
    assert configs.parse({"manifest": "m.csv"}, source="test").input_samples == 54_000


@pytest.mark.component
def test_it_is_trained_adapted_and_served(tmp_path):
    transformed_examples.write_splits(tmp_path / "clips", samples=SAMPLES)
    with pytest.MonkeyPatch.context() as patch:
        # Of two exports, one is asked in a clean process.
        patch.setattr(exports, "answer_in_clean_process", lambda directory: {})
        base = _run(tmp_path, "pretrain")
    adapted = _run(tmp_path, "fine_tune", base=base)
    record = TrainingRecord.from_json((tmp_path / "fine_tune" / "training.json").read_text())
    assert record.network.front_end == "frames"
    assert record.adaptation is not None
    # A4 freezes the first two groups, whatever they are called.
    assert record.adaptation.fates == {"frames": "frozen", "hidden": "frozen", "dense": "tuned"}
    same = {
        group: record.weight_hashes[group] == record.weight_hashes_before[group] for group in GROUPS
    }
    assert same == {"frames": True, "hidden": True, "dense": False}
    # As long as its input, in 16 bits; standardised by hand.
    waveform = (np.rint(20_000 * np.sin(np.arange(SAMPLES) / 9)) / 32_768).astype(np.float32)
    answer = tf.saved_model.load(adapted).signatures["serve_waveform"](
        waveform=tf.constant(waveform[np.newaxis]),
        num_samples=tf.constant([SAMPLES]),
        rate_hz=tf.constant([16_000]),
    )
    network = registry.load_network(str(tmp_path / "fine_tune" / "network.keras"))
    heard = waveform.astype(np.float64)
    heard = ((heard - heard.mean()) / heard.std()).astype(np.float32)
    (expected,) = network.predict(heard[np.newaxis, :, np.newaxis], verbose=0)
    expected[[1, 2]] = 0  # the domain has no such clips
    np.testing.assert_allclose(answer["probabilities"][0], expected / expected.sum(), atol=2e-5)


def _run(folder, stage, base=None):
    adaptation = {"domain": "b", "scenario": "S1", "base": "pretrain", "approach": "A4"}
    job = TrainerJob(
        name=stage,
        stage=stage,
        network=registry.NetworkSpec(**SPEC_VALUES),
        labels=PAPER,
        settings=Settings(epochs=1, batch_size=16),
        inner_fraction=0.2,
        protocol="random",
        trim_silence=False,
        seed=0,
        **(adaptation if base else {}),
    )
    serving = folder / stage / "Format-Serving"
    run_fn(
        SimpleNamespace(
            custom_config=json.loads(json.dumps(job.to_json())),
            train_files=patterns(folder / "clips", [0, 1, 2, 3]),
            base_model=base,
            serving_model_dir=str(serving),
        )
    )
    return str(serving)
