"""A Whisper encoder's weights under names of our own, and the file that keeps them.

The file is in the safetensors format (a JSON header and plain arrays), so that reading one runs no
code of whoever wrote it.
"""

import dataclasses
import hashlib
import json
import struct
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from schemas import files
from schemas.errors import UserError

# Arrays of `whisper.layers.Stem` and `whisper.layers.Block`, in the order of their weights; in a
# file with the layer's name before it, as `stem/conv1_kernel` and `block1/query_kernel`.
STEM = ("conv1_kernel", "conv1_bias", "conv2_kernel", "conv2_bias", "positions")
BLOCK = (
    "attention_norm_scale",
    "attention_norm_offset",
    "query_kernel",
    "query_bias",
    "key_kernel",
    "value_kernel",
    "value_bias",
    "output_kernel",
    "output_bias",
    "dense_norm_scale",
    "dense_norm_offset",
    "expand_kernel",
    "expand_bias",
    "contract_kernel",
    "contract_bias",
)
# Width of an attention head, the same in Whisper of every size.
HEAD_WIDTH = 64
SUFFIX = ".safetensors"
_DTYPES = {"F16": np.dtype("<f2"), "F32": np.dtype("<f4")}
_LARGEST_HEADER_BYTES = 2**24


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Encoder:
    """An encoder's weights.

    Attributes:
      name: Name, for example `whisper-tiny.en`.
      heads: Number of attention heads.
      source: Where the weights come from, in words, with a hash where there is one.
      licence: Licence of the weights.
      arrays: float16 or float32 arrays by name, see `STEM` and `BLOCK`. Kernels are
        `[time, inputs, outputs]` or `[inputs, outputs]`, positions `[frames, width]`.
    """

    name: str
    heads: int
    source: str
    licence: str
    arrays: Mapping[str, np.ndarray]

    @property
    def bands(self) -> int:
        """Number of mel bands."""
        return int(self.arrays["stem/conv1_kernel"].shape[1])

    @property
    def width(self) -> int:
        """Number of channels."""
        return int(self.arrays["stem/conv1_kernel"].shape[2])

    @property
    def positions(self) -> int:
        """Largest number of frames, 20 ms each."""
        return int(self.arrays["stem/positions"].shape[0])

    @property
    def blocks(self) -> int:
        """Number of transformer blocks."""
        return len({name for name in self.arrays if name.endswith("/query_kernel")})

    def layer(self, name: str) -> list[np.ndarray]:
        """Returns the float32 arrays of `stem` or of a block, `block1`, in Keras' order."""
        order = STEM if name == "stem" else BLOCK
        return [self.arrays[f"{name}/{array}"].astype(np.float32) for array in order]

    def check(self, *, origin: str) -> None:
        """Checks that all arrays are there, of shapes that fit each other, and finite.

        Args:
          origin: What errors call the file.

        Raises:
          UserError: One is not.
        """
        width, bands = self.width, self.bands
        vector, square = (width,), (width, width)
        shapes: dict[str, tuple[int, ...]] = {
            "stem/conv1_kernel": (3, bands, width),
            "stem/conv1_bias": vector,
            "stem/conv2_kernel": (3, width, width),
            "stem/conv2_bias": vector,
            "stem/positions": (self.positions, width),
        }
        for number in range(1, self.blocks + 1):
            for name in BLOCK:
                shape = square if name.endswith("_kernel") else vector
                own = {
                    "expand_kernel": (width, 4 * width),
                    "expand_bias": (4 * width,),
                    "contract_kernel": (4 * width, width),
                }
                shapes[f"block{number}/{name}"] = own.get(name, shape)
        for name, shape in shapes.items():
            array = self.arrays.get(name)
            if array is None or array.shape != shape:
                found = "is missing" if array is None else f"has the shape {list(array.shape)}"
                raise UserError(
                    f"{origin}: is no Whisper encoder of width {width}: {name} {found}, expected"
                    f" {list(shape)}"
                )
            if not np.isfinite(array).all():
                raise UserError(f"{origin}: {name} holds values that are not finite numbers")
        if width % self.heads:
            raise UserError(f"{origin}: width {width} is no multiple of {self.heads} heads")


def write(encoder: Encoder, path: Path) -> str:
    """Writes an encoder into a file, whole or not at all, and returns the file's SHA-256."""
    header: dict[str, object] = {
        "__metadata__": {
            "name": encoder.name,
            "heads": str(encoder.heads),
            "source": encoder.source,
            "licence": encoder.licence,
        }
    }
    contents, offset = [], 0
    for name in sorted(encoder.arrays):
        array = np.ascontiguousarray(encoder.arrays[name])
        dtype = next(key for key, value in _DTYPES.items() if value == array.dtype)
        header[name] = {
            "dtype": dtype,
            "shape": list(array.shape),
            "data_offsets": [offset, offset + array.nbytes],
        }
        offset += array.nbytes
        contents.append(array.tobytes())
    text = json.dumps(header, ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    whole = b"".join([struct.pack("<Q", len(text)), text, *contents])
    with files.replacing(path, binary=True) as stream:
        stream.write(whole)
    return hashlib.sha256(whole).hexdigest()


def read_arrays(path: Path) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Returns the float arrays and the metadata of a safetensors file.

    Raises:
      UserError: The file is truncated, or none of the format.
    """
    size = path.stat().st_size
    broken = f"{path}: is no whole safetensors file"
    with open(path, "rb") as file:
        start = file.read(8)
        length = struct.unpack("<Q", start)[0] if len(start) == 8 else 0
        if not 2 <= length <= min(_LARGEST_HEADER_BYTES, size - 8):
            raise UserError(f"{broken}: its header would be of {length} bytes; fetch it again")
        try:
            header = json.loads(file.read(length))
            metadata = header.pop("__metadata__", {})
            arrays = {}
            for name, entry in header.items():
                begin, end = entry["data_offsets"]
                dtype = _DTYPES.get(entry["dtype"])
                if dtype is None:
                    continue
                if not 0 <= begin <= end <= size - 8 - length:
                    raise UserError(f"{broken}: {name} lies beyond its end; fetch it again")
                file.seek(8 + length + begin)
                arrays[name] = np.frombuffer(file.read(end - begin), dtype).reshape(entry["shape"])
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise UserError(f"{broken} ({error}); fetch it again") from None
    return arrays, metadata


def read(path: Path) -> Encoder:
    """Reads an encoder that `write` wrote.

    Raises:
      UserError: The file is broken, or holds something else.
    """
    arrays, metadata = read_arrays(path)
    try:
        encoder = Encoder(
            name=metadata["name"],
            heads=int(metadata["heads"]),
            source=metadata["source"],
            licence=metadata["licence"],
            arrays=arrays,
        )
        encoder.check(origin=str(path))
    except (KeyError, ValueError) as error:
        raise UserError(
            f"{path}: is no encoder of the store (no {error}); add it again: ser encoder add"
        ) from None
    return encoder
