"""Served models: a client of TF Serving's gRPC interface, and a small server that speaks it."""

from schemas.signatures import MAX_MESSAGE_BYTES

# Options of gRPC channels and servers, so that both ends let the same requests through.
MESSAGE_LIMITS = (
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
)
