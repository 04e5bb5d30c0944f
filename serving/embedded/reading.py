"""What is no message is told to who sent it, as a fault of the request."""

from collections.abc import Awaitable, Callable
from typing import Any

import grpc
from google.protobuf.message import DecodeError


class Reading(grpc.aio.ServerInterceptor):
    """Reads requests in place of gRPC, which answers UNKNOWN and logs a traceback."""

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler:
        """Called by gRPC for each call."""
        handler = await continuation(handler_call_details)
        if handler is None or handler.unary_unary is None:
            return handler
        read, answer = handler.request_deserializer, handler.unary_unary

        async def answered(contents: bytes, context: grpc.aio.ServicerContext) -> Any:
            try:
                request = read(contents)
            except (DecodeError, UnicodeDecodeError):
                method = handler_call_details.method.rpartition("/")[2]
                await context.abort(
                    grpc.StatusCode.INVALID_ARGUMENT, f"the bytes are no request for {method}"
                )
            return await answer(request, context)

        return grpc.unary_unary_rpc_method_handler(
            answered, request_deserializer=None, response_serializer=handler.response_serializer
        )
