"""Whether storage services can be worked with, asked before work begins.

TensorFlow tells most faults of `s3://` as something that is not there, after a minute of trying;
the services' own libraries tell them apart.
"""

import contextlib
import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipeline.config import DataConfig
from schemas.errors import UserError
from schemas.places import is_remote

_TIMEOUT_S, _ATTEMPTS = 5, 2
_PROBE = ".ser-probe"
_S3 = "s3://"
_S3_CREDENTIALS = (
    "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, or give the machine a role"
)
_GS_CREDENTIALS = (
    "set GOOGLE_APPLICATION_CREDENTIALS to a key file, or run where there is a service account"
)


def check(config: DataConfig) -> None:
    """Checks the places of a configuration that are on storage services.

    Raises:
      UserError: The manifest's cannot be read from, or another one not written to, and why.
    """
    written = [config.output]
    written += [found for key in ("serving", "store") if (found := getattr(config, key, None))]
    check_readable("manifest", config.manifest)
    for key, folder in zip(("output", "serving", "store"), written, strict=False):
        check_writable(key, folder)


def check_readable(key: str, path: Path) -> None:
    """Raises UserError where `path` is remote and its bucket cannot be read from."""
    if is_remote(path):
        with _told(key, path):
            _bucket(path).look()


def check_writable(key: str, folder: Path) -> None:
    """Raises UserError where `folder` is remote and cannot be written to."""
    if is_remote(folder):
        with _told(key, folder):
            bucket = _bucket(folder)
            bucket.look()
            bucket.write(f"{_PROBE}-{uuid.uuid4().hex}")


class _S3Bucket:
    """A bucket of S3, or of what speaks as it does."""

    def __init__(self, path: Path):
        import boto3
        from botocore.config import Config

        # Makes variables that mean the same agree.
        import schemas.storage_plugin  # noqa: F401

        self._name, self._prefix = _split(path)
        self._client = boto3.session.Session().client(
            "s3",
            config=Config(
                connect_timeout=_TIMEOUT_S,
                read_timeout=4 * _TIMEOUT_S,
                retries={"max_attempts": _ATTEMPTS, "mode": "standard"},
            ),
        )

    def look(self) -> None:
        """Lists one object."""
        self._client.list_objects_v2(Bucket=self._name, Prefix=self._prefix, MaxKeys=1)

    def write(self, name: str) -> None:
        """Writes an object and removes it."""
        key = "/".join(filter(None, (self._prefix, name)))
        self._client.put_object(Bucket=self._name, Key=key, Body=b"")
        self._client.delete_object(Bucket=self._name, Key=key)


class _GsBucket:
    """A bucket of Google Cloud Storage."""

    def __init__(self, path: Path):
        from google.cloud import storage

        name, self._prefix = _split(path)
        self._bucket = storage.Client(project="").bucket(name)

    def look(self) -> None:
        """Lists one object."""
        next(iter(self._bucket.list_blobs(prefix=self._prefix, max_results=1, **_GS_CALL)), None)

    def write(self, name: str) -> None:
        """Writes an object and removes it."""
        blob = self._bucket.blob("/".join(filter(None, (self._prefix, name))))
        blob.upload_from_string(b"", **_GS_CALL)
        blob.delete(**_GS_CALL)


_GS_CALL: dict[str, Any] = {"timeout": 4 * _TIMEOUT_S, "retry": None}


def _bucket(path: Path) -> _S3Bucket | _GsBucket:
    return _S3Bucket(path) if str(path).startswith(_S3) else _GsBucket(path)


def _split(path: Path) -> tuple[str, str]:
    """Returns the bucket's name and the beginning of names."""
    name, _, prefix = str(path).partition("://")[2].partition("/")
    return name, prefix


@contextlib.contextmanager
def _told(key: str, path: Path) -> Iterator[None]:
    """Turns faults of the services' libraries into one line."""
    if str(path).startswith(_S3):
        from botocore import exceptions as faults

        known: tuple[type[Exception], ...]
        known = (faults.BotoCoreError, faults.ClientError)
        words = _s3_words
    else:
        from google.api_core import exceptions
        from google.auth import exceptions as auth
        from requests import exceptions as requests

        known = (
            exceptions.GoogleAPIError,
            auth.GoogleAuthError,
            requests.RequestException,
        )
        words = _gs_words
    try:
        yield
    except known as fault:
        raise UserError(f"{key} {path}: {words(path, fault)}") from None


def _s3_words(path: Path, fault: Exception) -> str:
    from botocore import exceptions as faults

    bucket = _split(path)[0]
    if isinstance(fault, faults.NoCredentialsError | faults.PartialCredentialsError):
        return f"no credentials: {_S3_CREDENTIALS}"
    if isinstance(fault, faults.ProfileNotFound):
        return f"{fault}; mend AWS_PROFILE"
    if isinstance(fault, faults.ConnectionError | faults.HTTPClientError):
        where = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
        return (
            f"nothing answers at {where or 'the service'}: mend AWS_ENDPOINT_URL, the region"
            " (AWS_REGION) or the network"
        )
    if isinstance(fault, faults.ClientError):
        error = fault.response.get("Error", {})
        code, status = error.get("Code", ""), fault.response.get("ResponseMetadata", {})
        if code in ("NoSuchBucket", "404", "InvalidBucketName"):
            return f"there is no bucket {bucket}: make it, or mend the name"
        if status.get("HTTPStatusCode") in (401, 403):
            return (
                f"{fault.operation_name} is refused ({code}): give the credentials the right to"
                f" list, read, write and remove in bucket {bucket}, or {_S3_CREDENTIALS}"
            )
    return f"{' '.join(str(fault).split())[:200]}; mend the bucket's name, region or endpoint"


def _gs_words(path: Path, fault: Exception) -> str:
    from google.api_core import exceptions
    from google.auth import exceptions as auth

    bucket = _split(path)[0]
    if isinstance(fault, auth.DefaultCredentialsError | auth.RefreshError):
        return f"no credentials that can be used: {_GS_CREDENTIALS}"
    if isinstance(fault, exceptions.NotFound):
        return f"there is no bucket {bucket}: make it, or mend the name"
    if isinstance(fault, exceptions.Forbidden | exceptions.Unauthorized):
        return (
            "the service refuses it: give the account the right to list, read, write and remove in"
            f" bucket {bucket}, or {_GS_CREDENTIALS}"
        )
    return f"{' '.join(str(fault).split())[:200]}; mend the bucket's name or the network"
