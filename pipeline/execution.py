"""Running what was prepared: everything around the nodes of a pipeline."""

import dataclasses
import json
import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from modules.networks.registry import NetworkSpec
from pipeline import leftovers
from pipeline.manifest import Manifest
from pipeline.observer import Observer
from pipeline.preparation import Config, Prepared
from pipeline.run_folder import CONFIG_FILE, LOCK_FILE, LOG_FILE, RUN_FILE
from pipeline.runners import local
from pipeline.runners.results import NodeResult
from schemas import files, progress


def execute(
    prepared: Prepared[Config],
    build: Callable[[Config, Manifest, NetworkSpec], Any],
    *,
    observer: Observer,
) -> tuple[NodeResult, ...]:
    """Builds and runs a pipeline; stores its configuration and its nodes' results beside it.

    Args:
      prepared: The configuration and its manifest.
      build: Makes a `tfx.dsl.Pipeline` of both and the network.
      observer: Hears of every node.

    Returns:
      One result a node, in the order they ran.

    Raises:
      UserError: Another run uses the output folder.
    """
    config, output = prepared.config, prepared.config.output.absolute()
    busy = f"{output} is in use by another run; wait for it or choose another output folder"
    with files.locked(output / LOCK_FILE, busy=busy), leftovers.temporary_files():
        leftovers.clear(config)
        with files.replacing(output / CONFIG_FILE) as file:
            file.write(config.to_yaml())
        observer.on_start(prepared)
        with local.logs_to(output / LOG_FILE), _messages(observer.on_message):
            run_id, results = local.run(
                build(config, prepared.manifest, prepared.network), on_node=observer.on_node
            )
        record = {
            "run_id": run_id,
            "manifest": prepared.manifest.path,
            "nodes": [dataclasses.asdict(result) for result in results],
        }
        with files.replacing(output / RUN_FILE) as file:
            json.dump(record, file, indent=2)
    observer.on_finish(results)
    return tuple(results)


def failures(results: Iterable[NodeResult]) -> list[NodeResult]:
    """Returns the nodes that failed, without those that were not reached because of them."""
    return [result for result in results if result.status == "failed"]


@contextmanager
def _messages(on_message: Callable[[str], None]) -> Iterator[None]:
    """Passes what nodes say on `progress.MESSAGES` to `on_message`."""

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            on_message(record.getMessage())

    logger, handler = progress.MESSAGES, Handler()
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
