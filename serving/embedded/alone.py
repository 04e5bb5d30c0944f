"""The embedded server in a process of its own, which imports nothing that trains."""

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator

from schemas import processes

_STOPS_S = 30.0


@contextlib.contextmanager
def serving_alone(root: str | os.PathLike[str]) -> Iterator[str]:
    """Serves a folder of this machine, and gives the address for clients.

    Args:
      root: Serving folder with `<model>/<version>/saved_model.pb`; all of it has to load.

    Raises:
      RuntimeError: A model cannot be loaded, or the process failed; holds the end of what it wrote.
    """
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", __spec__.name, str(root)],
            env=processes.environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        with process:
            try:
                address = process.stdout.readline().strip()
                if not address:
                    process.wait()
                    log.seek(0)
                    end = processes.end_of(log.read())
                    raise RuntimeError(f"{root}: cannot be served:\n{end}")
                yield address
            finally:
                # It ends when nobody holds the other end, however this process ends.
                process.stdin.close()
                try:
                    process.wait(_STOPS_S)
                except subprocess.TimeoutExpired:
                    process.kill()


def _main(root: str) -> None:
    from serving.embedded.server import Server
    from serving.embedded.settling import settle

    settle()
    with Server(root, poll_s=None, grace_s=1.0) as server:
        for (name, version), reason in server.store.failures().items():
            raise SystemExit(f"{name}, version {version}: {reason}")
        print(server.address, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    _main(*sys.argv[1:])
