"""The gRPC services, with the messages and status codes of TF Serving.

They run in one thread, which only talks to clients: status and health are answered however busy
the threads are that models answer in, and a client that never sends its message holds up nobody.
"""

from collections.abc import Awaitable
from typing import TypeVar

import grpc
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_management_pb2,
    model_service_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2,
    prediction_service_pb2_grpc,
)

from serving.embedded.answering import Answering, NamesModel
from serving.embedded.faults import fault_of
from serving.embedded.metrics import Metrics

PREDICTION_SERVICE = prediction_service_pb2.DESCRIPTOR.services_by_name[
    "PredictionService"
].full_name
MODEL_SERVICE = model_service_pb2.DESCRIPTOR.services_by_name["ModelService"].full_name
# What the health service knows; "" stands for the server as a whole.
HEALTH_SERVICES = ("", PREDICTION_SERVICE, MODEL_SERVICE)

_ENTRYPOINT = "GRPC"

Response = TypeVar("Response")


class PredictionService(prediction_service_pb2_grpc.PredictionServiceServicer):
    """Answers Predict, Classify and GetModelMetadata.

    Args:
      answering: What is answered.
      metrics: Where requests are counted.
    """

    def __init__(self, answering: Answering, metrics: Metrics):
        self._answering, self._metrics = answering, metrics

    async def Predict(
        self, request: predict_pb2.PredictRequest, context: grpc.aio.ServicerContext
    ) -> predict_pb2.PredictResponse:
        """Answers a request with the outputs of a model's signature."""
        return await self._counted(context, "Predict", request, self._answering.predict(request))

    async def Classify(
        self,
        request: classification_pb2.ClassificationRequest,
        context: grpc.aio.ServicerContext,
    ) -> classification_pb2.ClassificationResponse:
        """Answers tf.Examples with labels and their scores."""
        return await self._counted(context, "Classify", request, self._answering.classify(request))

    async def GetModelMetadata(
        self,
        request: get_model_metadata_pb2.GetModelMetadataRequest,
        context: grpc.aio.ServicerContext,
    ) -> get_model_metadata_pb2.GetModelMetadataResponse:
        """Answers with a model's signatures."""
        answer = self._answering.metadata(request)
        return await self._counted(context, "GetModelMetadata", request, answer)

    async def _counted(
        self,
        context: grpc.aio.ServicerContext,
        api: str,
        request: NamesModel,
        answer: Awaitable[Response],
    ) -> Response:
        counted = self._metrics.counted(
            answer, model=request.model_spec.name, api=api, entrypoint=_ENTRYPOINT
        )
        return await _answer(context, counted)


class ModelService(model_service_pb2_grpc.ModelServiceServicer):
    """Answers GetModelStatus and HandleReloadConfigRequest.

    Args:
      answering: What is answered.
    """

    def __init__(self, answering: Answering):
        self._answering = answering

    async def GetModelStatus(
        self,
        request: get_model_status_pb2.GetModelStatusRequest,
        context: grpc.aio.ServicerContext,
    ) -> get_model_status_pb2.GetModelStatusResponse:
        """Answers with the state of a model's versions."""

        async def status() -> get_model_status_pb2.GetModelStatusResponse:
            return self._answering.status(request)

        return await _answer(context, status())

    async def HandleReloadConfigRequest(
        self,
        request: model_management_pb2.ReloadConfigRequest,
        context: grpc.aio.ServicerContext,
    ) -> model_management_pb2.ReloadConfigResponse:
        """Serves what a request's configuration names, and answers when it is loaded."""
        return await _answer(context, self._answering.reload(request))


async def _answer(context: grpc.aio.ServicerContext, answer: Awaitable[Response]) -> Response:
    """Awaits an answer, and turns its exceptions into gRPC status codes."""
    try:
        return await answer
    except Exception as error:
        code, message = fault_of(error, log=True)
    await context.abort(grpc.StatusCode[code], message)
    raise AssertionError("`abort` always raises")
