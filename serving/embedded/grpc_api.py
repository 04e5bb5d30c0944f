"""The gRPC services, with the messages and status codes of TF Serving.

They run in one thread, which only talks to clients: status and health are answered however busy
the threads are that models answer in, and a client that never sends its message holds up nobody.
"""

import functools
import logging
from collections.abc import Awaitable
from typing import TypeVar

import grpc
import tensorflow as tf
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from schemas.signatures import METADATA_FIELD
from serving.embedded.errors import ServingError
from serving.embedded.limits import Limits
from serving.embedded.servable import Servable
from serving.embedded.store import ModelStore
from serving.embedded.workers import Workers

LOG = logging.getLogger(__name__)

# What the health service knows; "" stands for the server as a whole.
HEALTH_SERVICES = (
    "",
    "tensorflow.serving.PredictionService",
    "tensorflow.serving.ModelService",
)

Response = TypeVar("Response")


class PredictionService(prediction_service_pb2_grpc.PredictionServiceServicer):
    """Answers Predict and GetModelMetadata.

    Args:
      store: The loaded models.
      workers: Threads that models answer in.
      limits: Most that one request may ask for.
    """

    def __init__(self, store: ModelStore, workers: Workers, limits: Limits):
        self._store = store
        self._workers = workers
        self._limits = limits

    async def Predict(
        self, request: predict_pb2.PredictRequest, context: grpc.aio.ServicerContext
    ) -> predict_pb2.PredictResponse:
        """Answers a request with the outputs of a model's signature."""
        return await _answer(context, self._predict(request))

    async def GetModelMetadata(
        self,
        request: get_model_metadata_pb2.GetModelMetadataRequest,
        context: grpc.aio.ServicerContext,
    ) -> get_model_metadata_pb2.GetModelMetadataResponse:
        """Answers with a model's signatures."""
        return await _answer(context, self._metadata(request))

    async def _predict(self, request: predict_pb2.PredictRequest) -> predict_pb2.PredictResponse:
        servable = await self._servable(request)
        return await self._workers.run(
            functools.partial(servable.predict, request, limits=self._limits)
        )

    async def _metadata(
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
        servable = await self._servable(request)
        signature_map = get_model_metadata_pb2.SignatureDefMap()
        for key, definition in servable.signature_defs.items():
            signature_map.signature_def[key].CopyFrom(definition)
        response = get_model_metadata_pb2.GetModelMetadataResponse()
        servable.describe(response.model_spec)
        response.metadata[METADATA_FIELD].Pack(signature_map)
        return response

    async def _servable(
        self, request: predict_pb2.PredictRequest | get_model_metadata_pb2.GetModelMetadataRequest
    ) -> Servable:
        _check_model_spec(request)
        name, version = request.model_spec.name, self._store.version_of(request.model_spec)
        if self._store.preload:
            return self._store.get(name, version)
        # The first request for a model loads it, which takes seconds.
        return await self._workers.run(functools.partial(self._store.get, name, version))


class ModelService(model_service_pb2_grpc.ModelServiceServicer):
    """Answers GetModelStatus.

    Args:
      store: The loaded models.
    """

    def __init__(self, store: ModelStore):
        self._store = store

    async def GetModelStatus(
        self,
        request: get_model_status_pb2.GetModelStatusRequest,
        context: grpc.aio.ServicerContext,
    ) -> get_model_status_pb2.GetModelStatusResponse:
        """Answers with the state of a model's versions."""
        return await _answer(context, self._status(request))

    async def _status(
        self, request: get_model_status_pb2.GetModelStatusRequest
    ) -> get_model_status_pb2.GetModelStatusResponse:
        _check_model_spec(request)
        name, wanted = request.model_spec.name, self._store.version_of(request.model_spec)
        response = get_model_status_pb2.GetModelStatusResponse()
        for version, (state, failure) in self._store.states(name).items():
            if wanted in (None, version):
                entry = response.model_version_status.add(
                    version=version,
                    state=get_model_status_pb2.ModelVersionStatus.State.Value(state),
                )
                if failure:
                    entry.status.error_code = tf.errors.UNKNOWN
                    entry.status.error_message = failure
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


async def _answer(context: grpc.aio.ServicerContext, answer: Awaitable[Response]) -> Response:
    """Awaits an answer, and turns its exceptions into gRPC status codes."""
    try:
        return await answer
    except ServingError as error:
        code, message = grpc.StatusCode[error.code], str(error)
    except tf.errors.OpError as error:
        # TensorFlow numbers its codes as gRPC does.
        codes = {code.value[0]: code for code in grpc.StatusCode}
        code, message = codes.get(error.error_code, grpc.StatusCode.INTERNAL), error.message
    except UnicodeDecodeError:
        # TensorFlow's own message, which quotes bytes of the request.
        code, message = grpc.StatusCode.INVALID_ARGUMENT, "the model cannot read the request"
    except Exception as error:
        LOG.exception("request failed")
        code, message = grpc.StatusCode.INTERNAL, f"{type(error).__name__}: {error}"
    await context.abort(code, message)
    raise AssertionError("`abort` always raises")
