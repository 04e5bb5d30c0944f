"""One node of a pipeline at a time, by TFX's own launcher."""

import dataclasses
import logging
import time
from collections.abc import Iterable
from typing import Any

from components.passing import NUM_PASSING
from components.pusher.artifact import destination, is_served
from pipeline.runners.results import NodeResult, Status
from schemas import files
from schemas.errors import UserError
from schemas.places import is_remote, place

RESOLVER = "tfx.dsl.components.common.resolver.Resolver"
# Type of what a Pusher makes.
PUSHED_MODEL = "PushedModel"
# In an output folder on a storage service that has nothing else in it.
_EMPTY = ".empty"
# States of executions whose outputs are there.
DONE = ("COMPLETE", "CACHED")


@dataclasses.dataclass(frozen=True, kw_only=True)
class CompiledPipeline:
    """A pipeline as TFX's launcher takes it.

    Attributes:
      representation: TFX's intermediate representation, with the run's id in it.
      deployment: Executors and drivers of its nodes.
      connection: Connection to the metadata store.
    """

    representation: Any
    deployment: Any
    connection: Any

    @property
    def nodes(self) -> list[Any]:
        """The nodes, in topological order."""
        return [entry.pipeline_node for entry in self.representation.nodes]

    def launch(self, node: Any) -> NodeResult:
        """Runs a node, or takes its result from the cache; its faults are in what comes back."""
        name = node.node_info.id
        start_s = time.monotonic()
        status: Status
        try:
            if self._is_stale(name):
                node = _without_cache(node)
            execution_id = self._launch(node)
            state = _state(self.connection, execution_id)
            status, error = status_of(node, state), ""
            if status == "failed":
                # The launcher tells of inputs that it cannot resolve in this way only.
                error = "its inputs are not to be had; the log says why"
        except Exception as fault:
            logging.getLogger(__name__).exception("%s failed", name)
            # A user's mistake is told in words made for users.
            words = str(fault) if isinstance(fault, UserError) else ""
            if isinstance(fault, OSError):
                words = files.words_of(fault, folders=[self._root])
            status, error = "failed", words or f"{type(fault).__name__}: {fault}"
        return NodeResult.of(name, status, duration_s=time.monotonic() - start_s, error=error)

    @property
    def _root(self) -> str:
        """Where nodes write."""
        root = self.representation.runtime_spec.pipeline_root
        return root.field_value.string_value or root.runtime_parameter.default_value.string_value

    def _is_stale(self, name: str) -> bool:
        """Returns whether the last result of a node must not be used again."""
        from tfx.orchestration import metadata

        pipeline = self.representation.pipeline_info.id
        with metadata.Metadata(self.connection) as handle:
            store = handle.store
            context = store.get_context_by_type_and_name("node", f"{pipeline}.{name}")
            made = store.get_artifacts_by_context(context.id) if context else []
            _give_up_passing(store, made)
        return _is_gone(made)

    def _launch(self, node: Any) -> int | None:
        """Returns the id of the node's execution; `None` where it has none."""
        from tfx.orchestration import metadata
        from tfx.orchestration.local import runner_utils
        from tfx.orchestration.portable import launcher

        from pipeline.runners import beam_workers

        name = node.node_info.id
        ready = launcher.Launcher(
            pipeline_node=node,
            mlmd_connection=metadata.Metadata(self.connection),
            pipeline_info=self.representation.pipeline_info,
            pipeline_runtime_spec=self.representation.runtime_spec,
            executor_spec=runner_utils.extract_executor_spec(self.deployment, name),
            custom_driver_spec=runner_utils.extract_custom_driver_spec(self.deployment, name),
        )
        with beam_workers.watched():
            execution = ready.launch()
        if not execution:
            return None
        _keep_empty_outputs(execution)
        return int(execution.execution_id)


def _keep_empty_outputs(execution: Any) -> None:
    """Makes remote outputs be there that hold nothing, as Trainer's model_run.

    Services have no empty folders, and TFX takes nothing from its cache of which a folder is gone.
    """
    for artifacts in (execution.output_dict or {}).values():
        for artifact in artifacts:
            folder = place(artifact.uri)
            if is_remote(artifact.uri) and not folder.exists():
                (folder / _EMPTY).write_bytes(b"")


def compiled(pipeline: Any, run_id: str) -> CompiledPipeline:
    """Compiles a `tfx.dsl.Pipeline` with a metadata connection for one run."""
    from tfx.dsl.compiler import compiler, constants
    from tfx.orchestration.local import runner_utils
    from tfx.orchestration.portable import runtime_parameter_utils

    representation = compiler.Compiler().compile(pipeline)
    runtime_parameter_utils.substitute_runtime_parameter(
        representation, {constants.PIPELINE_RUN_ID_PARAMETER_NAME: run_id}
    )
    deployment = runner_utils.extract_local_deployment_config(representation)
    stored = deployment.metadata_connection_config
    return CompiledPipeline(
        representation=representation,
        deployment=deployment,
        connection=getattr(stored, stored.WhichOneof("connection_config")),
    )


def status_of(node: Any, state: str) -> Status:
    """Returns what the state of a node's execution in the metadata store means."""
    if state not in DONE:
        return "failed"
    if node.node_info.type.name == RESOLVER:
        return "resolved"
    return "cached" if state == "CACHED" else "executed"


def _state(connection: Any, execution_id: int | None) -> str:
    """Returns the state of an execution in the metadata store, `SKIPPED` where there is none."""
    from ml_metadata.proto import metadata_store_pb2
    from tfx.orchestration import metadata

    if not execution_id:
        return "SKIPPED"
    with metadata.Metadata(connection) as handle:
        [execution] = handle.store.get_executions_by_id([execution_id])
    return metadata_store_pb2.Execution.State.Name(execution.last_known_state)


def _give_up_passing(store: Any, made: Iterable[Any]) -> None:
    """Takes results with faults that may have passed out of TFX's cache."""
    from ml_metadata.proto import metadata_store_pb2

    state = metadata_store_pb2.Artifact
    marked = [
        artifact
        for artifact in made
        if artifact.state == state.LIVE and NUM_PASSING in artifact.custom_properties
    ]
    for artifact in marked:
        artifact.state = state.ABANDONED
    if marked:
        store.put_artifacts(marked)


def _is_gone(made: Iterable[Any]) -> bool:
    """Returns whether what a node pushed last is no longer where it was pushed to."""
    pushed = [artifact for artifact in made if artifact.type == PUSHED_MODEL]
    if not pushed:
        return False
    folder = destination(max(pushed, key=lambda artifact: artifact.id))
    return bool(folder) and not is_served(folder)


def _without_cache(node: Any) -> Any:
    """Returns a copy of a node that is executed whatever earlier runs did."""
    copy = type(node)()
    copy.CopyFrom(node)
    copy.execution_options.caching_options.enable_cache = False
    return copy
