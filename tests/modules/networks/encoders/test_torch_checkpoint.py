"""PyTorch's files without PyTorch: tensors, and nothing else that a pickle asks for."""

import io
import pickle
import struct
import zipfile

import numpy as np
import pytest
import whisper_files
from whisper_files import called, named, pickled, tensor, torch_zip

from modules.networks.encoders import sources, torch_checkpoint
from schemas.errors import UserError

EIGHT = struct.pack("<8e", *range(8))


def load(folder, value, storages=None):
    path = folder / "a.pt"
    path.write_bytes(torch_zip(value, {"0": EIGHT} if storages is None else storages))
    return torch_checkpoint.load(path)


def test_shapes_strides_and_offsets(tmp_path):
    loaded = load(
        tmp_path,
        {
            "rows": tensor("0", (2, 3), (3, 1), count=8, offset=1),
            "columns": tensor("0", (3, 2), (1, 3), count=8, offset=1),
            "one": tensor("0", (), (), count=8, offset=7),
            "none": tensor("0", (0, 4), (4, 1), count=8),
            "number": 5,
        },
    )
    np.testing.assert_array_equal(loaded["rows"](), [[1, 2, 3], [4, 5, 6]])
    np.testing.assert_array_equal(loaded["columns"](), [[1, 4], [2, 5], [3, 6]])
    assert loaded["one"]() == 7
    assert loaded["none"]().shape == (0, 4)
    assert loaded["number"] == 5
    assert loaded["rows"]().dtype == np.float16


def test_other_numbers(tmp_path):
    loaded = load(
        tmp_path,
        {
            "single": tensor("0", (2,), (1,), count=2, storage="FloatStorage"),
            "brain": tensor("1", (2,), (1,), count=2, storage="BFloat16Storage"),
            "whole": tensor("2", (1,), (1,), count=1, storage="LongStorage"),
        },
        {
            "0": struct.pack("<2f", 0.1, -7),
            "1": bytes.fromhex("803f20c0"),
            "2": struct.pack("<q", 4),
        },
    )
    np.testing.assert_array_equal(loaded["single"](), np.array([0.1, -7], np.float32))
    np.testing.assert_array_equal(loaded["brain"](), np.array([1.0, -2.5], np.float32))
    with pytest.raises(UserError, match="holds weights as int64"):
        loaded["whole"]()


@pytest.mark.parametrize(
    "value",
    [
        tensor("0", (9,), (1,), count=8),
        tensor("0", (2, 4), (5, 1), count=8),
        tensor("0", (1,), (1,), count=8, offset=8),
        tensor("0", (1,), (1,), count=8, offset=-1),
        tensor("0", (-1,), (1,), count=8),
        tensor("0", (2,), (-1,), count=8, offset=4),
        # A million numbers made of one.
        tensor("0", (1000, 1000), (0, 0), count=8),
        tensor("0", (2,), (1, 1), count=8),
        tensor("0", (2,), (1,), count=7),
        tensor("../0", (2,), (1,), count=8),
        called(named("torch._utils", "_rebuild_tensor_v2"), "text", 0, (1,), (1,), False, {}),
    ],
    ids=range(11),
)
def test_tensors_beyond_their_storage(tmp_path, value):
    with pytest.raises(UserError, match=r"a\.pt: "):
        load(tmp_path, {"a": value})


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("os", "system"),
        ("posix", "system"),
        ("builtins", "eval"),
        ("builtins", "getattr"),
        ("torch", "load"),
        ("torch._utils", "_rebuild_parameter"),
        ("collections", "OrderedDict.__init__"),
        ("collections", "deque"),
    ],
)
def test_anything_else_is_refused_by_its_name(tmp_path, module, name):
    with pytest.raises(UserError, match=rf"asks for {module}\.{name}, .* nothing of it was run"):
        load(tmp_path, {"a": called(named(module, name), "x")})


class Attack:
    """What a pickle of this object runs when it is unpickled freely."""

    def __init__(self, touched):
        self.touched = touched

    def __reduce__(self):
        import os

        return os.system, (f"touch {self.touched}",)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_commands_are_not_run(tmp_path, protocol):
    touched = tmp_path / "touched"
    attack = pickle.dumps({"dims": Attack(touched)}, protocol)
    pickle.loads(attack)
    assert touched.exists()  # It works
    touched.unlink()
    path = tmp_path / "a.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", attack)
    with pytest.raises(UserError, match=r"asks for (posix|os)\.system"):
        sources.read(path, name="a", blocks=1)
    assert not touched.exists()


def test_states_are_set_on_nothing_but_dictionaries(tmp_path):
    state = pickled({"storage": 1, "count": 2**30}) + b"b"
    for value in (
        tensor("0", (1,), (1,), count=8) + state,
        named("torch._utils", "_rebuild_tensor_v2") + state,
        named("collections", "OrderedDict") + state,
        named("torch", "HalfStorage") + state,
    ):
        with pytest.raises(UserError, match="its pickle is broken"):
            load(tmp_path, {"a": value})
    # PyTorch gives dictionaries attributes; a method in the way of ours is not put there.
    ordered = called(named("collections", "OrderedDict")) + pickled({"items": 1}) + b"b"
    assert load(tmp_path, ordered).items() == {}.items()


@pytest.mark.parametrize(
    "value",
    [
        b"r\xff\xff\xff\x7f",  # LONG_BINPUT into the memo's two-billionth place
        b"p99999999999\n",
        b"\x8e" + struct.pack("<Q", 2**60),  # BINBYTES8, a length beyond the end
        b"X\xff\xff\xff\x7f",
        b"R",
        b"\xff",
        b"",
    ],
)
def test_broken_pickles(tmp_path, value):
    with pytest.raises(UserError, match="its pickle is broken"):
        load(tmp_path, value)


def test_a_member_that_would_grow_is_not_read(tmp_path):
    path = tmp_path / "a.pt"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", b"\x80\x02" + bytes(2**20))
    with pytest.raises(UserError, match=r"data\.pkl is compressed"):
        torch_checkpoint.load(path)


def test_numbers_in_the_other_order(tmp_path):
    path = tmp_path / "a.pt"
    path.write_bytes(torch_zip({}, {}).replace(b"little", b"bigbig"))
    # The archive knows the sum of what was there.
    with pytest.raises(UserError, match="CRC"):
        torch_checkpoint.load(path)
    contents = io.BytesIO()
    with zipfile.ZipFile(contents, "w") as archive:
        archive.writestr("archive/data.pkl", b"\x80\x02}.")
        archive.writestr("archive/byteorder", "big")
    path.write_bytes(contents.getvalue())
    with pytest.raises(UserError, match="not in little-endian order"):
        torch_checkpoint.load(path)


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"n_audio_state": 384}, "width are 6, but its configuration tells 384"),
        ({"n_mels": 80}, "bands are 4, but its configuration tells 80"),
        ({"n_audio_layer": 2}, "blocks are 3, but its configuration tells 2"),
        ({"n_audio_head": 4}, "width 6 cannot be shared by 4 heads"),
        ({"n_audio_ctx": "5"}, r"dims\.n_audio_ctx is '5', no number of positions"),
    ],
)
def test_openais_sizes_are_those_of_the_arrays(tmp_path, sizes, message):
    path = tmp_path / "tiny.pt"
    path.write_bytes(whisper_files.openai(**sizes))
    with pytest.raises(UserError, match=message):
        sources.read(path, name="tiny", blocks=2)


def test_openais_checkpoint_with_other_things_in_it(tmp_path):
    path = tmp_path / "tiny.pt"
    for value in ({"dims": 1, "model_state_dict": {}}, {"dims": {}, "model_state_dict": 1}):
        path.write_bytes(torch_zip(value, {}))
        with pytest.raises(UserError, match="is no checkpoint of OpenAI's Whisper"):
            sources.read(path, name="tiny", blocks=1)
    # A class in the place of a tensor is not called.
    odd = {"encoder.conv1.weight": named("collections", "OrderedDict")}
    path.write_bytes(torch_zip({"dims": whisper_files.SIZES, "model_state_dict": odd}, {}))
    with pytest.raises(UserError, match="holds 0 blocks"):
        sources.read(path, name="tiny", blocks=1)
