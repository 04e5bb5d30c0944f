"""Fixtures of all tests."""

import os
from pathlib import Path

import pytest


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
