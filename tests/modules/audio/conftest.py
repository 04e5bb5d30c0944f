"""What tests of graphs share."""

from collections.abc import Callable

import pytest


@pytest.fixture
def ops_of() -> Callable[..., list[str]]:
    """Returns the names of all ops of a `tf.function` with a signature."""

    def ops(function) -> list[str]:
        definition = function.get_concrete_function().graph.as_graph_def()
        nodes = [*definition.node, *(n for f in definition.library.function for n in f.node_def)]
        return [node.op for node in nodes]

    return ops
