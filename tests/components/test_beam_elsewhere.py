"""What our own Beam steps do where workers are other processes, with other folders."""

import io
import shutil
import wave

import apache_beam as beam
import beam_services
import numpy as np
import pytest
import tensorflow as tf
from apache_beam.options.pipeline_options import PipelineOptions

from components.audio_example_gen import account, ingest
from components.transfer_study import tasks
from components.transfer_study.executor import seen_by_workers
from modules.networks.registry import NetworkSpec
from modules.study import cells, clips
from modules.study.runner import Runner
from modules.study.store import Store
from modules.training.rows import ArrayRows
from modules.training.settings import Settings
from pipeline import config as configs
from schemas.labels import PAPER
from schemas.utterance import Utterance

pytestmark = pytest.mark.component

PLENTY = 2**30


@pytest.fixture(scope="module")
def flags(tmp_path_factory):
    with beam_services.running(tmp_path_factory.mktemp("services")) as engine:
        yield configs.load("release", {"manifest": "m.csv", **engine}).beam.flags()


def _utterance(folder, number):
    contents = io.BytesIO()
    noise = np.random.default_rng(number).normal(0, 2000, 16_000).astype("<i2")
    with wave.open(contents, "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(noise.tobytes())
    path = folder / f"{number}.wav"
    path.write_bytes(contents.getvalue())
    return Utterance(
        utterance_id=f"u{number}",
        path=str(path),
        domain="a",
        speaker="s",
        emotion=PAPER.labels[0],
        fold_random=0,
    )


def test_examples_are_the_same(tmp_path, flags):
    utterances = [_utterance(tmp_path, number) for number in range(3)]
    settings = ingest.Settings(over_length="truncate", trim_silence=False)
    written = {}
    for name, argv in (("here", []), ("elsewhere", flags)):
        folder = tmp_path / name
        folder.mkdir()
        shards = ingest.shards(
            utterances,
            protocol="random",
            split_uris=dict.fromkeys((f"fold-{fold}" for fold in range(5)), str(folder)),
            account_uri=str(folder),
        )
        with beam.Pipeline(options=PipelineOptions(argv)) as pipeline:
            _ = pipeline | beam.Create(shards) | beam.ParDo(ingest.WriteShard(settings))
        [shard] = shards
        assert {each.status for each in account.read_lines(shard.account_path)} == {account.USED}
        records = tf.data.TFRecordDataset(shard.examples_path, compression_type="GZIP")
        written[name] = [record.numpy() for record in records]
    assert len(written["here"]) == 3
    assert written["here"] == written["elsewhere"]


def test_trainings_of_a_study_are_the_same(tmp_path, flags):
    random = np.random.default_rng(0)
    few = clips.Clips(
        inputs=ArrayRows(random.normal(size=(10, 54_000, 1)).astype(np.float32)),
        labels=np.arange(10) % 2,
        domains=np.array(["a", "b"])[np.arange(10) % 2],
        speakers=np.array([f"s{i}" for i in range(10)]),
        utterance_ids=np.array([f"u{i}" for i in range(10)]),
        folds={"random": np.arange(10) // 2, "speaker_independent": np.arange(10) // 2},
        digest="x",
    )
    cell = cells.Training(
        network=NetworkSpec(front_end="waveform", preset="fast", outputs=6),
        protocol="random",
        split=cells.Split.outer(1),
        domains=("a",),
        settings=Settings(epochs=1, batch_size=4),
    )
    store = Store(tmp_path / "store", identity={"code": "1"})
    temporary, output = tmp_path / "temporary", tmp_path / "output"
    clips.save(few, temporary)
    with seen_by_workers(str(temporary), str(output), flags) as shared:
        # As if workers were on another machine.
        shutil.rmtree(temporary)
        with beam.Pipeline(options=PipelineOptions(flags)) as pipeline:
            tasks.run(
                pipeline,
                [(cell, [], False)],
                clips_folder=shared,
                store=store,
                identity={"code": "1"},
                given=(),
                limit_bytes=PLENTY,
            )
    assert not [*output.iterdir()]
    own = Store(tmp_path / "own", identity={"code": "1"})
    Runner(few, own, given=(), limit_bytes=PLENTY).run(cell, [], keep=False)
    assert store.get(cell)["weight_hashes"] == own.get(cell)["weight_hashes"]
    assert store.get(cell)["tested"] == own.get(cell)["tested"]


def test_workers_here_need_no_copy(tmp_path):
    for flags in ([], ["--direct_running_mode=multi_processing", "--direct_num_workers=2"]):
        with seen_by_workers("folder", str(tmp_path), flags) as shared:
            assert shared == "folder"
