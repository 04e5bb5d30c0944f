"""TFX's Pusher with versions that only grow; the runner pushes again what is gone."""

from tfx import components
from tfx.dsl.components.base import executor_spec

from components.pusher.executor import Executor


class Pusher(components.Pusher):
    """TFX's component, with an executor of its own."""

    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)
