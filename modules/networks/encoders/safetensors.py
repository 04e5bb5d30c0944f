"""The safetensors format: a JSON header and plain arrays. Reading runs no code of the writer's."""

import hashlib
import json
import math
import struct
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from modules.networks.encoders.tensors import Read, in_file
from schemas import files
from schemas.errors import UserError

SUFFIX = ".safetensors"
_DTYPES = {"F16": "float16", "F32": "float32", "BF16": "bfloat16"}
_WRITTEN = {np.dtype("<f2"): "F16", np.dtype("<f4"): "F32"}
_LARGEST_HEADER_BYTES = 2**24


def looks_like(start: bytes) -> bool:
    """Returns whether a file that begins with these nine bytes or more is of the format."""
    return start[8:9] == b"{"


def tensors(path: Path) -> tuple[dict[str, Read], dict[str, str]]:
    """Returns what reads each array of a file, by name, and the file's metadata.

    Raises:
      UserError: The file is truncated, or not of the format.
    """
    size = path.stat().st_size
    with open(path, "rb") as file:
        start = file.read(8)
        length = struct.unpack("<Q", start)[0] if len(start) == 8 else 0
        if not 2 <= length <= min(_LARGEST_HEADER_BYTES, size - 8):
            raise UserError(
                f"{path}: is no whole safetensors file (a header of {length} bytes); fetch it again"
            )
        text = file.read(length)
    try:
        header = json.loads(text)
        metadata = {str(key): str(value) for key, value in header.pop("__metadata__", {}).items()}
        found = {
            name: _tensor(path, name, entry, start=8 + length, size=size)
            for name, entry in header.items()
        }
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UserError(f"{path}: is no whole safetensors file ({error}); fetch it again") from None
    return found, metadata


def _tensor(path: Path, name: str, entry: Mapping, *, start: int, size: int) -> Read:
    begin, end = entry["data_offsets"]
    shape, dtype = entry["shape"], entry["dtype"]
    if not all(type(number) is int and number >= 0 for number in (begin, end, *shape)):
        raise ValueError(f"{name} has no whole numbers as its place and shape")
    if not begin <= end <= size - start:
        raise ValueError(f"{name} lies beyond its end")
    known = _DTYPES.get(dtype, str(dtype))
    if dtype in _DTYPES and end - begin != math.prod(shape) * (4 if dtype == "F32" else 2):
        raise ValueError(f"{name} of shape {shape} takes {end - begin} bytes")
    return in_file(path, offset=start + begin, shape=shape, dtype=known)


def write(path: Path, arrays: Mapping[str, np.ndarray], metadata: Mapping[str, str]) -> str:
    """Writes float16 and float32 arrays, whole or not at all, and returns the file's SHA-256.

    The same arrays and metadata give the same bytes.
    """
    header: dict[str, object] = {"__metadata__": dict(metadata)}
    offset = 0
    for name in sorted(arrays):
        array = arrays[name]
        header[name] = {
            "dtype": _WRITTEN[array.dtype],
            "shape": list(array.shape),
            "data_offsets": [offset, offset + array.nbytes],
        }
        offset += array.nbytes
    text = json.dumps(header, ensure_ascii=False).encode()
    # So that the arrays are aligned.
    text += b" " * (-len(text) % 8)
    digest = hashlib.sha256()
    with files.replacing(path, binary=True) as stream:
        for part in (
            struct.pack("<Q", len(text)),
            text,
            *(np.ascontiguousarray(arrays[name]).tobytes() for name in sorted(arrays)),
        ):
            stream.write(part)
            digest.update(part)
    return digest.hexdigest()
