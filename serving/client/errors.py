"""What can go wrong with a prediction, in words for whoever asked."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

from schemas.errors import UserError
from schemas.signatures import GRPC_PORT

if TYPE_CHECKING:
    import grpc


class PredictionError(Exception):
    """One recording that could not be predicted; the others are unaffected.

    Attributes:
      path: The file as it was named, empty for waveforms.
      reason: What is wrong with it.
    """

    def __init__(self, path: str | Path, reason: str):
        self.path, self.reason = str(path), reason
        super().__init__(f"{self.path}: {reason}" if self.path else reason)


class ServerError(UserError):
    """No recording can be predicted: server unreachable, or model unknown to it."""


class UnknownModelError(ServerError):
    """The server has no model of that name."""


def explain(
    error: "grpc.RpcError", *, address: str, model: str, timeout_s: float, path: str | Path = ""
) -> PredictionError | ServerError:
    """Returns the exception that says what a failed call means for the caller.

    Args:
      error: What gRPC raised.
      address: Address that was asked.
      model: Name of the model that was asked.
      timeout_s: Seconds that were waited for an answer.
      path: File that was asked about; empty if there was none.
    """
    import grpc

    code, details = error.code(), error.details() or ""
    if code == grpc.StatusCode.UNAVAILABLE:
        return ServerError(
            f"{address}: no server answers there ({details}); start one with "
            "`ser serve --root DIR`, or give the address of a TF Serving with --address"
        )
    if code == grpc.StatusCode.NOT_FOUND and "Servable not found" in details:
        return UnknownModelError(
            f"{model}: the server at {address} has no such model; the folders of its "
            "serving root are its models (`ser serve` prints them at start)"
        )
    if code == grpc.StatusCode.FAILED_PRECONDITION and "signature" in details:
        return ServerError(
            f"{model}: the model at {address} was not exported by this project: {details}"
        )
    if code == grpc.StatusCode.UNIMPLEMENTED:
        return ServerError(
            f"{address}: not the gRPC port of a TF Serving ({details}); usually it is {GRPC_PORT}"
        )
    if code == grpc.StatusCode.DEADLINE_EXCEEDED:
        reason = f"no answer from {address} within {timeout_s:g} s"
        return PredictionError(path, reason) if path else ServerError(reason)
    return PredictionError(path, readable(details))


_NOISE = re.compile(
    r"\[\[\{\{.*?\}\}\]\]|\{\{function_node.*?\}\}|\[Op:.*?\]"
    r"|^(Graph execution error:|Detected at node .*|<stack traces unavailable>|\s*File .*)$",
    re.MULTILINE,
)


def readable(message: str) -> str:
    """Returns a graph's error message without the names of nodes and functions.

    >>> readable("assertion failed: [wav without samples; bytes:] [12] [[{{node a/Assert}}]]")
    'wav without samples; bytes: 12'
    >>> readable("{{function_node __wrapped__x}} Could not parse example [Op:ParseExampleV2]")
    'Could not parse example'
    """
    lines = [line.strip() for line in _NOISE.sub("", message).splitlines() if line.strip()]
    if not lines:
        return message.strip() or "the server gave no reason"
    _, assertion, facts = lines[0].partition("assertion failed: ")
    return " ".join(re.findall(r"\[(.*?)\]", facts)) if assertion else lines[0]
