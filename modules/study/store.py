"""The append-only store of results: a file per cell, written once, whole or not at all."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

from modules.study import cells
from modules.training.job import Weights
from schemas import files
from schemas.errors import UserError
from schemas.places import place

_LOCK = "lock"


class Store:
    """Results and weights of cells in a folder. Any number of processes may add to it at once.

    Args:
      folder: Folder of the store; made if it is not there.
      identity: What all results of a store have in common (digests of clips and code, …).

    Raises:
      UserError: The folder holds results of another identity.
    """

    def __init__(self, folder: str | os.PathLike[str], *, identity: dict[str, Any]):
        self.folder = place(folder)
        self._cells = self.folder / "cells"
        self._weights = self.folder / "weights"
        for subfolder in (self._cells, self._weights):
            subfolder.mkdir(parents=True, exist_ok=True)
        file = self.folder / "store.json"
        # Only asked for its plan, a study leaves a store with nothing in it.
        if file.exists() and self._holds_anything():
            stored = json.loads(file.read_text(encoding="utf-8"))
            if different := sorted(
                name
                for name in identity.keys() | stored.keys()
                if identity.get(name) != stored.get(name)
            ):
                raise UserError(
                    f"{self.folder}: its results were made with another"
                    f" {', another '.join(different)}; move the folder away, or give the study"
                    " another one, so that results never mix"
                )
        else:
            with files.replacing(file, binary=True) as stream:
                stream.write((json.dumps(identity, indent=2) + "\n").encode())

    def _holds_anything(self) -> bool:
        return any(
            each.is_file() and each.name != "store.json" and not each.name.startswith(_LOCK)
            for each in self.folder.rglob("*")
        )

    @contextmanager
    def exclusive(self, *, part: int | None = None) -> Iterator[None]:
        """Keeps other studies out while one plans and runs; its own processes share the store.

        Args:
          part: The part of a divided study that runs; only the same part is kept out.

        Raises:
          UserError: Another study is at work in the folder.
        """
        busy = (
            f"{self.folder}: another study is writing to this store; wait for it, or give this one"
            " another store"
        )
        name = _LOCK if part is None else f"{_LOCK}-{part}"
        with files.locked(self.folder / name, busy=busy):
            yield

    def __contains__(self, cell: cells.Cell) -> bool:
        return self._file(cell).exists()

    def get(self, cell: cells.Cell) -> dict[str, Any]:
        """Returns the cell's result; raises KeyError if there is none yet."""
        try:
            return json.loads(self._file(cell).read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise KeyError(cells.key(cell)) from None

    def put(self, cell: cells.Cell, result: dict[str, Any]) -> None:
        """Adds a result; one that is there already stays as it is."""
        file = self._file(cell)
        if not file.exists():
            content = {"key": cells.key(cell), "cell": cells.to_json(cell), **result}
            with files.replacing(file, binary=True) as stream:
                stream.write(json.dumps(content).encode())

    def put_weights(self, cell: cells.Training, weights: Weights) -> None:
        """Keeps what fine-tunings start from."""
        named = {
            f"{layer}/{index}": array
            for layer, arrays in weights.items()
            for index, array in enumerate(arrays)
        }
        with files.replacing(self._weights / f"{cells.key(cell)}.npz", binary=True) as stream:
            np.savez(stream, **named)

    def get_weights(self, cell: cells.Training) -> Weights | None:
        """Returns the weights of each layer; `None` if they were not kept."""
        weights: Weights = {}
        path = self._weights / f"{cells.key(cell)}.npz"
        with suppress(FileNotFoundError), path.open("rb") as stream, np.load(stream) as file:
            # In the order in which they were written.
            for name in file.files:
                weights.setdefault(name.rpartition("/")[0], []).append(file[name])
        return weights or None

    def results(self) -> Iterator[dict[str, Any]]:
        """Yields all results, by key."""
        for file in sorted(self._cells.glob("*.json")):
            yield json.loads(file.read_text(encoding="utf-8"))

    def _file(self, cell: cells.Cell) -> Path:
        return self._cells / f"{cells.key(cell)}.json"
