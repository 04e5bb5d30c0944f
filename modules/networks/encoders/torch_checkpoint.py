"""Files of PyTorch's `torch.save`, without PyTorch and without running what a pickle asks for.

Such a file is a zip archive with `<folder>/data.pkl`, a pickle in which tensors refer to the plain
bytes in `<folder>/data/<key>`.
"""

import dataclasses
import io
import math
import pickle
import pickletools
import struct
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from modules.networks.encoders.tensors import floats, itemsize
from schemas.errors import UserError
from schemas.words import brief

_PICKLE = "/data.pkl"
_LARGEST_PICKLE_BYTES = 2**24
# Types of the numbers in a storage by the class that a pickle names, and their bytes.
_STORAGES = {
    "FloatStorage": "float32",
    "HalfStorage": "float16",
    "BFloat16Storage": "bfloat16",
    "LongStorage": "int64",
}
_ITEMSIZES = {"float32": 4, "float16": 2, "bfloat16": 2, "int64": 8}
_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    KeyError,
    NotImplementedError,
    OSError,
    OverflowError,
    RuntimeError,
    ValueError,
    struct.error,
)


class _Sealed:
    """Has no state that a pickle may set."""

    def __setstate__(self, state: object) -> None:
        raise pickle.UnpicklingError("a state for what has none")


class _Dictionary(dict):
    """In place of an ordered dictionary; the attributes that PyTorch gives it are left out."""

    def __setstate__(self, state: object) -> None:
        pass


@dataclasses.dataclass(frozen=True)
class _Storage(_Sealed):
    """A member of the archive, `count` numbers of a type."""

    member: str
    dtype: str
    count: int


@dataclasses.dataclass(frozen=True)
class Tensor(_Sealed):
    """A tensor in a file, within its storage; reads it when called.

    Attributes:
      path: The file.
      storage: Where its numbers are.
      offset: The first one's place among them.
      shape, strides: Its shape and steps, in numbers.
    """

    path: Path
    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def __call__(self) -> np.ndarray:
        """Returns its numbers, float16 or float32.

        Raises:
          UserError: They are of another type, or the file is broken.
        """
        dtype, origin = self.storage.dtype, str(self.path)
        itemsize(dtype, origin=origin)
        try:
            with zipfile.ZipFile(self.path) as archive:
                numbers = floats(_plain(archive, self.storage.member), dtype, origin=origin)
            steps = [stride * numbers.itemsize for stride in self.strides]
            return np.lib.stride_tricks.as_strided(
                numbers[self.offset :], self.shape, steps, writeable=False
            )
        except _ERRORS as error:
            raise _broken(self.path, error) from None


def load(path: Path) -> Any:
    """Returns what was saved: containers, numbers and texts, and what reads each tensor.

    Raises:
      UserError: The file is truncated, or its pickle asks for anything but tensors and containers;
        nothing that it asks for is run.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            pickles = [name for name in archive.namelist() if name.endswith(_PICKLE)]
            if len(pickles) != 1:
                raise UserError(f"{path}: is a zip archive, but not of PyTorch: no data.pkl in it")
            folder = pickles[0].removesuffix(_PICKLE)
            order = f"{folder}/byteorder"
            if order in archive.namelist() and _plain(archive, order) != b"little":
                raise UserError(f"{path}: its numbers are not in little-endian order")
            pickled = _plain(archive, pickles[0], largest=_LARGEST_PICKLE_BYTES)
            sizes = {info.filename: info.file_size for info in archive.infolist()}
    except _ERRORS as error:
        raise _broken(path, error) from None
    return _Unpickler(path, folder, sizes, pickled).load()


def _plain(archive: zipfile.ZipFile, name: str, *, largest: int | None = None) -> bytes:
    """Returns a member that is stored as it is, so that it cannot grow when it is read."""
    info = archive.getinfo(name)
    if info.compress_type != zipfile.ZIP_STORED or info.file_size != info.compress_size:
        raise ValueError(f"{name} is compressed")
    if largest is not None and info.file_size > largest:
        raise ValueError(f"{name} has {info.file_size} bytes")
    return archive.read(name)


def _broken(path: Path, error: Exception) -> UserError:
    return UserError(f"{path}: is no whole file of PyTorch ({brief(str(error))}); fetch it again")


@dataclasses.dataclass(frozen=True)
class _Rebuild(_Sealed):
    """What a pickle calls to make a tensor of a file."""

    path: Path

    def __call__(
        self, storage: object, offset: int, shape: tuple, strides: tuple, *ignored: object
    ) -> Tensor:
        """Returns the tensor; whether it takes gradients, and hooks, are ignored."""
        numbers = (offset, *shape, *strides)
        if (
            not isinstance(storage, _Storage)
            or len(shape) != len(strides)
            or not all(type(number) is int and number >= 0 for number in numbers)
        ):
            raise pickle.UnpicklingError("a tensor without whole numbers as its shape")
        last = offset + sum(
            (size - 1) * stride for size, stride in zip(shape, strides, strict=True)
        )
        # The second, because steps of 0 make any shape of one number.
        if 0 not in shape and (last >= storage.count or math.prod(shape) > storage.count):
            raise pickle.UnpicklingError(f"a tensor of shape {shape} beyond its storage")
        return Tensor(self.path, storage, offset, tuple(shape), tuple(strides))


class _Unpickler(pickle.Unpickler):
    """Knows tensors, their storages and ordered dictionaries, and refuses all else by name.

    Args:
      path: The file.
      folder: The folder in the archive that all its members are in.
      sizes: Number of bytes of each member.
      pickled: The pickle.
    """

    def __init__(self, path: Path, folder: str, sizes: Mapping[str, int], pickled: bytes):
        super().__init__(io.BytesIO(pickled))
        self._path, self._folder, self._sizes, self._pickled = path, folder, sizes, pickled
        self._known: dict[tuple[str, str], object] = {
            ("collections", "OrderedDict"): _Dictionary,
            ("torch._utils", "_rebuild_tensor_v2"): _Rebuild(path),
            # Named only, and never called.
            **{("torch", name): dtype for name, dtype in _STORAGES.items()},
        }

    def load(self) -> Any:
        try:
            # Lengths are compared with what is there, before memory is taken for them.
            for opcode, argument, _ in pickletools.genops(self._pickled):
                if opcode.name.endswith("PUT") and int(argument or 0) > len(self._pickled):
                    raise pickle.UnpicklingError("a place in the memo beyond its end")
            return super().load()
        except UserError:
            raise
        except Exception as error:  # A broken pickle raises anything, says the documentation.
            raise UserError(
                f"{self._path}: its pickle is broken ({brief(str(error))}); fetch it again"
            ) from None

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in self._known:
            raise UserError(
                f"{self._path}: asks for {module}.{name}, which is no part of plain weights;"
                " nothing of it was run"
            )
        return self._known[module, name]

    def persistent_load(self, saved: Any) -> _Storage:
        kind, dtype, key, _, count = saved
        if kind != "storage" or dtype not in _ITEMSIZES or type(count) is not int:
            raise pickle.UnpicklingError("a reference to what is no storage")
        member = f"{self._folder}/data/{key}"
        if self._sizes.get(member) != count * _ITEMSIZES[dtype]:
            raise UserError(
                f"{self._path}: {member} has {self._sizes.get(member, 0)} bytes, not {count}"
                f" numbers of {dtype}; fetch it again"
            )
        return _Storage(member, dtype, count)
