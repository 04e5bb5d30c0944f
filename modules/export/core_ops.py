"""The proof that a serving graph consists of ops that a stock TF Serving has."""

from pathlib import Path

import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow.python.framework import kernels

CPU_DEVICES = {"CPU", "DEFAULT"}  # DEFAULT: a kernel for any device


class NotCoreOpsError(ValueError):
    """The serving graph needs ops that a stock TF Serving on a CPU does not have."""


def ops_of(saved_model_dir: str) -> set[str]:
    """Returns the names of all ops in a SavedModel's graph and function library."""
    saved_model = saved_model_pb2.SavedModel()
    saved_model.ParseFromString(Path(saved_model_dir, "saved_model.pb").read_bytes())
    ops: set[str] = set()
    for meta_graph in saved_model.meta_graphs:
        graph = meta_graph.graph_def
        ops.update(node.op for node in graph.node)
        for function in graph.library.function:
            ops.update(node.op for node in function.node_def)
        # A node can call a function of the library by using its name as the op.
        ops -= {function.signature.name for function in graph.library.function}
    return ops


def check_core_ops(directory: str) -> None:
    """Checks that a stock TF Serving on a CPU has every op of a SavedModel.

    `tf.raw_ops` lists the ops TensorFlow was built with, whatever else this process has loaded.

    Raises:
      NotCoreOpsError: names the ops that are not TensorFlow's own or have no kernel for a CPU.
    """
    ops = ops_of(directory)
    foreign = {op for op in ops if not hasattr(tf.raw_ops, op)}
    accelerator = {op for op in ops - foreign if not _cpu_kernel(op)}
    problems = []
    if foreign:
        problems.append(f"not TensorFlow's own: {', '.join(sorted(foreign))}")
    if accelerator:
        problems.append(f"without a kernel for CPUs: {', '.join(sorted(accelerator))}")
    if problems:
        raise NotCoreOpsError(
            f"{directory}: TF Serving cannot load this model; ops {'; ops '.join(problems)}"
        )


def _cpu_kernel(op: str) -> bool:
    registered = kernels.get_registered_kernels_for_op(op).kernel
    return any(kernel.device_type in CPU_DEVICES for kernel in registered)
