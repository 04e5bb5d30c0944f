"""The server: a port, the services behind it, and a look at the folder now and then."""

import logging
import threading
from concurrent import futures
from pathlib import Path
from typing import Any

from schemas.errors import UserError
from serving import MESSAGE_LIMITS
from serving.embedded.store import ModelStore

LOG = logging.getLogger(__name__)

STOP_GRACE_S = 10.0


class Server:
    """The embedded server over a serving folder; a context manager.

        with Server("out/serving") as server:
            client = Client(server.address)

    Args:
      root: Serving folder with `<model>/<version>/saved_model.pb`; may still be empty.
      port: TCP port; 0 takes a free one, see `port` after `start`.
      host: Address to bind to; only this machine by default.
      max_workers: Number of requests answered at a time; others wait.
      poll_s: Seconds between two looks at the folder; None: only `refresh` looks.
      preload: Whether all models are loaded at start; otherwise each at its first request.

    Raises:
      UserError: By `start`, if the folder does not exist or the port is taken.
    """

    def __init__(
        self,
        root: str | Path,
        *,
        port: int = 0,
        host: str = "127.0.0.1",
        max_workers: int = 4,
        poll_s: float | None = 2.0,
        preload: bool = True,
    ):
        self.root, self.port, self.host = Path(root), port, host
        self.store = ModelStore(root, preload=preload)
        self._max_workers, self._poll_s = max_workers, poll_s
        self._stopped = threading.Event()
        self._poller: threading.Thread | None = None
        self._grpc: Any = None
        self._health: Any = None

    @property
    def address(self) -> str:
        """The address for clients, host:port."""
        return f"{self.host}:{self.port}"

    def start(self) -> "Server":
        """Binds the port, loads the models and answers requests from then on."""
        import grpc
        from grpc_health.v1 import health, health_pb2_grpc
        from tensorflow_serving.apis import model_service_pb2_grpc, prediction_service_pb2_grpc

        from serving.embedded.grpc_api import ModelService, PredictionService

        if not self.root.is_dir():
            raise UserError(
                f"{self.root}: no such serving folder; a pipeline run pushes models into one "
                "(`ser run`), and --root names another"
            )
        self._grpc = grpc.server(
            futures.ThreadPoolExecutor(self._max_workers, thread_name_prefix="predict"),
            options=[
                *MESSAGE_LIMITS,
                ("grpc.so_reuseport", 0),  # a taken port is an error, not a shared port
            ],
        )
        self._health = health.HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._grpc)
        prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(
            PredictionService(self.store), self._grpc
        )
        model_service_pb2_grpc.add_ModelServiceServicer_to_server(
            ModelService(self.store), self._grpc
        )
        try:
            bound = self._grpc.add_insecure_port(f"{self.host}:{self.port}")
        except RuntimeError:
            bound = 0
        if not bound:
            raise UserError(
                f"{self.host}:{self.port}: cannot listen there; is another server using the port? "
                "--port 0 takes a free one"
            )
        self.port = bound
        self.refresh()
        self._grpc.start()
        if self._poll_s is not None:
            self._poller = threading.Thread(target=self._poll, name="poll", daemon=True)
            self._poller.start()
        return self

    def refresh(self) -> None:
        """Looks at the folder now, without waiting for the next poll."""
        from grpc_health.v1 import health_pb2

        from serving.embedded.grpc_api import HEALTH_SERVICES

        self.store.refresh()
        ready = self.store.ready()
        status = health_pb2.HealthCheckResponse.ServingStatus
        for service in HEALTH_SERVICES:
            self._health.set(service, status.SERVING if ready else status.NOT_SERVING)

    def wait(self) -> None:
        """Blocks until `stop` is called (or KeyboardInterrupt)."""
        self._stopped.wait()

    def stop(self) -> None:
        """Refuses new requests, finishes those in flight, and frees the port."""
        self._stopped.set()
        if self._poller is not None:
            self._poller.join()
        if self._health is not None:
            self._health.enter_graceful_shutdown()
        if self._grpc is not None:
            self._grpc.stop(STOP_GRACE_S).wait()

    def __enter__(self) -> "Server":
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _poll(self) -> None:
        while not self._stopped.wait(self._poll_s):
            try:
                self.refresh()
            except Exception:  # a folder that vanishes mid-look must not end the polling
                LOG.exception("cannot read %s", self.root)
