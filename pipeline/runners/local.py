"""Runs a pipeline on this machine, node by node, and goes on past a node that fails."""

import datetime
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pipeline.runners import launching
from pipeline.runners.results import LOST, NodeResult
from schemas import copies

# Told before each node: its id, its position and the number of nodes.
NodeCallback = Callable[[str, int, int], None]


def run(pipeline: Any, *, on_node: NodeCallback = lambda *_: None) -> tuple[str, list[NodeResult]]:
    """Runs every node of a TFX pipeline in topological order.

    A node that fails takes along only the nodes downstream of it: TFX's LocalDagRunner would stop
    all domains at the first exception.

    Args:
      pipeline: A `tfx.dsl.Pipeline` with a metadata connection.
      on_node: Told before each node.

    Returns:
      The run's id in the metadata store, and one result a node, in the order they ran.
    """
    run_id = datetime.datetime.now().isoformat()
    compiled = launching.compiled(pipeline, run_id)
    results: list[NodeResult] = []
    lost: set[str] = set()
    for index, node in enumerate(compiled.nodes):
        name = node.node_info.id
        needs = tuple(sorted(lost.intersection(node.upstream_nodes)))
        if needs:
            result = NodeResult.of(name, "not reached", needs=needs)
        else:
            on_node(name, index, len(compiled.nodes))
            result = compiled.launch(node)
        if result.status in LOST:
            lost.add(name)
        results.append(result)
    return run_id, results


@contextmanager
def logs_to(file: Path) -> Iterator[None]:
    """Sends the logs of TFX, Beam and TensorFlow to `file` instead of the terminal.

    A remote one is sent when the logs end, also where an exception ends them.
    """
    with copies.local_file(file) as own, _logs_to(own):
        yield


@contextmanager
def _logs_to(file: Path) -> Iterator[None]:
    import absl.logging
    import tensorflow as tf

    root = logging.getLogger()
    handler = logging.FileHandler(file, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    before, level = root.handlers[:], root.level
    # These two write to the terminal through handlers of their own.
    with_handlers = (absl.logging.get_absl_logger(), tf.get_logger())
    theirs = [(logger, logger.handlers[:], logger.propagate) for logger in with_handlers]
    for logger in with_handlers:
        logger.handlers, logger.propagate = [], True
    root.handlers, root.level = [handler], logging.INFO
    logging.captureWarnings(True)
    try:
        yield
    finally:
        logging.captureWarnings(False)
        root.handlers, root.level = before, level
        for logger, handlers, propagate in theirs:
            logger.handlers, logger.propagate = handlers, propagate
        handler.close()
