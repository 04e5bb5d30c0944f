"""A worker process of Beam that is killed: its step fails and says so, where Beam would wait."""

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

# The driver is a process of its own, so that a step that waits for ever is a failure.
DRIVER = """
import os, signal, sys, time
import apache_beam as beam
from pipeline.config.beam import Beam
from pipeline.runners import beam_workers
from schemas.errors import UserError

class Work(beam.DoFn):
    def process(self, number, first):
        import os, signal, time
        try:
            os.close(os.open(first, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            time.sleep(3600)  # The others are in the middle of their work.
        os.kill(os.getpid(), signal.SIGKILL)

with beam_workers.watched():
    with beam.Pipeline(argv=Beam(workers=2).flags()) as pipeline:
        pipeline | beam.Create(range(8)) | beam.Reshuffle() | beam.ParDo(Work(), sys.argv[1])
"""


@pytest.mark.component
def test_a_killed_worker_ends_the_pipeline_with_what_happened(tmp_path):
    driver = tmp_path / "driver.py"
    driver.write_text(DRIVER)
    root = str(Path(__file__).parents[3])
    process = subprocess.Popen(
        [sys.executable, str(driver), str(tmp_path / "first")],
        env=os.environ | {"PYTHONPATH": root},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        told, _ = process.communicate(timeout=300)
        left = [each.pid for each in psutil.process_iter() if _runs_in(each, process.pid)]
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == 1
    last = told.strip().splitlines()[-1]
    assert "UserError: a worker process of Beam ended before its work was done (SIGKILL" in last
    assert not left


def _runs_in(process: psutil.Process, session: int) -> bool:
    """Returns whether a process of a session does more than wait to be forgotten."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE and os.getsid(process.pid) == session
    except (psutil.Error, OSError):
        return False
