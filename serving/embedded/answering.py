"""What requests are answered, whichever way they come in."""

import functools
from collections.abc import Hashable
from typing import TYPE_CHECKING, Protocol

import tensorflow as tf
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_management_pb2,
    model_pb2,
    predict_pb2,
)

from schemas.signatures import METADATA_FIELD, SIGNATURE_EXAMPLES
from serving.embedded import batching, classification, policies
from serving.embedded.errors import ServingError
from serving.embedded.limits import Limits
from serving.embedded.memory import Memory
from serving.embedded.servable import Servable
from serving.embedded.store import ModelStore
from serving.embedded.workers import Workers

if TYPE_CHECKING:
    from pathlib import Path

    from serving.embedded.request_log import RequestLog


class NamesModel(Protocol):
    """A message that names a model."""

    model_spec: model_pb2.ModelSpec

    def HasField(self, field_name: str) -> bool:
        """Returns whether a field was given."""


class Answering:
    """Answers requests from the loaded models, or raises ServingError.

    Args:
      store: The loaded models.
      workers: Threads that models answer in.
      limits: Most that one request may ask for.
      root: Serving folder, see `policies.of_message`.
      log: Where some of the requests are kept; none by default.
    """

    def __init__(
        self,
        store: ModelStore,
        workers: Workers,
        limits: Limits,
        *,
        root: "Path",
        log: "RequestLog | None" = None,
    ):
        self.store = store
        self.workers = workers
        self._limits = limits
        self._root = root
        self._log = log
        self.memory = Memory()

    async def predict(self, request: predict_pb2.PredictRequest) -> predict_pb2.PredictResponse:
        """Returns the outputs of a model's signature."""
        return await self._ask(await self.servable(request), request)

    async def classify(
        self, request: classification_pb2.ClassificationRequest
    ) -> classification_pb2.ClassificationResponse:
        """Returns labels and their scores for tf.Examples."""
        servable = await self.servable(request)
        asked = classification.predict_request(servable, request)
        return classification.response(await self._ask(servable, asked))

    async def metadata(
        self, request: get_model_metadata_pb2.GetModelMetadataRequest
    ) -> get_model_metadata_pb2.GetModelMetadataResponse:
        """Returns a model's signatures."""
        _check_model_spec(request)
        if not request.metadata_field:
            raise ServingError(
                "INVALID_ARGUMENT",
                "GetModelMetadataRequest must specify at least one metadata_field",
            )
        for name in request.metadata_field:
            if name != METADATA_FIELD:
                raise ServingError("INVALID_ARGUMENT", f"Metadata field {name} is not supported")
        servable = await self.servable(request)
        signature_map = get_model_metadata_pb2.SignatureDefMap()
        for key, definition in servable.signature_defs.items():
            signature_map.signature_def[key].CopyFrom(definition)
        response = get_model_metadata_pb2.GetModelMetadataResponse()
        servable.describe(response.model_spec)
        response.metadata[METADATA_FIELD].Pack(signature_map)
        return response

    def status(
        self, request: get_model_status_pb2.GetModelStatusRequest
    ) -> get_model_status_pb2.GetModelStatusResponse:
        """Returns the state of a model's versions."""
        _check_model_spec(request)
        name, wanted = request.model_spec.name, self.store.version_of(request.model_spec)
        response = get_model_status_pb2.GetModelStatusResponse()
        for version, (state, failure) in self.store.states(name).items():
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

    async def reload(
        self, request: model_management_pb2.ReloadConfigRequest
    ) -> model_management_pb2.ReloadConfigResponse:
        """Serves what a request's configuration names, in place of what was configured before."""
        if request.config.WhichOneof("config") != "model_config_list":
            raise ServingError(
                "INVALID_ARGUMENT",
                "ServerModelConfig type not supported by HandleReloadConfigRequest. Only"
                " ModelConfigList is currently supported",
            )
        named = policies.of_message(request.config, self._root)
        # Loading takes seconds.
        await self.workers.run(functools.partial(self.store.replace, lambda: named))
        return model_management_pb2.ReloadConfigResponse()

    async def servable(self, request: NamesModel) -> Servable:
        """Returns the model that a request names."""
        _check_model_spec(request)
        name, version = request.model_spec.name, self.store.version_of(request.model_spec)
        if self.store.preload:
            return self.store.get(name, version)
        # The first request for a model loads it, which takes seconds.
        return await self.workers.run(functools.partial(self.store.get, name, version))

    async def _ask(
        self, servable: Servable, request: predict_pb2.PredictRequest
    ) -> predict_pb2.PredictResponse:
        signature = request.model_spec.signature_name or SIGNATURE_EXAMPLES
        # With a key of its own, a request is answered alone.
        key: Hashable = object()
        if request.ByteSize() <= batching.LARGEST_BYTES:
            key = (id(servable), signature)
        else:
            self.memory.large()
        response = await self.workers.together(
            key,
            request,
            functools.partial(batching.answers, servable=servable, limits=self._limits),
        )
        if self._log is not None:
            self._log.keep(request, response)
        return response


def _check_model_spec(request: NamesModel) -> None:
    if not request.HasField("model_spec"):
        raise ServingError("INVALID_ARGUMENT", "Missing ModelSpec")
