"""The safetensors format, on files written byte by byte."""

import json
import struct

import numpy as np
import pytest
import whisper_files

from modules.networks.encoders import safetensors
from schemas.errors import UserError


def file_of(folder, header, contents=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path = folder / "a.safetensors"
    path.write_bytes(struct.pack("<Q", len(text)) + text + contents)
    return path


def entry(dtype="F32", shape=(2,), offsets=(0, 8)):
    return {"a": {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}}


def test_types_and_metadata(tmp_path):
    path = tmp_path / "a.safetensors"
    path.write_bytes(
        whisper_files.safetensors(
            {
                "half": ("F16", (2,), struct.pack("<2e", 1.5, -2.0)),
                "single": ("F32", (1, 3), struct.pack("<3f", 1e-30, 2.0, 3.0)),
                # The upper halves of 1.0, -2.5 and 3.0e38 as float32.
                "brain": ("BF16", (3,), bytes.fromhex("803f20c0617f")),
                "whole": ("I64", (1,), struct.pack("<q", 3)),
            },
            key="value",
        )
    )
    tensors, metadata = safetensors.tensors(path)
    assert metadata == {"key": "value"}
    np.testing.assert_array_equal(tensors["half"](), np.array([1.5, -2.0], np.float16))
    assert tensors["half"]().dtype == np.float16
    np.testing.assert_array_equal(tensors["single"](), np.array([[1e-30, 2, 3]], np.float32))
    brain = tensors["brain"]()
    assert brain.dtype == np.float32
    np.testing.assert_array_equal(brain[:2], [1.0, -2.5])
    assert brain[2] == pytest.approx(2.99e38, rel=1e-2)
    with pytest.raises(UserError, match="holds weights as I64; only float16, float32, bfloat16"):
        tensors["whole"]()


@pytest.mark.parametrize(
    "header",
    [
        [],
        {"a": 1},
        {"a": {}},
        {"__metadata__": 3},
        b'{"a": ',
        b"[" * 100_000,
        b"\xff\xfe",
        entry(offsets=(0, 12)),
        entry(offsets=(-8, 0)),
        entry(offsets=(8, 0)),
        entry(offsets=(0.0, 8.0)),
        entry(offsets=(0, 8, 8)),
        entry(shape=(3,)),
        entry(shape=(-2, -1)),
        entry(shape=(2**40, 2**40)),
        entry(dtype="F16"),
        entry(dtype=[]),
    ],
    ids=lambda header: str(header)[:60],
)
def test_headers_that_are_none(tmp_path, header):
    with pytest.raises(UserError, match="is no whole safetensors file"):
        safetensors.tensors(file_of(tmp_path, header, bytes(8)))


def test_a_header_longer_than_the_file_is_not_read(tmp_path):
    path = tmp_path / "a.safetensors"
    path.write_bytes(struct.pack("<Q", 2**62) + b"{}")
    with pytest.raises(UserError, match=f"a header of {2**62} bytes"):
        safetensors.tensors(path)
