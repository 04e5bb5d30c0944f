"""The executor of Embeddings on real artifacts, with a small random encoder in a store."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
import transformed_examples
from tfx.components.util import examples_utils
from tfx.dsl.components.base import base_beam_executor
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils, channel_utils, standard_artifacts
from tiny_encoders import random_encoder
from tiny_networks import keep, short_clips, whisper_spec

from components.embeddings.component import Embeddings
from components.embeddings.executor import Executor
from modules.networks import held
from modules.training.clips import read_clips
from schemas import features
from schemas.errors import UserError

ENCODER = random_encoder()
FOLDS = ("fold-0", "fold-1")
CLIPS = 6
TWO_WORKERS = ("--direct_running_mode=multi_threading", "--direct_num_workers=2")


@pytest.fixture(scope="module")
def spec(tmp_path_factory):
    folder = tmp_path_factory.mktemp("encoders")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SER_ENCODERS", str(folder))
        yield whisper_spec(ENCODER, sha256=keep(ENCODER, folder), members=3)


@pytest.fixture(scope="module")
def clips():
    return short_clips([3_000 + 700 * number for number in range(2 * CLIPS)])[:, :, 0]


@pytest.fixture(scope="module")
def examples(tmp_path_factory, clips):
    """Two splits of two files each."""
    folder = tmp_path_factory.mktemp("transformed")
    made = standard_artifacts.Examples()
    made.uri = str(folder)
    made.split_names = artifact_utils.encode_split_names(list(FOLDS))
    for index, clip in enumerate(clips):
        split = folder / f"Split-{FOLDS[index // CLIPS]}"
        split.mkdir(exist_ok=True)
        path = str(split / f"part-{index % 2}.gz")
        records = [r.numpy() for r in _records(path)] if Path(path).exists() else []
        known = (0.25, 1.5) if index % 2 else None
        name, domain, speaker = f"u{index:02d}", "ab"[index % 2], f"s{index % 3}"
        records.append(transformed_examples.example(name, domain, speaker, index % 6, clip, known))
        with tf.io.TFRecordWriter(path, options="GZIP") as writer:
            for record in records:
                writer.write(record)
    return made


def _records(path):
    return tf.data.TFRecordDataset(path, compression_type="GZIP")


def _do(folder, examples, spec, beam_args=()):
    output = standard_artifacts.Examples()
    output.uri = str(folder / "embeddings")
    node = Embeddings(
        transformed_examples=channel_utils.as_channel([examples]), network=spec, code_digest="c"
    )
    context = base_beam_executor.BaseBeamExecutor.Context(
        beam_pipeline_args=list(beam_args), tmp_dir=str(folder / "tmp")
    )
    Executor(context).Do(
        {"transformed_examples": [examples]}, {"embeddings": [output]}, node.exec_properties
    )
    return output


@pytest.fixture(scope="module")
def embeddings(tmp_path_factory, examples, spec):
    return _do(tmp_path_factory.mktemp("out"), examples, spec)


def _files(made):
    root = Path(made.uri)
    return {str(path.relative_to(root)): path for path in sorted(root.rglob("part-*"))}


def _parsed(path):
    return [
        tf.train.Example.FromString(record.numpy()).features.feature
        for record in _records(str(path))
    ]


@pytest.mark.component
def test_embeddings_are_what_the_networks_own_layers_make(embeddings, clips, spec):
    found = read_clips(
        [str(Path(embeddings.uri) / "Split-*" / "*")],
        limit_bytes=2**30,
        row_shape=held.shape(spec),
        feature=features.EMBEDDING,
    )
    assert found.utterance_ids.tolist() == [f"u{index:02d}" for index in range(2 * CLIPS)]
    # Of a network of one member and other outputs: the head does not matter.
    network = dataclasses.replace(spec, members=1, outputs=4).build(seed=8, encoder=ENCODER)
    until = [layer.name for layer in network.layers].index("mean") + 1
    values = clips[:, :, np.newaxis]
    for layer in network.layers[:until]:
        values = layer(values)
    np.testing.assert_allclose(found.inputs.take(np.arange(2 * CLIPS)), values, atol=1e-4)


@pytest.mark.component
def test_everything_else_of_an_example_stays(embeddings, examples):
    assert embeddings.split_names == examples.split_names
    payload = examples_utils.get_payload_format(embeddings)
    assert payload == example_gen_pb2.FORMAT_TF_EXAMPLE
    given, made = _files(examples), _files(embeddings)
    assert list(given) == list(made)
    assert len(given) == 4
    for name, path in given.items():
        before, after = _parsed(path), _parsed(made[name])
        assert len(before) == len(after) == CLIPS // 2
        for old, new in zip(before, after, strict=True):
            assert set(new) == set(old) - {features.WAVEFORM} | {features.EMBEDDING}
            for feature in set(old) - {features.WAVEFORM}:
                assert old[feature] == new[feature]


@pytest.mark.component
def test_workers_write_the_same_bytes(embeddings, examples, spec, tmp_path):
    again = _do(tmp_path, examples, spec, TWO_WORKERS)
    first, second = _files(embeddings), _files(again)
    assert list(first) == list(second)
    for name, path in first.items():
        assert path.read_bytes() == second[name].read_bytes(), name
    assert not list(Path(again.uri).rglob("*.part"))


@pytest.mark.component
def test_an_encoder_that_is_not_there(examples, spec, tmp_path, monkeypatch):
    monkeypatch.setenv("SER_ENCODERS", str(tmp_path / "none"))
    with pytest.raises((UserError, RuntimeError), match="encoder random: is not in"):
        _do(tmp_path, examples, spec)


def test_heads_and_labels_do_not_run_it_again(examples, spec):
    def parameter(network):
        channel = channel_utils.as_channel([examples])
        node = Embeddings(transformed_examples=channel, network=network)
        return node.exec_properties["network"]

    same = dataclasses.replace(spec, members=1, outputs=9)
    assert parameter(spec) == parameter(same)
    assert spec.encoder is not None
    other = dataclasses.replace(spec, encoder=dataclasses.replace(spec.encoder, sha256="1"))
    assert parameter(spec) != parameter(other)
    assert json.loads(parameter(spec))["encoder"]["name"] == "random"
