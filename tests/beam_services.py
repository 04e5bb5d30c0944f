"""Beam's job server and a pool of workers, for tests: in processes and folders of their own.

What a portable engine is made of, on one machine: the driver, the job server and the workers share
no memory, no working folder and no folder for temporary files.
"""

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import s3_server

ROOT = Path(__file__).parents[1]
_START_S = 300


@contextlib.contextmanager
def running(folder: Path) -> Iterator[dict[str, str]]:
    """Yields the configuration's keys `beam.…` by which a pipeline finds both.

    Args:
      folder: An empty folder, in which both have theirs.
    """
    jobs, pool = s3_server.free_port(), s3_server.free_port()
    commands = {
        "jobs": ["apache_beam.runners.portability.local_job_service_main", f"--port={jobs}"],
        "pool": ["apache_beam.runners.worker.worker_pool_main", f"--service_port={pool}"],
    }
    with contextlib.ExitStack() as stack:
        for name, words in commands.items():
            own = folder / name
            (own / "tmp").mkdir(parents=True)
            if name == "jobs":
                words.append(f"--staging_dir={own / 'staging'}")
            log = stack.enter_context(open(own / "log", "wb"))
            env = os.environ | {
                # The pool starts `python`.
                "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
                "TMPDIR": str(own / "tmp"),
            }
            process = subprocess.Popen(
                [sys.executable, "-m", *words], cwd=own, env=env, stdout=log, stderr=log
            )
            stack.callback(_end, process)
        for port in (jobs, pool):
            _wait(port)
        yield {
            "beam.engine": "portable",
            "beam.job_endpoint": f"localhost:{jobs}",
            "beam.worker_pool": f"localhost:{pool}",
        }


def _end(process: subprocess.Popen) -> None:
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _wait(port: int) -> None:
    end_s = time.monotonic() + _START_S
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("localhost", port)):
            return
        assert time.monotonic() < end_s
        time.sleep(0.2)
