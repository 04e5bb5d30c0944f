"""TransferStudy's own rooms: clips from examples, features, and tasks through Beam."""

import sys
from pathlib import Path

import apache_beam as beam
import numpy as np
import pytest
import transformed_examples
from transformed_examples import patterns

from components.transfer_study import examples, features, tasks
from corpora import manifest
from modules.audio.samples import encode_pcm16
from modules.baselines.features import FEATURE_SETS, FeatureSet
from modules.networks.registry import NetworkSpec
from modules.study import baselines, cells, clips, design
from modules.study.store import Store
from modules.training.rows import ArrayRows, FileRows
from modules.training.settings import Settings
from schemas.errors import UserError
from schemas.labels import PAPER
from schemas.utterance import Utterance

PLENTY = 2**30
NETWORK = NetworkSpec(front_end="waveform", preset="fast", outputs=6)


def test_clips_take_their_folds_from_the_manifest(tmp_path):
    written = transformed_examples.write_splits(tmp_path / "transformed")
    utterances = [
        Utterance(
            utterance_id=name,
            path=f"{name}.wav",
            domain=name[0],
            speaker="s",
            emotion=PAPER.labels[label],
            sha256="0",
            fold_random=index % 5,
            fold_speaker_independent=int(name[2]),
        )
        for index, (name, (label, _)) in enumerate(written.items())
    ]
    manifest.write(manifest.Manifest.of(utterances), tmp_path / "manifest.csv")
    own = [pattern for fold in range(5) for pattern in patterns(tmp_path / "transformed", [fold])]
    found = examples.read_clips(
        own,
        str(tmp_path / "manifest.csv"),
        "digest",
        network=NETWORK,
        limit_bytes=0,
        folder=str(tmp_path),
    )
    assert isinstance(found.inputs, FileRows)
    assert found.utterance_ids.tolist() == sorted(written)
    assert found.folds["speaker_independent"].tolist() == [int(n[2]) for n in sorted(written)]
    places = {name: index for index, name in enumerate(written)}
    assert found.folds["random"].tolist() == [places[name] % 5 for name in sorted(written)]
    assert found.label_set == PAPER
    assert found.labels.tolist() == [written[name][0] for name in sorted(written)]


@pytest.fixture
def few_clips():
    random = np.random.default_rng(0)
    return clips.Clips(
        inputs=ArrayRows(random.normal(size=(10, 54_000, 1)).astype(np.float32)),
        labels=np.arange(10) % 2,
        domains=np.array(["a", "b"])[np.arange(10) % 2],
        speakers=np.array([f"s{i}" for i in range(10)]),
        utterance_ids=np.array([f"u{i}" for i in range(10)]),
        folds={"random": np.arange(10) // 2, "speaker_independent": np.arange(10) // 2},
        digest="x",
    )


FEW = FeatureSet(
    name="few",
    machine="SVM on few",
    summary="length, mean and largest sample",
    extract=lambda found: np.array([[len(r), r.mean(), r.max()] for r in found], np.float32),
    require=lambda: None,
)


def test_features_are_in_the_order_of_the_clips_and_kept(few_clips, tmp_path):
    store = Store(tmp_path, identity={})
    sounds = {f"u{i}": np.full(100 + i, i / 16, np.float32) for i in range(10)}
    # As examples come: by fold and shard.
    recordings = [(f"u{i}", encode_pcm16(sounds[f"u{i}"])) for i in (3, 1, 4, 0, 5, 9, 2)]
    recordings += [(f"u{i}", encode_pcm16(sounds[f"u{i}"])) for i in (6, 8, 7)]
    values = features.svm_features(
        FEW, store, few_clips, iter(recordings), trim_silence=False, input_samples=54_000
    )
    assert values[:, 0].tolist() == [100 + i for i in range(10)]
    np.testing.assert_allclose(values[:, 1], np.arange(10) / 16)
    # What is there is not computed again.
    again = features.svm_features(
        FEW, store, few_clips, iter(()), trim_silence=False, input_samples=54_000
    )
    np.testing.assert_array_equal(values, again)


def test_machines_hear_as_much_as_networks(few_clips, tmp_path):
    recordings = [(f"u{i}", encode_pcm16(np.zeros(60_000, np.float32))) for i in range(10)]
    for samples in (54_000, 160_000):
        values = features.svm_features(
            FEW,
            Store(tmp_path / str(samples), identity={}),
            few_clips,
            iter(recordings),
            trim_silence=False,
            input_samples=samples,
        )
        assert (values[:, 0] == min(samples, 60_000)).all()


def test_a_recording_that_is_missing(few_clips, tmp_path):
    recordings = [("u0", encode_pcm16(np.zeros(8, np.float32)))]
    with pytest.raises(ValueError, match="1 recordings do not match the 10 clips"):
        features.svm_features(
            FEW,
            Store(tmp_path, identity={}),
            few_clips,
            iter(recordings),
            trim_silence=False,
            input_samples=54_000,
        )


def test_what_features_need_is_asked_for_before_any_work(few_clips, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "opensmile", None)
    with pytest.raises(UserError, match="the features is10 need openSMILE"):
        features.svm_features(
            FEATURE_SETS["is10"],
            Store(tmp_path, identity={}),
            few_clips,
            iter(()),
            trim_silence=True,
            input_samples=54_000,
        )


def test_machines_hear_emotions_without_opensmile(tmp_path, monkeypatch):
    """Two domains: label 1 is spoken higher, and with a steeper melody, than label 0."""
    monkeypatch.setitem(sys.modules, "opensmile", None)
    random = np.random.default_rng(0)
    count = 60
    found = clips.Clips(
        inputs=None,
        labels=np.arange(count) % 2,
        domains=np.array(["a", "b"])[np.arange(count) // 2 % 2],
        speakers=np.array([f"s{i // 12}" for i in range(count)]),
        utterance_ids=np.array([f"u{i:02d}" for i in range(count)]),
        folds={"random": np.arange(count) // 4 % 5, "speaker_independent": np.arange(count) // 12},
        digest="x",
    )
    time_s = np.arange(12_000) / 16_000

    def recordings():
        for key, label in zip(found.utterance_ids, found.labels, strict=True):
            pitch_hz = random.uniform(90, 130) * 2 ** (label * (0.5 + time_s))
            phase = 2 * np.pi * np.cumsum(pitch_hz) / 16_000
            buzz = sum(np.sin(k * phase) / k for k in range(1, 8))
            noise = random.normal(size=len(time_s))
            yield str(key), encode_pcm16((0.1 * buzz + 0.01 * noise).astype(np.float32))

    planned = design.Design(
        domains=("a", "b"),
        targets=("b",),
        folds=(1,),
        tables=(2, 5),
        network=NetworkSpec(front_end="waveform", preset="fast", outputs=6),
        pretrain=Settings(epochs=1),
        scratch=Settings(epochs=1),
        fine_tune=Settings(epochs=1),
    )
    store = Store(tmp_path, identity={})
    values = features.svm_features(
        FEATURE_SETS["functionals"],
        store,
        found,
        recordings(),
        trim_silence=True,
        input_samples=54_000,
    )
    machines = [c for c in planned.plan() if isinstance(c, cells.Svm | cells.AdaptiveSvm)]
    assert {cell.features for cell in machines} == {"functionals"}
    assert len(machines) == 4
    for cell in machines:
        baselines.run(cell, values, found, store)
        result = store.get(cell)
        labels = [found.labels[int(name[1:])] for name in result["tested"]]
        assert np.mean(np.argmax(result["scores"], axis=1) == labels) > 0.9


@pytest.mark.component
def test_tasks_run_through_beam_and_features_of_the_network_are_kept(few_clips, tmp_path):
    planned = design.Design(
        domains=("a", "b"),
        targets=("a",),
        protocols=("random",),
        folds=(1,),
        tables=(3,),
        scenarios=("S1",),
        approaches=("A1", "A8"),
        network=NETWORK,
        pretrain=Settings(epochs=1, batch_size=4),
        scratch=Settings(epochs=1, batch_size=4),
        fine_tune=Settings(epochs=1, batch_size=4),
    )
    folder = tmp_path / "clips"
    clips.save(few_clips, folder)
    store = Store(tmp_path / "store", identity={"code": "1"})
    for stage in design.stages(planned.plan()):
        with beam.Pipeline() as pipeline:
            tasks.run(
                pipeline,
                stage,
                clips_folder=str(folder),
                store=store,
                identity={"code": "1"},
                given=(),
                limit_bytes=PLENTY,
            )
    assert all(cell in store for cell in planned.plan())
    features.keep_network_features(store, planned, clips.load(Path(folder)))
    kept = np.load(store.folder / "features.npz")
    # Of the fold that the pre-training did not see.
    assert kept["utterance_ids"].tolist() == ["u2", "u3"]
    cell = planned.pretraining("random", cells.Split.outer(1), 0)
    network = cell.network.build(seed=1)
    for layer, arrays in store.get_weights(cell).items():
        network.get_layer(layer).set_weights(arrays)
    values = few_clips.inputs.take(np.array([2, 3]))
    for layer in network.layers:
        values = np.array(layer(values))
        if layer.name == "flatten":
            break
    np.testing.assert_allclose(kept["features"], values, atol=1e-5)
