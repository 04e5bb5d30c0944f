"""What Prometheus is told, under TF Serving's names where it has them."""

import time
from collections.abc import Awaitable, Iterator
from typing import TypeVar

import prometheus_client
from prometheus_client.core import Metric

from serving.embedded.faults import fault_of
from serving.embedded.store import ModelStore
from serving.embedded.workers import Workers

PATH = "/monitoring/prometheus/metrics"
CONTENT_TYPE = prometheus_client.CONTENT_TYPE_LATEST

# Microseconds, as TF Serving counts them: from 0.5 ms to 30 s.
_BUCKETS_US = tuple(500 * 2**power for power in range(17))
# Of names that no model has: clients could name as many as they like.
_NO_MODEL = ""

Response = TypeVar("Response")


class Metrics:
    """Counts requests, and tells the state of models and queues when it is asked.

    Args:
      store: The loaded models.
      workers: The threads that models answer in.
    """

    def __init__(self, store: ModelStore, workers: Workers):
        self._store, self._workers = store, workers
        self._registry = prometheus_client.CollectorRegistry()
        self._counts: dict[tuple[str, str, str, str], int] = {}
        self._latency = prometheus_client.Histogram(
            ":tensorflow:serving:request_latency",
            "Microseconds from a request's arrival to its answer.",
            ("model_name", "API", "entrypoint"),
            buckets=_BUCKETS_US,
            registry=self._registry,
        )
        for collector in (prometheus_client.ProcessCollector, prometheus_client.PlatformCollector):
            collector(registry=self._registry)
        self._registry.register(self)

    async def counted(
        self, answer: Awaitable[Response], *, model: str, api: str, entrypoint: str
    ) -> Response:
        """Awaits an answer, and counts it as a request.

        Args:
          answer: The answer.
          model: The model that the request names.
          api: `Predict`, `Classify` or `GetModelMetadata`.
          entrypoint: `GRPC` or `REST`.
        """
        name = model if model in self._store.known() else _NO_MODEL
        started_s, status = time.perf_counter(), "OK"
        try:
            return await answer
        except Exception as error:
            status, _ = fault_of(error)
            raise
        except BaseException:
            # The client has gone, or its deadline has passed.
            status = "CANCELLED"
            raise
        finally:
            key = (name, api, entrypoint, status)
            self._counts[key] = self._counts.get(key, 0) + 1
            elapsed_us = 1e6 * (time.perf_counter() - started_s)
            self._latency.labels(name, api, entrypoint).observe(elapsed_us)

    def text(self) -> bytes:
        """Returns everything in Prometheus' text format."""
        return prometheus_client.generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        """Called by Prometheus' client."""
        # A counter of that library would have another name, which ends in `_total`.
        requests = Metric(":tensorflow:serving:request_count", "Requests.", "unknown")
        for key, count in sorted(self._counts.items()):
            labels = dict(zip(("model_name", "API", "entrypoint", "status"), key, strict=True))
            requests.add_sample(requests.name, labels, count)
        yield requests
        states = Metric("ser_model_version_state", "1 for the state of each version.", "gauge")
        for name in sorted(self._store.known()):
            for version, (state, _) in self._store.states(name).items():
                labels = {"model_name": name, "version": str(version), "state": state}
                states.add_sample(states.name, labels, 1)
        yield states
        failed = Metric("ser_model_load_failures", "Versions that cannot be loaded.", "gauge")
        for (name, version), _ in sorted(self._store.failures().items()):
            labels = {"model_name": name, "version": str(version)}
            failed.add_sample(failed.name, labels, 1)
        yield failed
        present = Metric("ser_requests_present", "Requests being answered or waiting.", "gauge")
        present.add_sample(present.name, {}, self._workers.present)
        yield present
