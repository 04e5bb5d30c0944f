"""A Whisper encoder's weights under names of our own, and the file that keeps them.

The file is in the safetensors format (a JSON header and plain arrays), so that reading one runs no
code of whoever wrote it.
"""

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from modules.networks.encoders import safetensors
from schemas.errors import UserError

# Arrays of `whisper.layers.Stem` and `whisper.layers.Block`, in the order of their weights. With
# the layer's name before it, an array's name in a file: `stem/conv1_kernel`, `block1/query_kernel`.
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
SUFFIX = safetensors.SUFFIX


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
        for name, rank in (("stem/conv1_kernel", 3), ("stem/positions", 2)):
            array = self.arrays.get(name)
            if array is None or array.ndim != rank or not array.size:
                raise UserError(f"{origin}: is no Whisper encoder: {_state(name, array)}")
        width, bands = self.width, self.bands
        vector: tuple[int, ...] = (width,)
        square: tuple[int, ...] = (width, width)
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
                raise UserError(
                    f"{origin}: is no Whisper encoder of width {width}: {_state(name, array)},"
                    f" expected {list(shape)}"
                )
            if not np.isfinite(array).all():
                raise UserError(f"{origin}: {name} holds values that are not finite numbers")
        if not self.blocks:
            raise UserError(f"{origin}: holds no transformer block")
        if self.heads < 1 or width % self.heads:
            raise UserError(f"{origin}: width {width} cannot be shared by {self.heads} heads")


def _state(name: str, array: np.ndarray | None) -> str:
    """Returns what is known of an array that does not fit, in words."""
    return f"{name} {'is missing' if array is None else f'has the shape {list(array.shape)}'}"


def write(encoder: Encoder, path: Path) -> str:
    """Writes an encoder into a file, whole or not at all, and returns the file's SHA-256."""
    metadata = {
        "name": encoder.name,
        "heads": str(encoder.heads),
        "source": encoder.source,
        "licence": encoder.licence,
    }
    return safetensors.write(path, encoder.arrays, metadata)


def read_arrays(path: Path) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Returns the float arrays and the metadata of a safetensors file.

    Raises:
      UserError: The file is truncated, not of the format, or holds other arrays.
    """
    tensors, metadata = safetensors.tensors(path)
    try:
        return {name: read_array() for name, read_array in tensors.items()}, metadata
    except ValueError as error:
        raise UserError(f"{path}: holds an array that cannot be read ({error})") from None


def is_own(path: Path) -> bool:
    """Returns whether a safetensors file is one that `write` wrote."""
    tensors, metadata = safetensors.tensors(path)
    return "stem/conv1_kernel" in tensors and "heads" in metadata


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
    except (KeyError, ValueError) as error:
        raise UserError(
            f"{path}: is no encoder of the store (no {error}); add it again: ser encoder add"
        ) from None
    encoder.check(origin=str(path))
    return encoder
