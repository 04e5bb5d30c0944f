"""The executor of TransferStudy."""

import dataclasses
import functools
import hashlib
import json
import os
import tempfile
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import apache_beam as beam
import keras
import numpy as np
import tensorflow as tf
from tfx import types
from tfx.dsl.components.base import base_beam_executor
from tfx.types import artifact_utils

from corpora import manifest
from modules.audio import graph
from modules.baselines import is10
from modules.study import baselines, cells, clips
from modules.study.bench import Bench, network_of
from modules.study.cells import Split
from modules.study.design import Design, Task, stages
from modules.study.store import Store
from modules.training.clips import read_clips as read_examples
from schemas import features, files, progress, sound, splits

EXAMPLES = "examples"
TRANSFORMED_EXAMPLES = "transformed_examples"
RESULTS = "results"
MANIFEST_PATH = "manifest_path"
DATA_DIGEST = "data_digest"
DESIGN = "design"
STORE = "store"
TRIM_SILENCE = "trim_silence"
CODE_DIGEST = "code_digest"

KEYS_FILE = "cells.json"
FEATURES_FILE = "features.npz"
_IS10_FILE = "is10.npy"
_REPORT_EVERY_S = 5.0


class Executor(base_beam_executor.BaseBeamExecutor):
    """Runs what the store does not have yet; see `TransferStudy`."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Fills the store and names in the output the cells that the design asks for.

        Args:
          input_dict: `examples` and `transformed_examples`, one Examples artifact each.
          output_dict: `results`, one StudyResults.
          exec_properties: the component's parameters.

        Raises:
          UserError: the store holds results of other data or code, another study is writing to
            it, or openSMILE is needed and missing.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        output = artifact_utils.get_single_instance(output_dict[RESULTS])
        design = Design.from_json(json.loads(exec_properties[DESIGN]))
        planned = design.plan()
        identity = {
            "data": exec_properties[DATA_DIGEST],
            "code": exec_properties[CODE_DIGEST],
        }
        store = Store(exec_properties[STORE], identity=identity)
        with store.exclusive(), tempfile.TemporaryDirectory() as folder:
            progress.MESSAGES.info("reading clips")
            found = read_clips(
                _patterns(input_dict[TRANSFORMED_EXAMPLES]),
                exec_properties[MANIFEST_PATH],
                exec_properties[DATA_DIGEST],
            )
            # Beside the results, that they can be read without the recordings.
            clips.save(_without_waveforms(found), store.folder)
            clips.save(found, Path(folder))
            with _reported(store, planned):
                for tasks in stages(planned):
                    self._run(tasks, store, identity, folder)
                _keep_features(store, design, found)
                machines = [c for c in planned if isinstance(c, cells.Svm | cells.AdaptiveSvm)]
                if missing := [cell for cell in machines if cell not in store]:
                    values = _is10(store, found, input_dict[EXAMPLES], exec_properties)
                    for cell in missing:
                        baselines.run(cell, values, found, store)
        with tf.io.gfile.GFile(os.path.join(output.uri, KEYS_FILE), "w") as file:
            json.dump([cells.key(cell) for cell in planned], file)

    def _run(
        self, tasks: Sequence[Task], store: Store, identity: dict[str, Any], folder: str
    ) -> None:
        """Runs the tasks of a stage, which are independent of each other, through Beam."""
        wanted = [
            (training, own, keep)
            for training, own, keep in tasks
            if (training not in store if not own else any(cell not in store for cell in own))
        ]
        if not wanted:
            return
        with self._make_beam_pipeline() as pipeline:
            _ = (
                pipeline
                | "Tasks" >> beam.Create([_packed(task) for task in wanted], reshuffle=False)
                | "One at a time" >> beam.Reshuffle()
                | "Run" >> beam.Map(_run_task, folder, str(store.folder), json.dumps(identity))
            )


def _packed(task: Task) -> str:
    training, own, keep = task
    return json.dumps(
        {"training": cells.to_json(training), "own": list(map(cells.to_json, own)), "keep": keep}
    )


@functools.lru_cache(maxsize=1)
def _bench(folder: str, store: str, identity: str) -> Bench:
    """Returns the process's bench: networks are compiled once, clips are mapped once."""
    return Bench(clips.load(Path(folder)), Store(store, identity=json.loads(identity)))


def _run_task(task: str, folder: str, store: str, identity: str) -> None:
    values = json.loads(task)
    training = cells.from_json(values["training"])
    assert isinstance(training, cells.Training)
    own = [cells.from_json(cell) for cell in values["own"]]
    fine_tunings = [cell for cell in own if isinstance(cell, cells.FineTuning)]
    _bench(folder, store, identity).run(training, fine_tunings, keep=values["keep"])


def read_clips(patterns: list[str], manifest_path: str, digest: str) -> clips.Clips:
    """Reads transformed examples, with their folds under both protocols from the manifest.

    Args:
      patterns: of the transformed examples of all folds.
      manifest_path: the manifest they come from.
      digest: stands for their content.
    """
    examples = read_examples(patterns)
    folds = {
        utterance.utterance_id: {name: utterance.fold(name) for name in splits.PROTOCOLS}
        for utterance in manifest.read(manifest_path).utterances
    }
    return clips.Clips(
        waveforms=examples.waveforms,
        labels=examples.labels,
        domains=examples.domains,
        speakers=examples.speakers,
        utterance_ids=examples.utterance_ids,
        folds={
            name: np.array([folds[str(key)][name] for key in examples.utterance_ids], np.int64)
            for name in splits.PROTOCOLS
        },
        digest=digest,
    )


def data_digest(*parts: str) -> str:
    """Returns one digest for the manifest, the configuration and the code that made the clips."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _without_waveforms(found: clips.Clips) -> clips.Clips:
    return dataclasses.replace(found, waveforms=None)


def _patterns(artifacts: list[types.Artifact]) -> list[str]:
    examples = artifact_utils.get_single_instance(artifacts)
    return [
        os.path.join(artifact_utils.get_split_uri([examples], split), "*")
        for split in artifact_utils.decode_split_names(examples.split_names)
    ]


@contextmanager
def _reported(store: Store, planned: Sequence[cells.Cell]) -> Iterator[None]:
    """Tells every few seconds how many cells are there: workers may be other processes."""
    over = threading.Event()

    def report() -> None:
        while not over.wait(_REPORT_EVERY_S):
            done = sum(cell in store for cell in planned)
            progress.MESSAGES.info("%d of %d cells", done, len(planned))

    thread = threading.Thread(target=report, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _keep_features(store: Store, design: Design, found: clips.Clips) -> None:
    """Stores what the LSTM makes of unseen clips of all domains, for the study's map.

    Taken of the first pre-training on all domains: `features.npz`, `features` float32 [n, 1000].
    """
    file = store.folder / FEATURES_FILE
    fold = design.folds[0]
    cell = design.pretraining(design.protocols[0], Split.outer(fold), design.seeds[0])
    weights = store.get_weights(cell)
    if weights is None or file.exists():
        return
    network = network_of(cell)
    network.set_weights(weights)
    rows = found.rows(cell.protocol, domains=cell.domains, folds=(fold,))
    assert found.waveforms is not None
    trunk = keras.Model(network.inputs, network.get_layer("flatten").output)
    values = trunk.predict(found.waveforms[rows], batch_size=64, verbose=0)
    with files.replacing(file, binary=True) as stream:
        np.savez(stream, utterance_ids=found.utterance_ids[rows], features=values)


def _is10(
    store: Store, found: clips.Clips, examples: list[types.Artifact], properties: dict[str, Any]
) -> np.ndarray:
    """Returns the features float32 `[n, 1582]` of the clips, in their order, computed once."""
    file = store.folder / _IS10_FILE
    if not file.exists():
        is10.require_opensmile()
        recordings = dict(_recordings(_patterns(examples)))
        prepared = (
            _heard(recordings[str(key)], trim=properties[TRIM_SILENCE])
            for key in found.utterance_ids
        )
        values = is10.extract(_told(prepared, total=len(found.utterance_ids)))
        with files.replacing(file, binary=True) as stream:
            np.save(stream, values)
    return np.load(file)


def _told(items: Iterable[np.ndarray], *, total: int) -> Iterator[np.ndarray]:
    for done, item in enumerate(items):
        if done % 100 == 0:
            progress.MESSAGES.info("openSMILE: %d of %d recordings", done, total)
        yield item


def _recordings(patterns: list[str]) -> Iterator[tuple[str, bytes]]:
    files = sorted(name for pattern in patterns for name in tf.io.gfile.glob(pattern))
    for record in tf.data.TFRecordDataset(files, compression_type="GZIP"):
        example = tf.train.Example.FromString(record.numpy()).features.feature
        key = example[features.UTTERANCE_ID].bytes_list.value[0].decode()
        yield key, example[features.AUDIO].bytes_list.value[0]


def _heard(pcm16: bytes, *, trim: bool) -> np.ndarray:
    """Returns the part that the networks hear, float32 [samples], neither padded nor scaled."""
    waveform = graph.decode_pcm16(tf.constant(pcm16))
    if trim:
        waveform = graph.trim_silence(waveform)
    return waveform[: sound.INPUT_SAMPLES].numpy()
