"""What a server answers is what was evaluated, or the model is not pushed."""

import json
import shutil

import numpy as np
import pytest
import tensorflow as tf
from tfx.types import standard_artifacts
from tiny_models import export_tiny, make_network, speech_like

from components.parity_gate import artifact, clips
from components.parity_gate.check import BATCHES, MODEL, RATES_HZ, check
from components.parity_gate.component import ParityGate
from modules.audio.samples import encode_pcm16
from schemas import features

DURATIONS_S = (0.5, 1.0, 2.0, 3.0, 4.5)


@pytest.fixture(scope="module")
def examples(tmp_path_factory):
    """A split with five clips of emodb and one of urdu."""
    folder = tmp_path_factory.mktemp("examples") / "Split-fold-0"
    folder.mkdir()
    options = tf.io.TFRecordOptions(compression_type="GZIP")
    with tf.io.TFRecordWriter(str(folder / "part.gz"), options) as writer:
        for number, duration_s in enumerate((*DURATIONS_S, 0.2)):
            example = tf.train.Example()
            values = example.features.feature
            audio = encode_pcm16(speech_like(duration_s, seed=number))
            values[features.AUDIO].bytes_list.value.append(audio)
            domain = b"emodb" if duration_s != 0.2 else b"urdu"
            values[features.DOMAIN].bytes_list.value.append(domain)
            values[features.UTTERANCE_ID].bytes_list.value.append(f"clip-{number}".encode())
            writer.write(example.SerializeToString())
    return folder


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    folder = tmp_path_factory.mktemp("export") / "1"
    statistics = {"": (0.0, 0.1), "emodb": (0.01, 0.2), "urdu": (0.0, 0.5)}
    return export_tiny(make_network(), folder, statistics=statistics)


def _root(tmp_path, exported):
    shutil.copytree(exported, tmp_path / MODEL / "1")
    return tmp_path


def test_the_shortest_the_longest_and_one_between(examples):
    found = clips.read([str(examples)], domains=["emodb"])
    assert [len(clip.pcm) / 32_000 for clip in found] == [0.5, 2.0, 4.5]
    assert {clip.domain for clip in found} == {"emodb"}
    both = clips.read([str(examples)], domains=["emodb", "urdu"])
    assert [len(clip.pcm) / 32_000 for clip in both] == [0.2, 0.5, 2.0, 4.5]


def test_a_sound_model_agrees(tmp_path, exported, examples):
    asked = clips.read([str(examples)], domains=["emodb", "urdu"])
    found = check(_root(tmp_path, exported), asked)
    assert found.faults == ()
    assert found.largest_difference <= 1e-5
    assert found.clips == 4
    # Four ways for each clip, three for each size of batch, two for each rate.
    assert found.answers == 4 * 4 + 3 * sum(BATCHES) + 2 * len(RATES_HZ)
    assert artifact.Parity.from_json(found.to_json()) == found


class _Otherwise(tf.Module):
    """A model of which one signature answers something else."""

    def __init__(self, folder):
        super().__init__()
        self.own = tf.saved_model.load(str(folder))

    def save(self, folder, *, signature):
        own = self.own.signatures

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="audio")])
        def otherwise(audio):
            outputs = dict(own[signature](audio=audio))
            skewed = outputs["probabilities"] + tf.constant([1e-4, -1e-4, 0, 0, 0, 0])
            return outputs | {"probabilities": skewed}

        tf.saved_model.save(self, str(folder), signatures=dict(own) | {signature: otherwise})


def test_a_model_that_answers_otherwise_where_it_is_served(tmp_path, exported, examples):
    root = _root(tmp_path, exported)
    _Otherwise(exported).save(root / MODEL / "1", signature="serve_audio")
    found = check(root, clips.read([str(examples)], domains=["emodb"]))
    assert found.largest_difference == pytest.approx(1e-4, rel=0.01)
    assert {fault.split(":")[0] for fault in found.faults} == {
        "serve_audio",
        *(f"serve_audio, {size} at a time" for size in BATCHES),
        *(f"serve_audio, {rate_hz} Hz" for rate_hz in RATES_HZ),
    }
    assert "differ by 0.0001 from the evaluation's, of at most 1e-05" in found.faults[0]


def test_a_model_that_cannot_be_loaded(tmp_path, exported, examples):
    root = _root(tmp_path, exported)
    [weights] = (root / MODEL / "1" / "variables").glob("*.data*")
    asked = clips.read([str(examples)], domains=["emodb"])
    model = tf.saved_model.load(str(root / MODEL / "1"))
    assert model is not None
    weights.write_bytes(weights.read_bytes()[:100])
    found = check(root, asked)
    assert len(found.faults) == 1
    assert found.answers == 0


def test_the_component_tells_the_pusher(tmp_path, exported, examples):
    blessings = {}
    for name in ("sound", "skewed"):
        folder = tmp_path / name / "Format-Serving"
        shutil.copytree(exported, folder)
        if name == "skewed":
            _Otherwise(exported).save(folder, signature="serve_audio")
        model, data = standard_artifacts.Model(), standard_artifacts.Examples()
        model.uri, data.uri = str(folder.parent), str(examples.parent)
        data.split_names = json.dumps(["fold-0"])
        blessing = standard_artifacts.InfraBlessing()
        blessing.uri = str(tmp_path / f"blessing-{name}")
        tf.io.gfile.makedirs(blessing.uri)
        ParityGate.EXECUTOR_SPEC.executor_class().Do(
            {"examples": [data], "model": [model]},
            {"infra_blessing": [blessing]},
            {
                "asked_splits": '["fold-0"]',
                "domains": '["emodb"]',
                "name": "emodb",
                "code_digest": "",
            },
        )
        blessings[name] = blessing.get_int_custom_property("blessed")
        found = artifact.read(blessing.mlmd_artifact)
        assert bool(found.faults) != bool(blessings[name])
        assert np.isfinite(found.largest_difference)
    assert blessings == {"sound": 1, "skewed": 0}
