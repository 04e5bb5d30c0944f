"""Fixtures of all tests."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import s3_server


@pytest.fixture(scope="session")
def real_corpora() -> Path:
    """The folder with the real corpora; skips the test where it is absent."""
    beside = Path(__file__).resolve().parents[1] / ".." / "shared" / "corpora"
    folder = Path(os.environ.get("SER_REAL_CORPORA") or beside)
    lacking = [
        name for name in ("emodb", "emovo", "ravdess", "urdu") if not (folder / name).is_dir()
    ]
    if lacking:
        pytest.skip(
            f"no real corpora: {folder} has no {', '.join(lacking)};"
            " set SER_REAL_CORPORA to a folder that has"
        )
    return folder


@pytest.fixture(scope="session", autouse=True)
def s3_endpoint() -> Iterator[str]:
    """The address at which this process looks for S3, whether a server is there or not.

    TensorFlow reads its variables once in a process, at whichever test first looks at a bucket.
    """
    endpoint = f"http://127.0.0.1:{s3_server.free_port()}"
    with pytest.MonkeyPatch.context() as patch:
        for name, value in s3_server.environment(endpoint).items():
            patch.setenv(name, value)
        yield endpoint


@pytest.fixture(scope="session", autouse=True)
def not_a_server() -> Iterator[None]:
    """Keeps commands that serve from settling TensorFlow: trainings here would differ."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("serving.embedded.settling.settle", lambda **_: None)
        yield


@pytest.fixture(scope="session")
def s3(s3_endpoint: str) -> Iterator[Any]:
    """A boto3 client of a server of this session at `s3_endpoint`."""
    import boto3

    with s3_server.running(s3_endpoint):
        yield boto3.client("s3", region_name=s3_server.REGION)
