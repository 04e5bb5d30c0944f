"""Exceptions as status codes, which gRPC, REST and TensorFlow share."""

import logging

import tensorflow as tf

from serving.embedded.errors import ServingError

LOG = logging.getLogger(__name__)

# Numbers of status codes, which gRPC and TensorFlow share.
CODES = {
    value: name
    for name, value in vars(tf.errors).items()
    if name.isupper() and isinstance(value, int)
} | {0: "OK"}


def fault_of(error: BaseException, *, log: bool = False) -> tuple[str, str]:
    """Returns the name of the status code that an exception is answered with, and what is said.

    Args:
      error: The exception.
      log: Whether faults of the server itself are logged with where they came from.
    """
    if isinstance(error, ServingError):
        return error.code, str(error)
    if isinstance(error, tf.errors.OpError):
        return CODES.get(error.error_code, "INTERNAL"), error.message
    if isinstance(error, UnicodeDecodeError):
        # TensorFlow's own message, which quotes bytes of the request.
        return "INVALID_ARGUMENT", "the model cannot read the request"
    if log:
        LOG.error("request failed", exc_info=error)
    return "INTERNAL", f"{type(error).__name__}: {error}"
