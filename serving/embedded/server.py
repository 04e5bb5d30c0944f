"""The server: a port, the services behind it, and a look at the folder now and then."""

import asyncio
import contextlib
import logging
import threading
from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from schemas.errors import UserError
from schemas.places import place
from serving import MESSAGE_LIMITS
from serving.embedded import policies
from serving.embedded.store import ModelStore

if TYPE_CHECKING:
    from serving.embedded.limits import Limits

LOG = logging.getLogger(__name__)

GRACE_S = 10.0

T = TypeVar("T")


class Server:
    """The embedded server over a serving folder; a context manager.

        with Server("out/serving") as server:
            client = Client(server.address)

    Args:
      root: Serving folder with `<model>/<version>/saved_model.pb`; may still be empty.
      config: TF Serving's `models.config`, which names models, versions and labels; without it, the
        newest version of every model in the folder is served.
      port: TCP port; 0 takes a free one, see `port` after `start`.
      host: Address to bind to; only this machine by default.
      max_workers: Number of requests answered at a time; others wait.
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
        host: str = "127.0.0.1",
        max_workers: int = 4,
        limits: "Limits | None" = None,
        poll_s: float | None = 2.0,
        preload: bool = True,
        grace_s: float = GRACE_S,
    ):
        self.root, self.port, self.host = place(root), port, host
        served = policies.of_config(config, self.root) if config else policies.of_root(self.root)
        self.store = ModelStore(served, preload=preload)
        self._max_workers, self._limits = max_workers, limits
        self._poll_s, self._grace_s = poll_s, grace_s
        self._stopped = threading.Event()
        self._poller: threading.Thread | None = None
        # gRPC's calls are all awaited in one thread of its own.
        self._loop: asyncio.AbstractEventLoop | None = None
        self._loop_thread: threading.Thread | None = None
        self._grpc: Any = None
        self._health: Any = None
        self._workers: Any = None
        # Whose health was told.
        self._told: frozenset[str] = frozenset()

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
            self.port = self._await(self._bind())
            self.refresh()
            self._await(self._grpc.start())
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
        """Refuses new requests, finishes those in flight, and frees the port."""
        self._stopped.set()
        if self._poller is not None:
            self._poller.join()
        if self._loop is None or self._loop_thread is None:
            return
        if self._health is not None:
            self._await(self._health.enter_graceful_shutdown())
        if self._grpc is not None:
            self._await(self._grpc.stop(self._grace_s))
        if self._workers is not None:
            self._workers.close()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._loop_thread.join()
        self._loop.close()
        self._loop = None

    def __enter__(self) -> "Server":
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _await(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Returns what a coroutine returns in the thread of gRPC's calls."""
        assert self._loop is not None
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    async def _bind(self) -> int:
        """Makes the services, and returns the port they will be at."""
        import grpc
        from grpc_health.v1 import health, health_pb2_grpc
        from tensorflow_serving.apis import model_service_pb2_grpc, prediction_service_pb2_grpc

        from serving.embedded.grpc_api import ModelService, PredictionService
        from serving.embedded.limits import Limits
        from serving.embedded.workers import Workers

        limits = self._limits or Limits()
        self._workers = Workers(self._max_workers, waiting=limits.waiting)
        self._grpc = grpc.aio.server(
            options=[
                *MESSAGE_LIMITS,
                ("grpc.so_reuseport", 0),  # a taken port is an error, not a shared port
            ]
        )
        self._health = health.aio.HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._grpc)
        prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(
            PredictionService(self.store, self._workers, limits), self._grpc
        )
        model_service_pb2_grpc.add_ModelServiceServicer_to_server(
            ModelService(self.store), self._grpc
        )
        bound = 0
        with contextlib.suppress(RuntimeError):
            bound = self._grpc.add_insecure_port(f"{self.host}:{self.port}")
        if not bound:
            raise UserError(
                f"{self.host}:{self.port}: cannot listen there; is another server using the port? "
                "--port 0 takes a free one"
            )
        return bound

    async def _tell_health(self) -> None:
        """Tells the health service what can be asked: the server, its services, each model."""
        from grpc_health.v1 import health_pb2

        from serving.embedded.grpc_api import HEALTH_SERVICES

        status = health_pb2.HealthCheckResponse.ServingStatus
        ready, loaded = self.store.ready(), self.store.loaded()
        told = dict.fromkeys(HEALTH_SERVICES, ready)
        told |= {name: bool(versions) for name, versions in loaded.items()}
        told |= {name: name in loaded for name, _ in self.store.failures()}
        # Models that were taken away.
        told = {**dict.fromkeys(self._told, False), **told}
        self._told = frozenset(told)
        for service, serving in told.items():
            await self._health.set(service, status.SERVING if serving else status.NOT_SERVING)

    def _poll(self) -> None:
        while not self._stopped.wait(self._poll_s):
            try:
                self.refresh()
            except Exception:  # a folder that vanishes mid-look must not end the polling
                LOG.exception("cannot read %s", self.root)
