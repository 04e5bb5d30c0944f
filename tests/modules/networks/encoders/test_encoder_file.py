"""An encoder's file: what is written is read again, and nothing that is broken."""

import dataclasses
import hashlib
import struct

import numpy as np
import pytest
from tiny_encoders import random_encoder

from modules.networks.encoders import encoder as encoders
from modules.networks.encoders.encoder import BLOCK, STEM
from modules.networks.encoders.spec import EncoderSpec
from schemas.errors import UserError

TINY = {"width": 4, "heads": 2, "bands": 2, "blocks": 1, "positions": 3}


def changed(encoder, **arrays):
    """Returns the encoder with other arrays; without those that are None."""
    merged = {**encoder.arrays, **{name.replace("__", "/"): a for name, a in arrays.items()}}
    return dataclasses.replace(
        encoder, arrays={name: array for name, array in merged.items() if array is not None}
    )


def test_what_is_written_is_read_again(tmp_path):
    path = tmp_path / "new" / "a.safetensors"
    written = random_encoder()
    halves = {name: array.astype(np.float16) for name, array in written.arrays.items()}
    written = dataclasses.replace(
        written,
        source="Übung",
        arrays={**written.arrays, "stem/positions": halves["stem/positions"]},
    )
    sha256 = encoders.write(written, path)
    assert sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    read = encoders.read(path)
    assert (read.name, read.heads, read.source, read.licence) == ("random", 2, "Übung", "none")
    assert set(read.arrays) == set(written.arrays)
    for name, array in written.arrays.items():
        assert read.arrays[name].dtype == array.dtype
        np.testing.assert_array_equal(read.arrays[name], array)
    assert (read.width, read.bands, read.positions, read.blocks) == (16, 8, 60, 3)
    # The same bytes, whatever the order of the arrays in memory.
    turned = {
        name: np.asfortranarray(array) for name, array in reversed(list(written.arrays.items()))
    }
    assert encoders.write(dataclasses.replace(written, arrays=turned), path) == sha256


def test_a_layer_is_float32_in_the_order_of_its_weights():
    encoder = random_encoder()
    encoder = changed(encoder, block2__key_kernel=np.eye(16, dtype=np.float16))
    stem, block = encoder.layer("stem"), encoder.layer("block2")
    assert [array.shape for array in stem] == [(3, 8, 16), (16,), (3, 16, 16), (16,), (60, 16)]
    assert len(STEM) == len(stem)
    assert {array.dtype for array in stem + block} == {np.dtype("float32")}
    np.testing.assert_array_equal(block[BLOCK.index("key_kernel")], np.eye(16))


def test_a_file_cut_anywhere_is_an_error_in_words(tmp_path):
    path = tmp_path / "a.safetensors"
    encoders.write(random_encoder(**TINY), path)
    whole = path.read_bytes()
    for length in [
        *range(100),
        *range(100, len(whole) - 100, 19),
        *range(len(whole) - 100, len(whole)),
    ]:
        path.write_bytes(whole[:length])
        with pytest.raises(UserError, match=r"a\.safetensors"):
            encoders.read(path)


def test_a_header_changed_anywhere_is_an_error_in_words_or_another_header(tmp_path):
    path = tmp_path / "a.safetensors"
    encoders.write(random_encoder(**TINY), path)
    whole = path.read_bytes()
    refused = 0
    (length,) = struct.unpack("<Q", whole[:8])
    for place in range(0, 8 + length, 3):
        path.write_bytes(whole[:place] + b"9" + whole[place + 1 :])
        try:
            encoders.read(path)
        except UserError:
            refused += 1
    # What is left are names, sources, licences, and blanks at the end.
    assert refused > 0.7 * length / 3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"stem__conv1_kernel": None}, "stem/conv1_kernel is missing"),
        ({"stem__conv1_kernel": np.ones((3, 0, 4), "<f4")}, "stem/conv1_kernel has the shape"),
        ({"stem__positions": np.ones(4, "<f4")}, "stem/positions has the shape"),
        ({"block1__key_kernel": np.ones((4, 5), "<f4")}, r"\[4, 5\], expected \[4, 4\]"),
        ({"block1__expand_bias": None}, "block1/expand_bias is missing"),
        ({"block1__query_kernel": None}, "holds no transformer block"),
        ({"block3__query_kernel": np.ones((4, 4), "<f4")}, "block2/attention_norm_scale is miss"),
        ({"block1__query_bias": np.array([0, 1, np.nan, 0], "<f4")}, "not finite"),
    ],
)
def test_arrays_that_make_no_encoder(tmp_path, change, message):
    path = tmp_path / "a.safetensors"
    encoders.write(changed(random_encoder(**TINY), **change), path)
    with pytest.raises(UserError, match=message):
        encoders.read(path)


@pytest.mark.parametrize("heads", [0, 3, -2])
def test_heads_share_the_width(heads):
    encoder = dataclasses.replace(random_encoder(**TINY), heads=heads)
    with pytest.raises(UserError, match=f"width 4 cannot be shared by {heads} heads"):
        encoder.check(origin="here")


def test_the_last_block_that_is_used_is_pooled():
    sizes = {"bands": 8, "width": 16, "heads": 2, "positions": 60}
    spec = EncoderSpec(name="a", sha256="0", blocks=2, pooled=(1, 2), **sizes)
    assert spec.pooled == (1, 2)
    for pooled in [(), (1,), (2, 2), (2, 1), (0, 2), (1, 3)]:
        with pytest.raises(ValueError, match="pooled blocks"):
            EncoderSpec(name="a", sha256="0", blocks=2, pooled=pooled, **sizes)
