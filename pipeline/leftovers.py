"""What killed runs leave behind, cleared away by the next one."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from pipeline import metadata_store
from pipeline.config import DataConfig
from pipeline.run_folder import METADATA_FILE, PIPELINE_ROOT
from schemas import files

_TEMPORARY = "TMPDIR"
# Where TFX keeps what a node may go on with; no node is going on.
_WORKING = Path(".system", "stateful_working_dir")
_OWN_OUTPUTS = Path(".system", "executor_execution")


@contextlib.contextmanager
def temporary_files() -> Iterator[None]:
    """Has this process and those it starts make temporary files in a folder that never outlasts.

    Those of killed processes are removed first.
    """
    with files.scratch() as folder:
        before, tempfile.tempdir = tempfile.tempdir, str(folder)
        variable, os.environ[_TEMPORARY] = os.environ.get(_TEMPORARY), str(folder)
        try:
            yield
        finally:
            tempfile.tempdir = before
            if variable is None:
                del os.environ[_TEMPORARY]
            else:
                os.environ[_TEMPORARY] = variable


def clear(config: DataConfig) -> int:
    """Marks the executions that dead processes left running as failed; removes what they wrote.

    The caller holds the lock of the output folder, so that whatever runs by its metadata is dead.
    A server's metadata may be those of other folders, too, and stay.

    Returns:
      Number of executions that were left.
    """
    output = config.output.absolute()
    if config.metadata.store != "sqlite" or not (output / METADATA_FILE).exists():
        return 0
    from ml_metadata.proto import metadata_store_pb2

    state = metadata_store_pb2.Execution
    store = metadata_store.open_store(config.metadata, output)
    executions = store.get_executions()
    left = [each for each in executions if each.last_known_state in (state.NEW, state.RUNNING)]
    for execution in left:
        execution.last_known_state = state.FAILED
    if left:
        store.put_executions(left)
    _remove_outputs(
        output / PIPELINE_ROOT,
        {str(each.id) for each in executions if each.last_known_state == state.FAILED},
    )
    return len(left)


def _remove_outputs(root: Path, failed: set[str]) -> None:
    """Removes the folders of failed executions: `<node>/<output>/<execution>` and TFX's own."""
    for node in root.iterdir() if root.is_dir() else ():
        shutil.rmtree(node / _WORKING, ignore_errors=True)
        for outputs in (*node.iterdir(), node / _OWN_OUTPUTS):
            for name in failed:
                shutil.rmtree(outputs / name, ignore_errors=True)
