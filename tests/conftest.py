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


@pytest.fixture(scope="session")
def s3() -> Iterator[Any]:
    """A boto3 client of a server of this session, which the whole process finds from then on.

    TensorFlow reads its variables once in a process, so that there cannot be another.
    """
    import boto3

    with s3_server.running() as endpoint, pytest.MonkeyPatch.context() as patch:
        for name, value in s3_server.environment(endpoint).items():
            patch.setenv(name, value)
        yield boto3.client("s3", region_name=s3_server.REGION)
