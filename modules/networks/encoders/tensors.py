"""Arrays in files: read only where they are wanted, and as the floats that an encoder keeps."""

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from schemas.errors import UserError

# Reads an array, float16 or float32.
Read = Callable[[], np.ndarray]
Tensors = Mapping[str, Read]

_FLOATS: dict[str, np.dtype] = {
    "float16": np.dtype("<f2"),
    "float32": np.dtype("<f4"),
    "bfloat16": np.dtype("<u2"),
}


def in_file(path: Path, *, offset: int, shape: Sequence[int], dtype: str) -> Read:
    """Returns what reads an array that lies in a file plain, little-endian and in C order.

    Args:
      path: The file.
      offset: Where in the file the array begins, in bytes.
      shape: The array's shape; that the file is long enough is known.
      dtype: `float16`, `float32` or `bfloat16`; of any other, `floats` tells when it is read.
    """
    return functools.partial(_read, path, offset, tuple(shape), dtype)


def _read(path: Path, offset: int, shape: tuple[int, ...], dtype: str) -> np.ndarray:
    num_bytes = math.prod(shape) * itemsize(dtype, origin=str(path))
    with open(path, "rb") as file:
        file.seek(offset)
        contents = file.read(num_bytes)
    return floats(contents, dtype, origin=str(path)).reshape(shape)


def itemsize(dtype: str, *, origin: str) -> int:
    """Returns the number of bytes of a float.

    Args:
      dtype: `float16`, `float32` or `bfloat16`.
      origin: What errors call the file.

    Raises:
      UserError: It is another type, as quantised weights have.
    """
    if dtype not in _FLOATS:
        raise UserError(
            f"{origin}: holds weights as {dtype}; only {', '.join(_FLOATS)} are read: take the"
            " weights as they were before they were quantised"
        )
    return _FLOATS[dtype].itemsize


def floats(contents: bytes, dtype: str, *, origin: str) -> np.ndarray:
    """Returns the numbers in little-endian bytes: float16 as it is, all others as float32.

    Raises:
      UserError: `dtype` is none of `float16`, `float32` and `bfloat16`.
    """
    itemsize(dtype, origin=origin)
    numbers = np.frombuffer(contents, _FLOATS[dtype])
    if dtype == "bfloat16":
        # The upper half of a float32's bits.
        return (numbers.astype("<u4") << 16).view("<f4")
    return numbers
