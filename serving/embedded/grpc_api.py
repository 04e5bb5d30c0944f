"""The gRPC services, with the messages and status codes of TF Serving."""

import logging
from collections.abc import Callable
from typing import TypeVar

import grpc
import tensorflow as tf
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from schemas.signatures import METADATA_FIELD
from serving.embedded.errors import ServingError
from serving.embedded.servable import Servable
from serving.embedded.store import ModelStore
from serving.embedded.versions import find_versions

LOG = logging.getLogger(__name__)

# What the health service knows; "" stands for the server as a whole.
HEALTH_SERVICES = (
    "",
    "tensorflow.serving.PredictionService",
    "tensorflow.serving.ModelService",
)

Request = TypeVar("Request")
Response = TypeVar("Response")


class PredictionService(prediction_service_pb2_grpc.PredictionServiceServicer):
    """Answers Predict and GetModelMetadata.

    Args:
      store: The loaded models.
    """

    def __init__(self, store: ModelStore):
        self._store = store

    def Predict(
        self, request: predict_pb2.PredictRequest, context: grpc.ServicerContext
    ) -> predict_pb2.PredictResponse:
        """Answers a request with the outputs of a model's signature."""
        return _answer(context, self._predict, request)

    def GetModelMetadata(
        self, request: get_model_metadata_pb2.GetModelMetadataRequest, context: grpc.ServicerContext
    ) -> get_model_metadata_pb2.GetModelMetadataResponse:
        """Answers with a model's signatures."""
        return _answer(context, self._metadata, request)

    def _predict(self, request: predict_pb2.PredictRequest) -> predict_pb2.PredictResponse:
        return self._servable(request).predict(request)

    def _metadata(
        self, request: get_model_metadata_pb2.GetModelMetadataRequest
    ) -> get_model_metadata_pb2.GetModelMetadataResponse:
        _check_model_spec(request)
        if not request.metadata_field:
            raise ServingError(
                "INVALID_ARGUMENT",
                "GetModelMetadataRequest must specify at least one metadata_field",
            )
        for name in request.metadata_field:
            if name != METADATA_FIELD:
                raise ServingError("INVALID_ARGUMENT", f"Metadata field {name} is not supported")
        servable = self._servable(request)
        signature_map = get_model_metadata_pb2.SignatureDefMap()
        for key, definition in servable.signature_defs.items():
            signature_map.signature_def[key].CopyFrom(definition)
        response = get_model_metadata_pb2.GetModelMetadataResponse()
        servable.describe(response.model_spec)
        response.metadata[METADATA_FIELD].Pack(signature_map)
        return response

    def _servable(
        self, request: predict_pb2.PredictRequest | get_model_metadata_pb2.GetModelMetadataRequest
    ) -> Servable:
        _check_model_spec(request)
        return self._store.get(request.model_spec.name, _version_of(request.model_spec))


class ModelService(model_service_pb2_grpc.ModelServiceServicer):
    """Answers GetModelStatus.

    Args:
      store: The loaded models.
    """

    def __init__(self, store: ModelStore):
        self._store = store

    def GetModelStatus(
        self, request: get_model_status_pb2.GetModelStatusRequest, context: grpc.ServicerContext
    ) -> get_model_status_pb2.GetModelStatusResponse:
        """Answers with the state of a model's versions."""
        return _answer(context, self._status, request)

    def _status(
        self, request: get_model_status_pb2.GetModelStatusRequest
    ) -> get_model_status_pb2.GetModelStatusResponse:
        _check_model_spec(request)
        states = get_model_status_pb2.ModelVersionStatus
        name, wanted = request.model_spec.name, _version_of(request.model_spec)
        on_disk = find_versions(self._store.root).get(name, {})
        loaded, failures = self._store.loaded().get(name, []), self._store.failures()
        response = get_model_status_pb2.GetModelStatusResponse()
        for version in sorted({*on_disk, *loaded} if wanted is None else {wanted}):
            failure = failures.get((name, version))
            if version in loaded:
                response.model_version_status.add(version=version, state=states.AVAILABLE)
            elif failure is not None:
                entry = response.model_version_status.add(version=version, state=states.END)
                entry.status.error_code = tf.errors.UNKNOWN
                entry.status.error_message = failure
            elif version in on_disk:  # loaded at the first request that asks for it
                response.model_version_status.add(version=version, state=states.START)
        if not response.model_version_status:
            raise ServingError(
                "NOT_FOUND",
                f"Could not find any versions of model {name}"
                if wanted is None
                else f"Could not find version {wanted} of model {name}",
            )
        return response


def _check_model_spec(
    request: predict_pb2.PredictRequest
    | get_model_metadata_pb2.GetModelMetadataRequest
    | get_model_status_pb2.GetModelStatusRequest,
) -> None:
    if not request.HasField("model_spec"):
        raise ServingError("INVALID_ARGUMENT", "Missing ModelSpec")


def _version_of(model_spec: model_pb2.ModelSpec) -> int | None:
    return model_spec.version.value if model_spec.HasField("version") else None


def _answer(
    context: grpc.ServicerContext, method: Callable[[Request], Response], request: Request
) -> Response:
    """Calls `method(request)` and turns its exceptions into gRPC status codes."""
    try:
        return method(request)
    except ServingError as error:
        code, message = grpc.StatusCode[error.code], str(error)
    except tf.errors.OpError as error:
        # TensorFlow numbers its codes as gRPC does.
        codes = {code.value[0]: code for code in grpc.StatusCode}
        code, message = codes.get(error.error_code, grpc.StatusCode.INTERNAL), error.message
    except Exception as error:
        LOG.exception("request failed")
        code, message = grpc.StatusCode.INTERNAL, f"{type(error).__name__}: {error}"
    context.abort(code, message)
    raise AssertionError("`abort` always raises")
