"""The executor of TransferStudy."""

import dataclasses
import json
import os
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import tensorflow as tf
from tfx import types
from tfx.dsl.components.base import base_beam_executor
from tfx.types import artifact_utils

from components.transfer_study import features, tasks
from components.transfer_study.artifact import KEYS_FILE
from components.transfer_study.examples import read_clips, recordings
from components.transfer_study.parts import own_cells
from modules.baselines.features import FEATURE_SETS
from modules.study import baselines, cells, clips
from modules.study.design import Design, Task, stages
from modules.study.store import Store
from modules.training import memory
from schemas import copies, progress

EXAMPLES = "examples"
TRANSFORMED_EXAMPLES = "transformed_examples"
RESULTS = "results"
MANIFEST_PATH = "manifest_path"
DATA_DIGEST = "data_digest"
DESIGN = "design"
STORE = "store"
TRIM_SILENCE = "trim_silence"
MEMORY_GIB = "memory_gib"
PART, PARTS = "part", "parts"
CODE_DIGEST = "code_digest"

# Below the output, while workers elsewhere need it.
_SHARED_CLIPS = "clips"
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
          input_dict: `examples`, and `transformed_examples` or, where the network holds layers,
            its embeddings in their place; one Examples artifact each.
          output_dict: `results`, one StudyResults.
          exec_properties: The component's parameters.

        Raises:
          UserError: The store holds results of other data or code, another study is writing to
            it, or what the features of its SVMs need is not installed.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        output = artifact_utils.get_single_instance(output_dict[RESULTS])
        design = Design.from_json(json.loads(exec_properties[DESIGN]))
        planned, part = design.plan(), exec_properties.get(PART)
        if part is not None:
            planned = own_cells(planned, part, exec_properties[PARTS])
        identity = {
            "data": exec_properties[DATA_DIGEST],
            "code": exec_properties[CODE_DIGEST],
        }
        limit_bytes = memory.limit_bytes(exec_properties.get(MEMORY_GIB))
        store = Store(exec_properties[STORE], identity=identity)
        with store.exclusive(part=part), tempfile.TemporaryDirectory() as folder:
            progress.MESSAGES.info("reading clips")
            read = read_clips(
                _patterns(input_dict[TRANSFORMED_EXAMPLES]),
                exec_properties[MANIFEST_PATH],
                exec_properties[DATA_DIGEST],
                network=design.network,
                limit_bytes=limit_bytes,
                folder=folder,
            )
            if part is None:
                # Beside the results, that they can be read without the recordings.
                clips.save(dataclasses.replace(read, inputs=None), store.folder)
            clips.save(read, Path(folder))
            del read
            found = clips.load(Path(folder))
            with (
                _reported(store, planned),
                seen_by_workers(folder, output.uri, self._beam_pipeline_args) as clips_folder,
            ):
                for stage in stages(planned):
                    if wanted := _wanted(stage, store):
                        with self._make_beam_pipeline() as pipeline:
                            tasks.run(
                                pipeline,
                                wanted,
                                clips_folder=clips_folder,
                                store=store,
                                identity=identity,
                                given=design.network.held,
                                limit_bytes=limit_bytes,
                            )
                if part is None:
                    features.keep_network_features(store, design, found)
                machines = [c for c in planned if isinstance(c, cells.Svm | cells.AdaptiveSvm)]
                missing = [cell for cell in machines if cell not in store]
                for name in dict.fromkeys(cell.features for cell in missing):
                    values = features.svm_features(
                        FEATURE_SETS[name],
                        store,
                        found,
                        recordings(_patterns(input_dict[EXAMPLES])),
                        trim_silence=exec_properties[TRIM_SILENCE],
                        input_samples=design.network.input_samples,
                    )
                    for cell in missing:
                        if cell.features == name:
                            baselines.run(cell, values, found, store)
        with tf.io.gfile.GFile(os.path.join(output.uri, KEYS_FILE), "w") as file:
            json.dump([cells.key(cell) for cell in planned], file)


@contextmanager
def seen_by_workers(folder: str, uri: str, flags: Sequence[str]) -> Iterator[str]:
    """Gives a folder like `folder` that Beam's workers see: itself, where they are processes here.

    Args:
      folder: A temporary folder of this machine.
      uri: Of the component's output, which all workers see.
      flags: Beam's.
    """
    if not any(flag.startswith("--runner=") for flag in flags):
        yield folder
        return
    shared = f"{uri}/{_SHARED_CLIPS}"
    copies.copy_tree(folder, shared)
    try:
        yield shared
    finally:
        tf.io.gfile.rmtree(shared)


def _wanted(stage: Sequence[Task], store: Store) -> list[Task]:
    """Returns the tasks of which the store lacks a result."""
    return [
        (training, own, keep)
        for training, own, keep in stage
        if (training not in store if not own else any(cell not in store for cell in own))
    ]


def _patterns(artifacts: list[types.Artifact]) -> list[str]:
    examples = artifact_utils.get_single_instance(artifacts)
    return [
        os.path.join(artifact_utils.get_split_uri([examples], split), "*")
        for split in artifact_utils.decode_split_names(examples.split_names)
    ]


@contextmanager
def _reported(store: Store, planned: Sequence[cells.Cell]) -> Iterator[None]:
    """Reports every few seconds how many cells are there: workers may be other processes."""
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
