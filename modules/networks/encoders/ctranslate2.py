"""CTranslate2's `model.bin`, of version 3 of its layout of Whisper.

A version, the layout's name and revision; then each variable with its name, shape, type and bytes;
then the names that are others' aliases, because their values are the same.
"""

import dataclasses
import functools
import math
import struct
from pathlib import Path
from typing import BinaryIO

import numpy as np

from modules.networks.encoders.foreign import Foreign, Names
from modules.networks.encoders.tensors import Read, in_file
from schemas.errors import UserError

# The stem, and norms and layers of a block. The names behind `#` are ours, for the parts of a
# fused layer.
NAMES = Names(
    stem={
        "conv1_kernel": "conv1/weight",
        "conv1_bias": "conv1/bias",
        "conv2_kernel": "conv2/weight",
        "conv2_bias": "conv2/bias",
        "positions": "position_encodings/encodings",
    },
    block={
        "attention_norm_scale": "layer_{}/self_attention/layer_norm/gamma",
        "attention_norm_offset": "layer_{}/self_attention/layer_norm/beta",
        "query_kernel": "layer_{}/self_attention/linear_0/weight#query",
        "query_bias": "layer_{}/self_attention/linear_0/bias#query",
        "key_kernel": "layer_{}/self_attention/linear_0/weight#key",
        "value_kernel": "layer_{}/self_attention/linear_0/weight#value",
        "value_bias": "layer_{}/self_attention/linear_0/bias#value",
        "output_kernel": "layer_{}/self_attention/linear_1/weight",
        "output_bias": "layer_{}/self_attention/linear_1/bias",
        "dense_norm_scale": "layer_{}/ffn/layer_norm/gamma",
        "dense_norm_offset": "layer_{}/ffn/layer_norm/beta",
        "expand_kernel": "layer_{}/ffn/linear_0/weight",
        "expand_bias": "layer_{}/ffn/linear_0/bias",
        "contract_kernel": "layer_{}/ffn/linear_1/weight",
        "contract_bias": "layer_{}/ffn/linear_1/bias",
    },
)
_PREFIX = "encoder/"
_LAYOUT = b"WhisperSpec\0"
# Versions of the file format that write variables in this way.
_VERSIONS = range(4, 7)
# Name and bytes of a type by its number.
_TYPES = (("float32", 4), ("int8", 1), ("int16", 2), ("int32", 4), ("float16", 2), ("bfloat16", 2))


def looks_like(start: bytes) -> bool:
    """Returns whether a file that begins with these 18 bytes or more is CTranslate2's Whisper."""
    return start[6:].startswith(_LAYOUT) and int.from_bytes(start[:4], "little") in _VERSIONS


def read(path: Path) -> Foreign:
    """Returns the encoder in a `model.bin`.

    Raises:
      UserError: The file is truncated.
    """
    with open(path, "rb") as file:
        variables = _variables(_Reader(path, file, path.stat().st_size))
    tensors = {
        name.removeprefix(_PREFIX): in_file(
            path, offset=variable.offset, shape=variable.shape, dtype=variable.dtype
        )
        for name, variable in variables.items()
        if name.startswith(_PREFIX)
    }
    # Keys have no bias; in the fused layer theirs are zeros, and any other would change nothing,
    # since the softmax over the keys takes off what all of them have in common.
    for name in [name for name in tensors if "/self_attention/linear_0/" in name]:
        for part, ours in enumerate(("query", "key", "value")):
            tensors[f"{name}#{ours}"] = functools.partial(_third, tensors[name], part)
    heads = variables.get(f"{_PREFIX}num_heads")
    configured = {} if heads is None else {"heads": _scalar(path, heads)}
    return Foreign(origin=str(path), tensors=tensors, names=NAMES, configured=configured)


def _third(read_whole: Read, part: int) -> np.ndarray:
    whole = read_whole()
    if not whole.ndim or len(whole) % 3:
        return whole  # Its shape will not fit.
    return np.split(whole, 3)[part]


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Variable:
    offset: int
    shape: tuple[int, ...]
    dtype: str
    num_bytes: int


@dataclasses.dataclass(frozen=True)
class _Reader:
    """Reads an open file of `size` bytes; what lies beyond its end is an error."""

    path: Path
    file: BinaryIO
    size: int

    def take(self, num_bytes: int) -> bytes:
        self._need(num_bytes)
        return self.file.read(num_bytes)

    def skip(self, num_bytes: int) -> int:
        """Skips bytes and returns where they began."""
        self._need(num_bytes)
        offset = self.file.tell()
        self.file.seek(num_bytes, 1)
        return offset

    def number(self, code: str) -> int:
        (value,) = struct.unpack(f"<{code}", self.take(struct.calcsize(code)))
        return int(value)

    def text(self) -> str:
        return self.take(self.number("H")).rstrip(b"\0").decode(errors="replace")

    def _need(self, num_bytes: int) -> None:
        if self.file.tell() + num_bytes > self.size:
            raise UserError(f"{self.path}: CTranslate2's file is truncated; fetch it again")


def _variables(reader: _Reader) -> dict[str, _Variable]:
    reader.number("I")
    reader.text()
    reader.number("I")
    found: dict[str, _Variable] = {}
    for _ in range(reader.number("I")):
        name = reader.text()
        shape = tuple(reader.number("I") for _ in range(reader.number("B")))
        type_number, num_bytes = reader.number("B"), reader.number("I")
        dtype, itemsize = _TYPES[type_number] if type_number < len(_TYPES) else ("?", 0)
        if math.prod(shape) * itemsize != num_bytes:
            raise UserError(
                f"{reader.path}: CTranslate2's file is broken: {name} of shape {list(shape)} takes"
                f" {num_bytes} bytes; fetch it again"
            )
        found[name] = _Variable(
            offset=reader.skip(num_bytes), shape=shape, dtype=dtype, num_bytes=num_bytes
        )
    for _ in range(reader.number("I")):
        alias, name = reader.text(), reader.text()
        if name in found:
            found[alias] = found[name]
    return found


def _scalar(path: Path, variable: _Variable) -> int:
    with open(path, "rb") as file:
        file.seek(variable.offset)
        return int.from_bytes(file.read(min(variable.num_bytes, 4)), "little")
