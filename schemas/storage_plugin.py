"""Makes TensorFlow's file systems know storage services; importing it does.

A process, Beam's workers included, imports it before it opens `s3://` for the first time.
"""

import atexit
import ctypes
import os

# Of variables that mean the same, those that tensorflow-io knows, and those that boto3 does, by
# which Beam opens `s3://`.
_SAME = (
    (("S3_ENDPOINT",), ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")),
    (("AWS_REGION",), ("AWS_DEFAULT_REGION",)),
)


def _agree() -> None:
    """Sets variables of one library to those of the other, where only the other's are set."""
    for one, other in _SAME:
        for names, others in ((one, other), (other, one)):
            value = next((os.environ[name] for name in others if os.environ.get(name)), None)
            if value and not any(os.environ.get(name) for name in names):
                os.environ[names[0]] = value


def _end_without_destructors() -> None:
    """Makes the process end with its own status: tensorflow-io's destructors abort it.

    Called when Python ends, so that nothing that C++ registered comes before.
    """
    libc = ctypes.CDLL(None)
    libc.fflush(None)
    # glibc's; it hands the exit status to the function.
    if hasattr(libc, "on_exit"):
        libc.on_exit(libc._exit, None)


_agree()

import tensorflow_io  # noqa: E402, F401

atexit.register(_end_without_destructors)
