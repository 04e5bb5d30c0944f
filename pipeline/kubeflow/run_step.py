"""Runs the nodes of one step of a run that was prepared."""

import logging
from typing import Any

from pipeline.kubeflow import executions, steps
from pipeline.kubeflow.record import RunRecord, builder
from pipeline.kubeflow.steps import Step
from pipeline.networks import network_spec
from pipeline.runners import launching
from pipeline.runners.launching import CompiledPipeline
from pipeline.runners.results import LOST, NodeResult

_LOG = logging.getLogger(__name__)


def compiled(record: RunRecord[Any]) -> CompiledPipeline:
    """Builds the pipeline of a run anew, as each of its tasks does."""
    network = network_spec(record.config, record.manifest.labels)
    built = builder(record.kind)(record.config, record.manifest, network)
    return launching.compiled(built, record.run_id)


def wanted(pipeline: CompiledPipeline, record: RunRecord[Any]) -> list[str]:
    """Returns the ids of the nodes that a run is to have: without domains that it leaves out."""
    left_out = set(record.manifest.domains) - set(record.domains)
    names = [node.node_info.id for node in pipeline.nodes]
    return [name for name in names if steps.domain_of(name) not in left_out]


def run(record: RunRecord[Any], step: Step) -> list[NodeResult]:
    """Runs the nodes of a step; a node's failure is recorded, and is no error of the task.

    What is done already in this run, by a task that was killed later, is not repeated.

    Args:
      record: The run.
      step: The step.

    Returns:
      One result for each of the step's nodes that the run is to have.
    """
    pipeline = compiled(record)
    names = wanted(pipeline, record)
    found = executions.results(pipeline, names)
    most = (record.config.kubeflow.for_step(step.kind).retries or 0) + 1
    own = []
    for node in pipeline.nodes:
        name = node.node_info.id
        if name not in found or steps.step_of(name) != step.name:
            continue
        needs = tuple(each for each in node.upstream_nodes if _lost(found, each))
        if needs:
            found[name] = NodeResult.of(name, "not reached", needs=tuple(sorted(needs)))
        elif found[name].status in LOST:
            found[name] = _launch(pipeline, node, most)
        own.append(found[name])
        _LOG.info("%s: %s %s", name, found[name].status, found[name].error)
    return own


def _lost(found: dict[str, NodeResult], name: str) -> bool:
    return name in found and found[name].status in LOST


def _launch(pipeline: CompiledPipeline, node: Any, most: int) -> NodeResult:
    """Launches a node, unless it was begun too often: each time its task was killed."""
    name = node.node_info.id
    attempts = executions.begin(pipeline, node)
    if attempts > most:
        result = NodeResult.of(
            name,
            "failed",
            error=f"its task was killed {attempts - 1} times, for want of memory perhaps; give it"
            " more (kubeflow.steps), and run again",
        )
    else:
        _remove_outputs(pipeline, node)
        result = pipeline.launch(node)
    if result.status == "failed":
        executions.fail(pipeline, node, result.error)
    return result


def _remove_outputs(pipeline: CompiledPipeline, node: Any) -> None:
    """Removes what an earlier attempt of this run left: the next one has the same folders."""
    from tfx.dsl.io import fileio

    execution_id = executions.execution_id(pipeline, node)
    if execution_id is None:
        return
    root = pipeline.representation.runtime_spec.pipeline_root.field_value.string_value
    for key in node.outputs.outputs:
        folder = f"{root}/{node.node_info.id}/{key}/{execution_id}"
        if fileio.exists(folder):
            fileio.rmtree(folder)
