"""The connection to a TF Serving: calls, and calls again where a server could not answer yet."""

import time
from typing import TYPE_CHECKING, Any

from serving import MESSAGE_LIMITS
from serving.client import messages
from serving.client.tls import Tls

if TYPE_CHECKING:
    import grpc

_SERVICE = "/tensorflow.serving.PredictionService"
# gRPC's own pauses before it connects again would outlast ours.
_OPTIONS = (
    *MESSAGE_LIMITS,
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 5_000),
)
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.1, 5.0
# No repetition makes a message smaller.
_PERMANENT = ("larger than max", "in one request")


class Connection:
    """A gRPC channel to one address, with the calls that a client needs.

    Args:
      address: The host:port of TF Serving's gRPC port.
      timeout_s: Seconds after which a call counts as unanswered, repetitions included.
      tls: How the connection is encrypted; not at all by default.
    """

    def __init__(self, address: str, *, timeout_s: float, tls: Tls | None):
        import grpc

        self._timeout_s = timeout_s
        self._channel = (
            grpc.secure_channel(address, tls.credentials(), options=_OPTIONS)
            if tls
            else grpc.insecure_channel(address, options=_OPTIONS)
        )
        self._predict = self._method("Predict")
        self._metadata = self._method("GetModelMetadata")

    def predict(self, request: Any) -> Any:
        """Returns the response to a PredictRequest.

        A server that is away or busy (UNAVAILABLE, RESOURCE_EXHAUSTED) is asked again,
        after pauses of 0.1 s and twice as long each time, up to 5 s, until the time is up.

        Raises:
          grpc.RpcError: It is up, or the server answers that it will not.
        """
        import grpc

        end_s = time.monotonic() + self._timeout_s
        pause_s = _FIRST_PAUSE_S
        while True:
            try:
                return self._predict(request, timeout=max(end_s - time.monotonic(), 0.001))
            except grpc.RpcError as error:
                if not _may_pass(error) or time.monotonic() + pause_s >= end_s:
                    raise
            time.sleep(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    def metadata(self, model: str, field: str) -> Any:
        """Returns the GetModelMetadataResponse of a model; is asked for once.

        Raises:
          grpc.RpcError: The server does not answer, or has no such model.
        """
        request = messages.message("GetModelMetadataRequest")(metadata_field=[field])
        request.model_spec.name = model
        return self._metadata(request, timeout=self._timeout_s)

    def close(self) -> None:
        """Closes the channel."""
        self._channel.close()

    def _method(self, name: str) -> Any:
        return self._channel.unary_unary(
            f"{_SERVICE}/{name}",
            request_serializer=lambda request: request.SerializeToString(),
            response_deserializer=messages.message(f"{name}Response").FromString,
        )


def _may_pass(error: "grpc.RpcError") -> bool:
    import grpc

    if error.code() == grpc.StatusCode.UNAVAILABLE:
        return True
    details = error.details() or ""
    return error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED and not any(
        words in details for words in _PERMANENT
    )
