"""Makes TensorFlow's file systems know storage services; importing it does.

A process, Beam's workers included, imports it before it opens `s3://` for the first time.
"""

import atexit
import ctypes
import os

# What the libraries that open `s3://` call the same thing: TensorFlow's, and Beam's boto3.
_SAME = (
    ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "S3_ENDPOINT"),
    ("AWS_REGION", "AWS_DEFAULT_REGION"),
)


def _agree() -> None:
    """Sets variables that mean the same to the first of them that is set."""
    for names in _SAME:
        value = next((os.environ[name] for name in names if os.environ.get(name)), None)
        for name in names if value else ():
            os.environ.setdefault(name, str(value))


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
