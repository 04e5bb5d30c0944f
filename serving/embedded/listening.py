"""The ports and the services behind them, all of them in one thread."""

import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from schemas.errors import UserError
from serving import MESSAGE_LIMITS
from serving.embedded.answering import Answering
from serving.embedded.grpc_api import (
    HEALTH_SERVICES,
    MODEL_SERVICE,
    PREDICTION_SERVICE,
    ModelService,
    PredictionService,
)
from serving.embedded.metrics import Metrics
from serving.embedded.tls import Tls


@dataclass(frozen=True, kw_only=True)
class Places:
    """Where a server listens.

    Attributes:
      host: Address to bind to.
      port: TCP port of gRPC; 0 takes a free one.
      rest_port: TCP port of REST; 0 takes a free one, `None` has no REST.
      socket: Unix socket of gRPC beside the port; none by default.
      tls: TF Serving's SSLConfig, for both ports; not encrypted by default.
      web: Whether the REST port has the page for browsers too.
    """

    host: str
    port: int
    rest_port: int | None = None
    socket: Path | None = None
    tls: Path | None = None
    web: bool = False


class Listener:
    """Binds ports, and answers what comes in.

    Args:
      places: Where.
      answering: What is answered.
    """

    def __init__(self, places: Places, answering: Answering):
        self._places = places
        self._answering = answering
        self._metrics = Metrics(answering.store, answering.workers)
        self._grpc: Any = None
        self._http: Any = None
        self._health: Any = None
        # Whose health was told.
        self._told: frozenset[str] = frozenset()

    async def bind(self) -> tuple[int, int | None]:
        """Makes the services, and returns the ports of gRPC and REST.

        Raises:
          UserError: A port is taken, or the TLS configuration cannot be used.
        """
        import grpc
        from grpc_health.v1 import health, health_pb2_grpc
        from grpc_reflection.v1alpha import reflection
        from tensorflow_serving.apis import model_service_pb2_grpc, prediction_service_pb2_grpc

        from serving.embedded.reading import Reading

        places = self._places
        tls = Tls(places.tls) if places.tls else None
        self._grpc = grpc.aio.server(
            interceptors=[Reading()],
            options=[
                *MESSAGE_LIMITS,
                ("grpc.so_reuseport", 0),  # a taken port is an error, not a shared port
            ],
        )
        self._health = health.aio.HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._grpc)
        prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(
            PredictionService(self._answering, self._metrics), self._grpc
        )
        model_service_pb2_grpc.add_ModelServiceServicer_to_server(
            ModelService(self._answering), self._grpc
        )
        reflection.enable_server_reflection(
            (PREDICTION_SERVICE, MODEL_SERVICE, health.SERVICE_NAME, reflection.SERVICE_NAME),
            self._grpc,
        )
        port = self._bind_grpc(f"{places.host}:{places.port}", tls)
        if places.socket is not None:
            # Who may open the socket's folder may ask: it needs no TLS.
            self._bind_grpc(f"unix:{places.socket.absolute()}", None)
        if places.rest_port is None:
            return port, None
        return port, self._bind_rest(places.rest_port, tls)

    async def start(self) -> None:
        """Answers from now on."""
        await self._grpc.start()
        if self._http is not None:
            self._http.start()

    async def tell_health(self, ready: bool, models: Mapping[str, bool]) -> None:
        """Tells the health service what can be asked.

        Args:
          ready: Whether the server answers.
          models: Whether each model does.
        """
        from grpc_health.v1 import health_pb2

        status = health_pb2.HealthCheckResponse.ServingStatus
        # Models that were taken away are told once more.
        told = {
            **dict.fromkeys(self._told, False),
            **dict.fromkeys(HEALTH_SERVICES, ready),
            **models,
        }
        self._told = frozenset(told)
        for service, serving in told.items():
            await self._health.set(service, status.SERVING if serving else status.NOT_SERVING)

    async def stop(self, grace_s: float) -> None:
        """Refuses new requests, and waits for those in flight."""
        if self._health is not None:
            await self._health.enter_graceful_shutdown()
        if self._http is not None:
            self._http.stop()
        if self._grpc is not None:
            await self._grpc.stop(grace_s)
        if self._http is not None:
            with contextlib.suppress(TimeoutError):
                await self._http.close_all_connections()

    def _bind_grpc(self, address: str, tls: Tls | None) -> int:
        bound = 0
        with contextlib.suppress(RuntimeError):
            bound = (
                self._grpc.add_secure_port(address, tls.credentials())
                if tls
                else self._grpc.add_insecure_port(address)
            )
        if not bound:
            raise UserError(_taken(address, "--port"))
        return bound

    def _bind_rest(self, port: int, tls: Tls | None) -> int:
        from tornado import netutil

        from serving.embedded import http_api

        self._http = http_api.server(
            self._answering,
            self._metrics,
            tls=tls.context() if tls else None,
            web=self._places.web,
        )
        try:
            sockets: Iterable[Any] = netutil.bind_sockets(port, self._places.host)
        except OSError:
            raise UserError(_taken(f"{self._places.host}:{port}", "--rest-api-port")) from None
        first = next(iter(sockets)).getsockname()[1]
        self._http.add_sockets(sockets)
        return first


def _taken(address: str, option: str) -> str:
    if address.startswith("unix:"):
        return (
            f"{address}: cannot listen there; is its folder there, and may this program write to"
            " it?"
        )
    return (
        f"{address}: cannot listen there; is another server using the port? {option} 0 takes a"
        " free one"
    )
