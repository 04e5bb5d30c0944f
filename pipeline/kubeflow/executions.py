"""A run's executions in the metadata store: all that its tasks know of each other."""

from collections.abc import Iterable, Mapping
from typing import Any

from pipeline.runners.launching import CompiledPipeline, status_of
from pipeline.runners.results import LOST, NodeResult

_RUN_CONTEXT, _NODE_CONTEXT = "pipeline_run", "node"
# Custom properties of an execution: why it failed, and how often it was begun.
_ERROR, _ATTEMPTS = "ser_error", "ser_attempts"
_UNFINISHED = (
    "its task ended before it did (killed, for want of memory perhaps, or out of retries); the"
    " task's log says more"
)
_NEVER = "its task did not run it"


def results(compiled: CompiledPipeline, wanted: Iterable[str]) -> dict[str, NodeResult]:
    """Returns what became of a run's nodes so far.

    Args:
      compiled: The run's pipeline.
      wanted: Ids of the nodes that the run is to have.

    Returns:
      The results by node id, in topological order. A node without an end is `failed`, unless what
      it needs has none either: then it is `not reached`.
    """
    found: dict[str, NodeResult] = {}
    lost: set[str] = set()
    chosen, executions = set(wanted), _executions(compiled)
    for node in compiled.nodes:
        name = node.node_info.id
        if name not in chosen:
            continue
        result = _result(node, executions.get(name), lost)
        found[name] = result
        if result.status in LOST:
            lost.add(name)
    return found


def begin(compiled: CompiledPipeline, node: Any) -> int:
    """Returns how often a node was begun in this run, this time included, without an end."""
    from ml_metadata.proto import metadata_store_pb2 as proto

    execution = _executions(compiled).get(node.node_info.id)
    if execution is None:
        return 1
    ended = execution.last_known_state == proto.Execution.FAILED
    before = 0 if ended else max(1, execution.custom_properties[_ATTEMPTS].int_value)
    execution.custom_properties[_ATTEMPTS].int_value = before + 1
    with _handle(compiled) as handle:
        handle.store.put_executions([execution])
    return before + 1


def execution_id(compiled: CompiledPipeline, node: Any) -> int | None:
    """Returns the id of a node's execution in this run; `None` where there is none."""
    execution = _executions(compiled).get(node.node_info.id)
    return execution.id if execution else None


def fail(compiled: CompiledPipeline, node: Any, error: str) -> None:
    """Records in the metadata store that a node failed, and why."""
    from ml_metadata.proto import metadata_store_pb2 as proto
    from tfx.orchestration.portable.mlmd import context_lib, execution_lib

    execution = _executions(compiled).get(node.node_info.id)
    with _handle(compiled) as handle:
        if execution is None:
            # It failed before TFX's launcher could register it.
            contexts = context_lib.prepare_contexts(handle, node.contexts)
            execution = execution_lib.put_execution(
                handle,
                execution_lib.prepare_execution(
                    handle, node.node_info.type, proto.Execution.FAILED
                ),
                contexts,
            )
        execution.last_known_state = proto.Execution.FAILED
        execution.custom_properties[_ERROR].string_value = error
        handle.store.put_executions([execution])


def _result(node: Any, execution: Any | None, lost: set[str]) -> NodeResult:
    from ml_metadata.proto import metadata_store_pb2 as proto

    name = node.node_info.id
    if execution is None:
        if needs := tuple(sorted(lost.intersection(node.upstream_nodes))):
            return NodeResult.of(name, "not reached", needs=needs)
        return NodeResult.of(name, "failed", error=_NEVER)
    status = status_of(node, proto.Execution.State.Name(execution.last_known_state))
    error = ""
    if status == "failed":
        error = execution.custom_properties[_ERROR].string_value or _UNFINISHED
    took_ms = execution.last_update_time_since_epoch - execution.create_time_since_epoch
    return NodeResult.of(name, status, duration_s=took_ms / 1000, error=error)


def _executions(compiled: CompiledPipeline) -> Mapping[str, Any]:
    """Returns a run's executions by node id."""
    found: dict[str, Any] = {}
    run_id = compiled.representation.runtime_spec.pipeline_run_id.field_value.string_value
    with _handle(compiled) as handle:
        run = handle.store.get_context_by_type_and_name(_RUN_CONTEXT, run_id)
        for execution in handle.store.get_executions_by_context(run.id) if run else ():
            contexts = handle.store.get_contexts_by_execution(execution.id)
            # TFX names the context <pipeline>.<node id>; no pipeline's name holds a point.
            [name] = [context.name for context in contexts if context.type == _NODE_CONTEXT]
            found[name.split(".", 1)[1]] = execution
    return found


def _handle(compiled: CompiledPipeline) -> Any:
    from tfx.orchestration import metadata

    return metadata.Metadata(compiled.connection)
