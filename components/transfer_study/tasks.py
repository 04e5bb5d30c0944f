"""The study's trainings as Beam's elements, which may run in other processes."""

import atexit
import contextlib
import functools
import json
import os
from collections.abc import Sequence
from typing import Any

import apache_beam as beam

from modules.study import cells, clips
from modules.study.design import Task
from modules.study.runner import Runner
from modules.study.store import Store
from schemas import copies

# Copies that end with the process.
_LIFELONG = contextlib.ExitStack()
atexit.register(_LIFELONG.close)


def run(
    pipeline: beam.Pipeline,
    tasks: Sequence[Task],
    *,
    clips_folder: str,
    store: Store,
    identity: dict[str, Any],
    given: tuple[str, ...],
    limit_bytes: int,
) -> None:
    """Adds tasks, which are independent of each other, to a Beam pipeline.

    Args:
      pipeline: The pipeline.
      tasks: What to run.
      clips_folder: Folder that `clips.save` wrote.
      store: Where results go.
      identity: The store's.
      given: Layer groups whose outputs the clips are.
      limit_bytes: Most memory that the outputs of frozen layers may take in all processes.
    """
    # There are no more processes than cores.
    own_bytes = limit_bytes // (os.cpu_count() or 1)
    _ = (
        pipeline
        | "Tasks" >> beam.Create([_packed(task) for task in tasks], reshuffle=False)
        | "One at a time" >> beam.Reshuffle()
        | "Run"
        >> beam.Map(_run, clips_folder, str(store.folder), json.dumps(identity), given, own_bytes)
    )


def _packed(task: Task) -> str:
    training, own, keep = task
    return json.dumps(
        {"training": cells.to_json(training), "own": list(map(cells.to_json, own)), "keep": keep}
    )


def _run(
    task: str,
    clips_folder: str,
    store: str,
    identity: str,
    given: tuple[str, ...],
    limit_bytes: int,
) -> None:
    values = json.loads(task)
    training = cells.from_json(values["training"])
    assert isinstance(training, cells.Training)
    own = [cells.from_json(cell) for cell in values["own"]]
    fine_tunings = [cell for cell in own if isinstance(cell, cells.FineTuning)]
    runner = _runner(clips_folder, store, identity, given, limit_bytes)
    runner.run(training, fine_tunings, keep=values["keep"])


@functools.lru_cache(maxsize=1)
def _runner(
    clips_folder: str, store: str, identity: str, given: tuple[str, ...], limit_bytes: int
) -> Runner:
    """Returns the process's own runner: networks are compiled once, clips are opened once."""
    copy = _LIFELONG.enter_context(copies.local_copy(clips_folder))
    return Runner(
        clips.load(copy),
        Store(store, identity=json.loads(identity)),
        given=given,
        limit_bytes=limit_bytes,
    )
