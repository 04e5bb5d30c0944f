"""Exports in a process of their own, so that the same network gives the same bytes.

TensorFlow numbers functions and names over the life of a process: they tell what else it did.
"""

import dataclasses
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import keras

from modules.networks.registry import load_network
from modules.trust.record import Trust
from modules.trust.typicality import TYPICALITY_FILE, Typicality
from schemas import processes
from schemas.labels import LabelSet

_NETWORK_FILE, _ARGUMENTS_FILE = "network.keras", "arguments.json"


@dataclasses.dataclass(frozen=True, kw_only=True)
class ExportArguments:
    """The arguments of `model.export_model` beside the network and the folder."""

    labels: LabelSet
    trim_silence: bool
    statistics: Mapping[str, tuple[float, float]] | None
    domain_labels: Mapping[str, Sequence[str]]
    domain: str | None
    speakers_encoder: str | None = None
    trust: Trust | None = None
    typicality: Typicality | None = None

    def to_json(self) -> str:
        """Returns them as text, but for the typicality."""
        own = {
            "labels": self.labels.to_text(),
            "trust": self.trust and dataclasses.asdict(self.trust),
            "typicality": None,
        }
        return json.dumps(vars(self) | own)

    @classmethod
    def from_json(cls, text: str) -> "ExportArguments":
        """Returns what `to_json` wrote."""
        values = json.loads(text)
        trust = Trust.of(values["trust"]) if values["trust"] else None
        own = {"labels": LabelSet.from_text(values["labels"]), "trust": trust}
        return cls(**{**values, **own})


def export_alone(network: keras.Model, directory: str, arguments: ExportArguments) -> None:
    """Does what `model.export_model` does, in a process that does nothing else, without a GPU.

    Args:
      network: A network of `modules.networks.registry`.
      directory: Folder to write.
      arguments: The rest.

    Raises:
      RuntimeError: The process failed; holds the end of what it wrote.
    """
    with tempfile.TemporaryDirectory() as folder:
        network.save(Path(folder, _NETWORK_FILE))
        Path(folder, _ARGUMENTS_FILE).write_text(arguments.to_json(), encoding="utf-8")
        if arguments.typicality is not None:
            arguments.typicality.save(folder)
        done = subprocess.run(
            [sys.executable, "-m", __spec__.name, folder, str(directory)],
            env=processes.environment(KERAS_BACKEND="tensorflow"),
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        raise RuntimeError(f"{directory}: could not be exported:\n{processes.end_of(done.stderr)}")


def _main(folder: str, directory: str) -> None:
    from modules.export.model import export_model

    arguments = ExportArguments.from_json(Path(folder, _ARGUMENTS_FILE).read_text("utf-8"))
    typicality_file = Path(folder, TYPICALITY_FILE)
    if typicality_file.exists():
        typicality = Typicality.load(typicality_file)
        arguments = dataclasses.replace(arguments, typicality=typicality)
    export_model(load_network(os.path.join(folder, _NETWORK_FILE)), directory, **vars(arguments))


if __name__ == "__main__":
    _main(*sys.argv[1:])
