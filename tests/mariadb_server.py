"""A MariaDB server of Debian's package for tests, on loopback, in a folder of its own."""

import contextlib
import getpass
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

USER, PASSWORD = "ser", "a-test's"
_START_S = 120


@contextlib.contextmanager
def running() -> Iterator[int]:
    """Yields the port of a server that knows `USER`; skips the test where MariaDB is absent."""
    # Debian has the server where only root looks.
    path = f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin"
    server = shutil.which("mariadbd", path=path)
    install = shutil.which("mariadb-install-db", path=path)
    client = shutil.which("mariadb", path=path)
    if not (server and install and client):
        pytest.skip("no MariaDB server: apt-get install mariadb-server")
    # Names of sockets must be short.
    with tempfile.TemporaryDirectory(prefix="db") as name:
        folder, who = Path(name), f"--user={getpass.getuser()}"
        data, sock = f"--datadir={folder / 'data'}", f"--socket={folder / 's'}"
        subprocess.run(
            [install, "--no-defaults", who, data, "--auth-root-authentication-method=normal"],
            check=True,
            capture_output=True,
        )
        port = _free_port()
        process = subprocess.Popen(
            [
                *(server, "--no-defaults", who, data, sock, f"--port={port}"),
                *("--bind-address=127.0.0.1", "--skip-name-resolve", "--innodb-use-native-aio=0"),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            statements = (
                f"CREATE USER {USER}@'127.0.0.1' IDENTIFIED VIA mysql_native_password USING"
                f" PASSWORD(\"{PASSWORD}\"); GRANT ALL ON *.* TO {USER}@'127.0.0.1';"
            )
            _execute([client, "--no-defaults", sock, "-uroot"], statements, process)
            yield port
        finally:
            process.terminate()
            process.wait()


def _execute(client: list[str], statements: str, process: subprocess.Popen) -> None:
    """Executes SQL as soon as the server takes it."""
    end_s = time.monotonic() + _START_S
    while True:
        done = subprocess.run([*client, "-e", statements], capture_output=True, text=True)
        if not done.returncode:
            return
        assert process.poll() is None, "mariadbd ended"
        assert time.monotonic() < end_s, done.stderr
        time.sleep(0.2)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]
