"""What a killed process leaves is removed by the next one; what a living one holds is not."""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from ml_metadata.proto import metadata_store_pb2
from tfx import v1 as tfx
from tfx.dsl.component.experimental import annotations, decorators

from pipeline import leftovers, metadata_store
from pipeline.config import ReleaseConfig
from pipeline.run_folder import METADATA_FILE, PIPELINE_ROOT
from pipeline.runners import local
from schemas import files

ROOT = Path(__file__).parents[2]

HOLDER = """
import sys, tempfile
from pipeline import leftovers
with leftovers.temporary_files():
    tempfile.mkdtemp()
    print(tempfile.gettempdir(), flush=True)
    sys.stdin.read()
"""


def _holder(folder):
    """Starts a process that holds a folder for temporary files; returns both."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER],
        env=os.environ | {"PYTHONPATH": str(ROOT), "TMPDIR": str(folder)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    return process, Path(process.stdout.readline().strip())


def test_a_killed_process_loses_its_temporary_files_and_a_living_one_keeps_them(
    tmp_path, monkeypatch
):
    killed, of_killed = _holder(tmp_path)
    living, of_living = _holder(tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    try:
        killed.send_signal(signal.SIGKILL)
        killed.wait(60)
        assert len([*of_killed.iterdir()]) == 1
        with files.scratch() as own:
            assert own.parent == tmp_path
            assert not of_killed.exists()
            assert of_living.exists()
    finally:
        living.communicate("", timeout=60)
    assert living.returncode == 0
    assert [*tmp_path.iterdir()] == []


def test_temporary_files_go_where_they_are_removed(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with leftovers.temporary_files():
        folder = tempfile.mkdtemp()
        child = subprocess.run(
            [sys.executable, "-c", "import tempfile; print(tempfile.mkdtemp())"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        assert Path(folder).parent == Path(child).parent != tmp_path
    assert [*tmp_path.iterdir()] == []
    assert os.environ["TMPDIR"] == str(tmp_path) == tempfile.gettempdir()


@decorators.component
def Die(text: annotations.OutputArtifact[tfx.types.standard_artifacts.String]):
    Path(text.uri).write_text("half of it")
    os.kill(os.getpid(), signal.SIGKILL)


def _pipeline(output):
    return tfx.dsl.Pipeline(
        pipeline_name="test",
        pipeline_root=str(output / PIPELINE_ROOT),
        components=[Die()],
        metadata_connection_config=tfx.orchestration.metadata.sqlite_metadata_connection_config(
            str(output / METADATA_FILE)
        ),
    )


@pytest.mark.component
def test_what_a_killed_run_left_running_has_failed_and_its_outputs_are_gone(tmp_path):
    child = os.fork()
    if not child:
        local.run(_pipeline(tmp_path))
        os._exit(0)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL
    config = ReleaseConfig(name="test", output=tmp_path, manifest=tmp_path / "manifest.csv")
    half = [*(tmp_path / PIPELINE_ROOT / "Die" / "text").iterdir()]
    assert len(half) == 1
    assert leftovers.clear(config) == 1
    [execution] = metadata_store.open_store(config.metadata, tmp_path).get_executions()
    assert execution.last_known_state == metadata_store_pb2.Execution.FAILED
    assert not half[0].exists()
    assert leftovers.clear(config) == 0
