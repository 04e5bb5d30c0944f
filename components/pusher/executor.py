"""Pushes a model under a version above all that are there."""

import time
from typing import Any

from tfx import types
from tfx.components.pusher import executor
from tfx.dsl.io import fileio
from tfx.proto import pusher_pb2
from tfx.types import artifact_utils
from tfx.types import standard_component_specs as specs
from tfx.utils import io_utils, proto_utils

from components.pusher.artifact import versions

_LAST = "saved_model.pb"


class Executor(executor.Executor):
    """TFX's, but for the version.

    TFX's version is the second of the clock: after the clock went back servers would keep an older
    model, and of two pushes in one second the second is silently none.
    """

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Copies a blessed model to its serving folder; marks one that is not as not pushed."""
        pushed = artifact_utils.get_single_instance(output_dict[specs.PUSHED_MODEL_KEY])
        if not self.CheckBlessing(input_dict):
            self._MarkNotPushed(pushed)
            return
        asked = pusher_pb2.PushDestination()
        proto_utils.json_to_proto(exec_properties[specs.PUSH_DESTINATION_KEY], asked)
        model = self.GetModelPath(input_dict)
        folder = asked.filesystem.base_directory
        version = max(int(time.time()), *(each + 1 for each in versions(folder, whole=False)), 0)
        destination = f"{folder}/{version}"
        # Servers take a version once it has this file.
        io_utils.copy_dir(model, destination, deny_regex_patterns=[r"saved_model\.pb"])
        if fileio.exists(f"{model}/{_LAST}"):
            io_utils.copy_file(f"{model}/{_LAST}", f"{destination}/{_LAST}")
        io_utils.copy_dir(model, pushed.uri)
        self._MarkPushed(pushed, pushed_destination=destination, pushed_version=str(version))
