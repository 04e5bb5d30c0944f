"""The server: ports, the services behind them, and a look at the folder now and then."""

import asyncio
import logging
import threading
from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from schemas.errors import UserError
from schemas.places import place
from serving.embedded import policies
from serving.embedded.store import ModelStore

if TYPE_CHECKING:
    from serving.embedded.limits import Limits
    from serving.embedded.request_log import RequestLog

LOG = logging.getLogger(__name__)

GRACE_S = 10.0
# Most requests that are answered together.
BATCH = 16

T = TypeVar("T")


class Server:
    """The embedded server over a serving folder; a context manager.

        with Server("out/serving") as server:
            client = Client(server.address)

    Args:
      root: Serving folder with `<model>/<version>/saved_model.pb`; may still be empty.
      config: TF Serving's `models.config`, which names models, versions and labels; without it, the
        newest version of every model in the folder is served.
      port: TCP port of gRPC; 0 takes a free one, see `port` after `start`.
      rest_port: TCP port of REST, as of `port`; no REST by default.
      host: Address to bind to; only this machine by default.
      socket: Unix socket of gRPC beside the port; none by default.
      tls: TF Serving's SSLConfig, for both ports; not encrypted by default.
      web: Whether the REST port has the page for browsers too.
      max_workers: Number of requests, or of batches of them, answered at a time; others wait.
      batch: Most requests that are answered together.
      log: Where some of the requests are kept; none by default.
      limits: Most that one request may ask for; those of `Limits` by default.
      poll_s: Seconds between two looks at the folder; None: only `refresh` looks.
      preload: Whether all models are loaded at start; otherwise each at its first request.
      grace_s: Seconds that requests in flight have when the server is stopped.

    Raises:
      UserError: By `start`, if the folder or the configuration does not exist, or the port is
        taken.
    """

    def __init__(
        self,
        root: str | Path,
        *,
        config: Path | None = None,
        port: int = 0,
        rest_port: int | None = None,
        host: str = "127.0.0.1",
        socket: Path | None = None,
        tls: Path | None = None,
        web: bool = False,
        max_workers: int = 4,
        batch: int = BATCH,
        log: "RequestLog | None" = None,
        limits: "Limits | None" = None,
        poll_s: float | None = 2.0,
        preload: bool = True,
        grace_s: float = GRACE_S,
    ):
        self.root, self.host = place(root), host
        self.port, self.rest_port = port, rest_port
        self._socket, self._tls, self._web, self._log = socket, tls, web, log
        served = policies.of_config(config, self.root) if config else policies.of_root(self.root)
        self.store = ModelStore(served, preload=preload)
        self._max_workers, self._batch, self._limits = max_workers, batch, limits
        self._poll_s, self._grace_s = poll_s, grace_s
        self._stopped = threading.Event()
        self._poller: threading.Thread | None = None
        # All calls are awaited in one thread of their own.
        self._loop: asyncio.AbstractEventLoop | None = None
        self._loop_thread: threading.Thread | None = None
        self._listener: Any = None
        self._workers: Any = None
        self._answering: Any = None

    @property
    def address(self) -> str:
        """The address for clients, host:port."""
        return f"{self.host}:{self.port}"

    def start(self) -> "Server":
        """Binds the port, loads the models and answers requests from then on."""
        if not self.root.is_dir():
            raise UserError(
                f"{self.root}: no such serving folder; a pipeline run pushes models into one "
                "(`ser run`), and --root names another"
            )
        self._loop = asyncio.new_event_loop()
        self._loop_thread = threading.Thread(
            target=self._loop.run_forever, name="grpc", daemon=True
        )
        self._loop_thread.start()
        try:
            self.port, self.rest_port = self._await(self._bind())
            self.refresh()
            self._await(self._listener.start())
        except BaseException:
            self.stop()
            raise
        if self._poll_s is not None:
            self._poller = threading.Thread(target=self._poll, name="poll", daemon=True)
            self._poller.start()
        return self

    def refresh(self) -> None:
        """Looks at the folder now, without waiting for the next poll."""
        self.store.refresh()
        self._await(self._tell_health())

    def wait(self) -> None:
        """Blocks until `stop` is called (or KeyboardInterrupt)."""
        self._stopped.wait()

    def stop(self) -> None:
        """Refuses new requests, finishes those in flight, and frees the ports."""
        self._stopped.set()
        if self._poller is not None:
            self._poller.join()
        if self._loop is None or self._loop_thread is None:
            return
        if self._listener is not None:
            self._await(self._listener.stop(self._grace_s))
        if self._workers is not None:
            self._workers.close()
        if self._log is not None:
            self._log.close()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._loop_thread.join()
        self._loop.close()
        self._loop = None

    def __enter__(self) -> "Server":
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _await(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Returns what a coroutine returns in the thread of the calls."""
        assert self._loop is not None
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    async def _bind(self) -> tuple[int, int | None]:
        """Makes the services, and returns the ports they will be at."""
        from serving.embedded.answering import Answering
        from serving.embedded.limits import Limits
        from serving.embedded.listening import Listener, Places
        from serving.embedded.workers import Workers

        limits = self._limits or Limits()
        self._workers = Workers(self._max_workers, waiting=limits.waiting, batch=self._batch)
        self._answering = Answering(
            self.store, self._workers, limits, root=self.root, log=self._log
        )
        places = Places(
            host=self.host,
            port=self.port,
            rest_port=self.rest_port,
            socket=self._socket,
            tls=self._tls,
            web=self._web,
        )
        self._listener = Listener(places, self._answering)
        return await self._listener.bind()

    async def _tell_health(self) -> None:
        """Tells the health service what can be asked: the server, its services, each model."""
        loaded = self.store.loaded()
        models = {name: False for name, _ in self.store.failures()}
        models |= {name: bool(versions) for name, versions in loaded.items()}
        await self._listener.tell_health(self.store.ready(), models)

    def _poll(self) -> None:
        while not self._stopped.wait(self._poll_s):
            try:
                self.refresh()
            except Exception:  # a folder that vanishes mid-look must not end the polling
                LOG.exception("cannot read %s", self.root)
            self._answering.memory.give_back()
