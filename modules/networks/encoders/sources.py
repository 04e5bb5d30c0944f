"""Weights as others keep them: which format a file has, by its content, and its encoder."""

import dataclasses
import os
from pathlib import Path

from modules.networks.encoders import (
    ctranslate2,
    hugging_face,
    openai,
    safetensors,
    torch_checkpoint,
    wheel,
)
from modules.networks.encoders import encoder as encoders
from modules.networks.encoders.encoder import Encoder
from modules.networks.encoders.foreign import Foreign
from schemas import files
from schemas.errors import UserError
from schemas.words import plural

# Files that are looked for in a folder; the first one found is read.
IN_FOLDER = ("model.safetensors", "model.bin", "*.pt", "pytorch_model.bin", "*.whl")
UNKNOWN_LICENCE = "not told"
_FORMATS = (
    "Hugging Face's model.safetensors, CTranslate2's model.bin and PyTorch's checkpoints of"
    " Whisper, the wheels that `ser encoder add` fetches, and the store's own files"
)
_START_BYTES = 64
_ZIP, _PICKLE, _LFS = b"PK\x03\x04", b"\x80", b"version https://git-lfs"


def read(path: Path, *, name: str, blocks: int, licence: str | None = None) -> Encoder:
    """Reads the stem and the first blocks of an encoder.

    Args:
      path: A file of weights, or a folder with one.
      name: Name that the encoder gets.
      blocks: Number of transformer blocks, from the input.
      licence: Licence of the weights, where the file does not tell it.

    Raises:
      UserError: There is no such file, it is truncated, of an unknown format or of another size
        than its configuration, its weights are quantised, or it holds fewer blocks.
    """
    try:
        path = _file(path)
        with open(path, "rb") as file:
            start = file.read(_START_BYTES)
        if wheel.is_wheel(path):
            return wheel.read(path, name=name, blocks=blocks)
        if safetensors.looks_like(start) and encoders.is_own(path):
            return _first_blocks(encoders.read(path), name=name, blocks=blocks, origin=path)
        return _foreign(path, start).encoder(
            name=name,
            # Names of files need not be UTF-8.
            source=f"{os.fsencode(path.name).decode(errors='backslashreplace')} (SHA-256"
            f" {files.sha256(path)})",
            licence=licence or UNKNOWN_LICENCE,
            blocks=blocks,
        )
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error})") from None


def _file(path: Path) -> Path:
    if path.is_file():
        return path
    if not path.is_dir():
        raise UserError(f"{path}: there is no such file or folder")
    for pattern in IN_FOLDER:
        found = sorted(path.glob(pattern))
        if len(found) > 1:
            raise UserError(
                f"{path}: holds {' and '.join(file.name for file in found)}; name the one to read"
            )
        if found:
            return found[0]
    raise UserError(f"{path}: holds no weights; looked for {', '.join(IN_FOLDER)}")


def _foreign(path: Path, start: bytes) -> Foreign:
    if start.startswith(_LFS):
        raise UserError(
            f"{path}: is Git LFS' pointer to the weights, not the weights; fetch them with"
            " `git lfs pull`"
        )
    if ctranslate2.looks_like(start):
        return ctranslate2.read(path)
    if safetensors.looks_like(start):
        return hugging_face.encoder(safetensors.tensors(path)[0], path=path)
    if start.startswith(_ZIP):
        return _checkpoint(path)
    if start.startswith(_PICKLE):
        raise UserError(
            f"{path}: is a bare pickle, as PyTorch wrote before 1.6; write it anew with a later one"
            " (torch.save(torch.load(FILE, weights_only=True), FILE))"
        )
    raise UserError(f"{path}: is none of the weights that can be read: {_FORMATS}")


def _checkpoint(path: Path) -> Foreign:
    checkpoint = torch_checkpoint.load(path)
    if isinstance(checkpoint, dict):
        if openai.SIZES in checkpoint and openai.STATE in checkpoint:
            return openai.encoder(checkpoint, path=path)
        tensors = {
            key: tensor
            for key, tensor in checkpoint.items()
            if isinstance(key, str) and isinstance(tensor, torch_checkpoint.Tensor)
        }
        if tensors:
            return hugging_face.encoder(tensors, path=path)
    raise UserError(
        f"{path}: is PyTorch's, but no Whisper: neither OpenAI's ({openai.SIZES} and"
        f" {openai.STATE}) nor Hugging Face's (arrays by name)"
    )


def _first_blocks(encoder: Encoder, *, name: str, blocks: int, origin: Path) -> Encoder:
    if encoder.blocks < blocks:
        raise UserError(
            f"{origin}: holds {plural(encoder.blocks, 'block')} of an encoder, fewer than --blocks"
            f" {blocks}"
        )
    kept = ("stem", *(f"block{number + 1}" for number in range(blocks)))
    arrays = {key: array for key, array in encoder.arrays.items() if key.split("/")[0] in kept}
    return dataclasses.replace(encoder, name=name, arrays=arrays)
