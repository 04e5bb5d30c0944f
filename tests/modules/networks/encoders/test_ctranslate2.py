"""CTranslate2's `model.bin`, on files written byte by byte."""

import struct

import pytest
import whisper_files

from modules.networks.encoders import ctranslate2
from schemas.errors import UserError


@pytest.mark.parametrize("version", [4, 5, 6])
def test_versions_that_write_variables_alike(tmp_path, version):
    path = tmp_path / "model.bin"
    path.write_bytes(whisper_files.ctranslate2(version=version))
    foreign = ctranslate2.read(path)
    encoder = foreign.encoder(name="tiny", source="", licence="", blocks=3)
    whisper_files.assert_ours(encoder.arrays, blocks=3)
    assert encoder.heads == whisper_files.HEADS


def test_quantised_weights_are_refused(tmp_path):
    path = tmp_path / "model.bin"
    path.write_bytes(whisper_files.ctranslate2("i1"))
    foreign = ctranslate2.read(path)
    with pytest.raises(UserError, match=r"holds weights as int8; .* before they were quantised"):
        foreign.encoder(name="tiny", source="", licence="", blocks=1)


def _replaced(old, new):
    whole = whisper_files.ctranslate2()
    assert whole.count(old) == 1
    return whole.replace(old, new)


def test_sizes_that_contradict_each_other(tmp_path):
    path = tmp_path / "model.bin"
    name = b"encoder/conv1/bias\0" + b"\x01"
    path.write_bytes(_replaced(name + struct.pack("<I", 6), name + struct.pack("<I", 7)))
    with pytest.raises(UserError, match=r"encoder/conv1/bias of shape \[7\] takes 12 bytes"):
        ctranslate2.read(path)
    path.write_bytes(
        _replaced(name + struct.pack("<IBI", 6, 4, 12), name + struct.pack("<IBI", 2**30, 4, 2**31))
    )
    with pytest.raises(UserError, match="is truncated"):
        ctranslate2.read(path)
    # A type with a number that nobody knows.
    path.write_bytes(
        _replaced(name + struct.pack("<IBI", 6, 4, 12), name + struct.pack("<IBI", 6, 9, 12))
    )
    with pytest.raises(UserError, match="is broken"):
        ctranslate2.read(path)


def test_a_fused_layer_that_is_none(tmp_path):
    path = tmp_path / "model.bin"
    bias = b"encoder/layer_0/self_attention/linear_0/bias\0"
    # Of 18 numbers, 9 rows of 2.
    old = bias + b"\x01" + struct.pack("<I", 18)
    path.write_bytes(_replaced(old, bias + b"\x02" + struct.pack("<II", 9, 2)))
    with pytest.raises(UserError, match=r"block1/query_bias has the shape \[3, 2\]"):
        ctranslate2.read(path).encoder(name="tiny", source="", licence="", blocks=1)
