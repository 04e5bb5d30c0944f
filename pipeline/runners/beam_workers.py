"""Beam's worker processes, watched: a lost one ends its step.

The DirectRunner starts a worker process, waits for it in a thread of its own, and tells nobody when
it ends: whoever waits for the worker's answers waits for ever. Here they are answered with what
happened, and the other workers are ended, so that the step fails at once.
"""

import contextlib
import signal
import threading
import weakref
from collections.abc import Iterator
from typing import Any, ClassVar

import psutil
from apache_beam.portability import python_urns
from apache_beam.portability.api import beam_fn_api_pb2
from apache_beam.runners.portability import local_job_service
from apache_beam.runners.portability.fn_api_runner import worker_handlers

from schemas.errors import UserError

_WORKER_ID = "WORKER_ID"

# What became of workers that were lost, in words.
_losses: list[str] = []


@contextlib.contextmanager
def watched() -> Iterator[None]:
    """Has Beam watch the worker processes that it starts meanwhile.

    Raises:
      UserError: One was lost, by which what ran failed.
    """
    known = worker_handlers.WorkerHandler._registered_environments
    before = known[python_urns.SUBPROCESS_SDK]
    known[python_urns.SUBPROCESS_SDK] = (_WatchedWorker, bytes)
    _losses.clear()
    try:
        yield
    except Exception as fault:
        if _losses:
            raise UserError(
                f"{_losses[0]}: run it again, which goes on from here; if memory ran out, with"
                " fewer of them (beam.workers)"
            ) from fault
        raise
    finally:
        known[python_urns.SUBPROCESS_SDK] = before


class _Connection:
    """The way to a worker; once the worker is lost, all that is asked is answered with an error.

    `ControlConnection.abort` is not enough: it does not wake who waits for data.
    """

    def __init__(self, connection: worker_handlers.ControlConnection):
        self._connection = connection
        self._error = ""

    def push(self, request: Any) -> Any:
        """Sends a request; returns the future of its response."""
        future = self._connection.push(request)
        if self._error and future is not None:
            self._answer(future)
        return future

    def close(self) -> None:
        """Says that no requests follow."""
        self._connection.close()

    def lose(self, error: str) -> None:
        """Answers what was asked and what will be asked."""
        self._error = error
        for future in list(self._connection._futures_by_id.values()):
            self._answer(future)

    def _answer(self, future: Any) -> None:
        future.set(
            beam_fn_api_pb2.InstructionResponse(
                instruction_id=future.instruction_id, error=self._error
            )
        )


class _WatchedWorker(worker_handlers.SubprocessSdkWorkerHandler):
    """A worker process that is missed when it ends too early."""

    _of_server: ClassVar[weakref.WeakKeyDictionary[Any, list[Any]]] = weakref.WeakKeyDictionary()
    control_conn: Any

    def __init__(self, *args: Any):
        super().__init__(*args)
        self.control_conn = _Connection(self.control_conn)
        self._is_closing = self._is_killed = False
        self._of_server.setdefault(self._grpc_server, []).append(self)

    def start_worker(self) -> None:
        """Starts the process, and a thread that waits for its end."""
        self.worker = local_job_service.SubprocessSdkWorker(
            self._worker_command_line, self.control_address, self.provision_info, self.worker_id
        )
        self.worker_thread = threading.Thread(name="run_worker", target=self._run)
        self.worker_thread.start()

    def close(self) -> None:
        """Ends the process, which is no loss any longer."""
        self._is_closing = True
        super().close()

    def _run(self) -> None:
        status = "0"
        try:
            self.worker.run()
        except RuntimeError as fault:  # Beam's own, with the exit status in its words.
            status = str(fault).rsplit(" ", 1)[-1]
        if self._is_closing and (status == "0" or self._is_killed):
            return
        loss = f"a worker process of Beam ended before its work was done ({_in_words(status)})"
        _losses.append(loss)
        for each in self._of_server[self._grpc_server]:
            each.control_conn.lose(loss)
            each._kill()

    def _kill(self) -> None:
        self._is_closing = self._is_killed = True
        for child in psutil.Process().children(recursive=True):
            try:
                if child.environ().get(_WORKER_ID) == self.worker_id:
                    child.kill()
            except psutil.Error:
                pass  # It has ended by itself.


def _in_words(status: str) -> str:
    """Returns what a shell's exit status tells, for example that of a process that was killed."""
    number = int(status)
    # A shell tells the signal that ended its child in a status above 128.
    signal_number = -number if number < 0 else number - 128
    try:
        name = signal.Signals(signal_number).name
    except ValueError:
        return f"exit status {number}"
    return f"{name}, as when memory runs out" if name == "SIGKILL" else name
