"""Runs a pipeline on this machine, node by node, and goes on past a node that fails."""

import dataclasses
import datetime
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, get_args

from pipeline import nodes
from schemas.errors import UserError

Status = Literal["executed", "cached", "resolved", "failed", "not reached"]
STATUSES: tuple[Status, ...] = get_args(Status)

# Told before each node: its id, its position and the number of nodes.
NodeCallback = Callable[[str, int, int], None]

_RESOLVER = "tfx.dsl.components.common.resolver.Resolver"
# States of executions whose outputs are there.
_DONE = ("COMPLETE", "CACHED")


@dataclasses.dataclass(frozen=True, kw_only=True)
class NodeResult:
    """What became of one node of the pipeline.

    Attributes:
      component: For example `Trainer`.
      model: What the node is for, where a component has several nodes, for example `emodb`; empty
        otherwise.
      status: `executed`, `cached` (nothing it depends on changed), `resolved` (a look-up in the
        metadata store, made in every run), `failed`, or `not reached` because a node upstream
        failed.
      duration_s: Wall time in seconds.
      error: Why it failed; empty otherwise.
      needs: Ids of the nodes just upstream that have no result, because of which this one was not
        reached; empty otherwise.
    """

    component: str
    model: str = ""
    status: Status
    duration_s: float = 0.0
    error: str = ""
    needs: tuple[str, ...] = ()

    @property
    def node_id(self) -> str:
        """Its id in the pipeline, for example `Trainer.emodb`."""
        return nodes.node_id(self.component, self.model)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "NodeResult":
        """Returns the result whose fields JSON gives back."""
        return cls(**{**values, "needs": tuple(values["needs"])})


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
    from tfx.dsl.compiler import compiler, constants
    from tfx.orchestration.local import runner_utils
    from tfx.orchestration.portable import runtime_parameter_utils

    representation = compiler.Compiler().compile(pipeline)
    run_id = datetime.datetime.now().isoformat()
    runtime_parameter_utils.substitute_runtime_parameter(
        representation, {constants.PIPELINE_RUN_ID_PARAMETER_NAME: run_id}
    )
    deployment = runner_utils.extract_local_deployment_config(representation)
    results: list[NodeResult] = []
    lost: set[str] = set()
    for index, entry in enumerate(representation.nodes):
        node = entry.pipeline_node
        name = node.node_info.id
        needs = tuple(sorted(lost.intersection(node.upstream_nodes)))
        if needs:
            component, model = nodes.parts(name)
            result = NodeResult(component=component, model=model, status="not reached", needs=needs)
        else:
            on_node(name, index, len(representation.nodes))
            result = _launch(node, representation, deployment)
        if result.status in ("failed", "not reached"):
            lost.add(name)
        results.append(result)
    return run_id, results


def _launch(node: Any, representation: Any, deployment: Any) -> NodeResult:
    from tfx.orchestration import metadata
    from tfx.orchestration.local import runner_utils
    from tfx.orchestration.portable import launcher

    name = node.node_info.id
    connection = getattr(
        deployment.metadata_connection_config,
        deployment.metadata_connection_config.WhichOneof("connection_config"),
    )
    start_s = time.monotonic()
    status: Status
    try:
        execution = launcher.Launcher(
            pipeline_node=node,
            mlmd_connection=metadata.Metadata(connection),
            pipeline_info=representation.pipeline_info,
            pipeline_runtime_spec=representation.runtime_spec,
            executor_spec=runner_utils.extract_executor_spec(deployment, name),
            custom_driver_spec=runner_utils.extract_custom_driver_spec(deployment, name),
        ).launch()
        state = _state(connection, execution.execution_id if execution else None)
        status, error = "executed", ""
        if state not in _DONE:
            # The launcher tells of inputs that it cannot resolve in this way only.
            status, error = "failed", "its inputs are not to be had; the log says why"
        elif node.node_info.type.name == _RESOLVER:
            status = "resolved"
        elif state == "CACHED":
            status = "cached"
    except Exception as fault:
        logging.getLogger(__name__).exception("%s failed", name)
        # A user's mistake is told in words made for users.
        own_words = isinstance(fault, UserError)
        status, error = "failed", str(fault) if own_words else f"{type(fault).__name__}: {fault}"
    component, model = nodes.parts(name)
    return NodeResult(
        component=component,
        model=model,
        status=status,
        duration_s=time.monotonic() - start_s,
        error=error,
    )


def _state(connection: Any, execution_id: int | None) -> str:
    """Returns the state of an execution in the metadata store, `SKIPPED` where there is none."""
    from ml_metadata.proto import metadata_store_pb2
    from tfx.orchestration import metadata

    if not execution_id:
        return "SKIPPED"
    with metadata.Metadata(connection) as handle:
        [execution] = handle.store.get_executions_by_id([execution_id])
    return metadata_store_pb2.Execution.State.Name(execution.last_known_state)


@contextmanager
def logs_to(file: Path) -> Iterator[None]:
    """Sends the logs of TFX, Beam and TensorFlow to `file` instead of the terminal."""
    import absl.logging
    import tensorflow as tf

    file.parent.mkdir(parents=True, exist_ok=True)
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
