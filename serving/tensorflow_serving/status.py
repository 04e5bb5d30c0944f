"""What a running server says of its versions, before a label is moved to one of them."""

from schemas.errors import UserError
from serving.client.tls import Tls


def require_available(
    address: str, model: str, version: int, *, tls: Tls | None = None, timeout_s: float = 10.0
) -> None:
    """Asks a server whether it has a version loaded.

    Args:
      address: TF Serving's gRPC address, host:port.
      model: Name of the model.
      version: The version that a label is to be moved to.
      tls: How the connection is encrypted; not at all by default.
      timeout_s: Seconds to wait for an answer.

    Raises:
      UserError: No server answers, or the version is not loaded there.
    """
    import grpc
    from tensorflow_serving.apis import get_model_status_pb2, model_service_pb2_grpc

    from serving.client.errors import explain

    request = get_model_status_pb2.GetModelStatusRequest()
    request.model_spec.name = model
    with (
        grpc.secure_channel(address, tls.credentials()) if tls else grpc.insecure_channel(address)
    ) as channel:
        stub = model_service_pb2_grpc.ModelServiceStub(channel)
        try:
            states = stub.GetModelStatus(request, timeout=timeout_s).model_version_status
        except grpc.RpcError as error:
            if error.code() == grpc.StatusCode.NOT_FOUND:
                states = []
            else:
                wrong = explain(error, address=address, model=model, timeout_s=timeout_s)
                raise UserError(str(wrong)) from None
    names = get_model_status_pb2.ModelVersionStatus.State.Name
    state = {entry.version: entry for entry in states}.get(version)
    if state is None or names(state.state) != "AVAILABLE":
        said = "does not know it" if state is None else f"says {names(state.state)}"
        reason = f" ({state.status.error_message})" if state and state.status.error_message else ""
        raise UserError(
            f"{model}: version {version} is not loaded by the server at {address}, which"
            f" {said}{reason}; label it `canary` and wait until the server has it"
        )
