"""TF Serving's REST interface: JSON in and out, on a port of its own.

It runs in the thread that talks to gRPC's clients too; models answer in the workers' threads.
"""

import asyncio
import functools
import json
import ssl
from collections.abc import Awaitable, Callable
from typing import Any

import tornado.httpserver
import tornado.web
from google.protobuf import json_format
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    predict_pb2,
)

from schemas.signatures import MAX_MESSAGE_BYTES, METADATA_FIELD
from serving.embedded import json_values, metrics
from serving.embedded.answering import Answering
from serving.embedded.errors import ServingError
from serving.embedded.faults import fault_of
from serving.embedded.metrics import Metrics

_ENTRYPOINT = "REST"
# A client that does not send what it announced, or says nothing, is hung up on.
_IDLE_S = 60.0
# As TF Serving's `--rest_api_timeout_in_ms`.
TIMEOUT_S = 30.0
_HTTP_CODES = {
    "CANCELLED": 499,
    "INVALID_ARGUMENT": 400,
    "DEADLINE_EXCEEDED": 504,
    "NOT_FOUND": 404,
    "ALREADY_EXISTS": 409,
    "PERMISSION_DENIED": 403,
    "RESOURCE_EXHAUSTED": 429,
    "FAILED_PRECONDITION": 400,
    "ABORTED": 409,
    "OUT_OF_RANGE": 400,
    "UNIMPLEMENTED": 501,
    "UNAVAILABLE": 503,
}
_MODEL = r"/v1/models/(?P<model>[^/:]+)(?:/versions/(?P<version>\d+)|/labels/(?P<label>[^/:]+))?"


def server(
    answering: Answering,
    counts: Metrics,
    *,
    tls: ssl.SSLContext | None = None,
    timeout_s: float = TIMEOUT_S,
    web: bool = False,
) -> tornado.httpserver.HTTPServer:
    """Returns the server, which listens nowhere yet.

    Args:
      answering: What is answered.
      counts: Where requests are counted, and what Prometheus is told.
      tls: How it is encrypted; not at all by default.
      timeout_s: Most seconds that a request may take.
      web: Whether the page for browsers is there too.
    """
    from serving.web import handlers

    given = {"answering": answering, "counts": counts, "timeout_s": timeout_s}
    application = tornado.web.Application(
        [
            (_MODEL, _Status, given),
            (_MODEL + "/metadata", _Metadata, given),
            (_MODEL + ":(?P<method>[a-z]+)", _Ask, given),
            (metrics.PATH, _Metrics, given),
            *(handlers.handlers(answering.store) if web else ()),
        ],
        default_handler_class=_Unknown,
        default_handler_args=given,
        log_function=lambda handler: None,
    )
    return tornado.httpserver.HTTPServer(
        application,
        ssl_options=tls,
        idle_connection_timeout=_IDLE_S,
        body_timeout=_IDLE_S,
        max_body_size=MAX_MESSAGE_BYTES,
        max_buffer_size=2 * MAX_MESSAGE_BYTES,
    )


class _Handler(tornado.web.RequestHandler):
    def initialize(self, answering: Answering, counts: Metrics, timeout_s: float) -> None:
        self.answering, self.counts, self.timeout_s = answering, counts, timeout_s
        self._answer: asyncio.Task[Any] | None = None

    async def reply(self, answer: Awaitable[Any]) -> None:
        """Writes what is answered as JSON, or why there is no answer."""
        # As a task, so that it ends when the client goes.
        self._answer = asyncio.ensure_future(answer)
        try:
            self.write_json(await asyncio.wait_for(self._answer, self.timeout_s))
        except asyncio.TimeoutError:
            self.fail("DEADLINE_EXCEEDED", f"no answer within {self.timeout_s:g} s")
        except Exception as error:
            self.fail(*fault_of(error, log=True))

    def on_connection_close(self) -> None:
        """Called by Tornado when the client goes before it has an answer."""
        if self._answer is not None:
            self._answer.cancel()

    def write_json(self, value: Any) -> None:
        self.set_header("Content-Type", "application/json")
        self.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")

    def fail(self, code: str, message: str) -> None:
        self.set_status(_HTTP_CODES.get(code, 500))
        self.write_json({"error": message})

    def write_error(self, status_code: int, **_: Any) -> None:
        """Called by Tornado for what it refuses itself."""
        self.write_json({"error": f"{status_code} {self._reason}"})


class _Ask(_Handler):
    async def post(self, model: str, version: str | None, label: str | None, method: str) -> None:
        """Answers `:predict` and `:classify`."""
        methods: dict[str, tuple[str, Callable[[dict[str, Any]], Awaitable[Any]]]] = {
            "predict": ("Predict", functools.partial(self._predict, model, version, label)),
            "classify": ("Classify", functools.partial(self._classify, model, version, label)),
        }
        if method not in methods:
            self.fail("INVALID_ARGUMENT", f"Malformed request: POST {self.request.path}")
            return
        api, answer = methods[method]
        await self.reply(
            self.counts.counted(
                self._from_body(answer), model=model, api=api, entrypoint=_ENTRYPOINT
            )
        )

    async def _from_body(self, answer: Callable[[dict[str, Any]], Awaitable[Any]]) -> Any:
        # A large body takes seconds to read.
        body = await self.answering.workers.run(
            functools.partial(json_values.body_of, self.request.body)
        )
        return await answer(body)

    async def _predict(
        self, model: str, version: str | None, label: str | None, body: dict[str, Any]
    ) -> Any:
        named = predict_pb2.PredictRequest()
        _name(named.model_spec, model, version, label)
        servable = await self.answering.servable(named)
        request, by_row = await self.answering.workers.run(
            functools.partial(json_values.predict_request, body, servable.signature_defs)
        )
        # The version whose signatures were looked at.
        servable.describe(request.model_spec)
        response = await self.answering.predict(request)
        return json_values.outputs(response, by_row=by_row)

    async def _classify(
        self, model: str, version: str | None, label: str | None, body: dict[str, Any]
    ) -> Any:
        request = json_values.classification_request(body)
        _name(request.model_spec, model, version, label)
        answered = await self.answering.classify(request)
        return {
            "results": [
                [[each.label, json_values.shortest(each.score)] for each in clip.classes]
                for clip in answered.result.classifications
            ]
        }


class _Status(_Handler):
    async def get(self, model: str, version: str | None, label: str | None) -> None:
        """Answers with the state of a model's versions."""

        async def status() -> Any:
            request = get_model_status_pb2.GetModelStatusRequest()
            _name(request.model_spec, model, version, label)
            return {
                "model_version_status": [
                    json_values.status(entry)
                    for entry in self.answering.status(request).model_version_status
                ]
            }

        await self.reply(status())


class _Metadata(_Handler):
    async def get(self, model: str, version: str | None, label: str | None) -> None:
        """Answers with a model's signatures."""

        async def metadata() -> Any:
            response = await self.answering.metadata(_metadata_request(model, version, label))
            signatures = get_model_metadata_pb2.SignatureDefMap()
            response.metadata[METADATA_FIELD].Unpack(signatures)
            return {
                "model_spec": {
                    "name": response.model_spec.name,
                    "signature_name": "",
                    "version": str(response.model_spec.version.value),
                },
                "metadata": {
                    METADATA_FIELD: json_format.MessageToDict(
                        signatures,
                        preserving_proto_field_name=True,
                        including_default_value_fields=True,
                    )
                },
            }

        counted = self.counts.counted(
            metadata(), model=model, api="GetModelMetadata", entrypoint=_ENTRYPOINT
        )
        await self.reply(counted)


class _Metrics(_Handler):
    def get(self) -> None:
        """Answers Prometheus."""
        self.set_header("Content-Type", metrics.CONTENT_TYPE)
        self.write(self.counts.text())


class _Unknown(_Handler):
    def prepare(self) -> None:
        """Called by Tornado before any method."""
        request = f"{self.request.method} {self.request.path}"
        self.fail("NOT_FOUND", f"Malformed request: {request}")
        self.finish()


def _metadata_request(
    model: str, version: str | None, label: str | None
) -> get_model_metadata_pb2.GetModelMetadataRequest:
    request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=[METADATA_FIELD])
    _name(request.model_spec, model, version, label)
    return request


def _name(model_spec: Any, model: str, version: str | None, label: str | None) -> None:
    model_spec.name = model
    if version is not None:
        try:
            model_spec.version.value = int(version)
        except ValueError:
            raise ServingError("INVALID_ARGUMENT", f"no version number: {version}") from None
    elif label is not None:
        model_spec.version_label = label
