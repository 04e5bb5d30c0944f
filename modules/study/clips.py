"""The clips a study works on, in memory or shared by processes through a folder."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np

from modules.training.rows import FileRows, Rows
from schemas import splits, table
from schemas.labels import PAPER, LabelSet

TABLE, _INPUTS, _META = "clips.csv", "inputs.float32", "clips.json"
_FOLDS = tuple(f"fold_{protocol}" for protocol in sorted(splits.PROTOCOLS))
_COLUMNS = ("utterance_id", "domain", "speaker", "emotion", *_FOLDS)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Clips:
    """Clips as networks take them, with what the study must know of them, by utterance id.

    Attributes:
      inputs: float32 each: `[input_samples, 1]`, standardised and padded, or what the layers that
        the network holds make of it; `None` where only the results are looked at.
      labels: int64 `[n]`, positions in the label set.
      domains, speakers, utterance_ids: str `[n]`.
      folds: int64 `[n]` by protocol.
      digest: Digest of the recordings, their labels and folds, and of the code that prepared them.
      label_set: Label set of the manifest.
    """

    inputs: Rows | None
    labels: np.ndarray
    domains: np.ndarray
    speakers: np.ndarray
    utterance_ids: np.ndarray
    folds: dict[str, np.ndarray]
    digest: str
    label_set: LabelSet = PAPER

    def rows(
        self, protocol: str, *, domains: tuple[str, ...], folds: tuple[int, ...]
    ) -> np.ndarray:
        """Returns the indices of the clips of `domains` in `folds`, int64, ascending."""
        chosen = np.isin(self.domains, domains) & np.isin(self.folds[protocol], folds)
        return np.flatnonzero(chosen)

    def classes(self, domain: str) -> np.ndarray:
        """Returns the labels that a domain has clips of, int64, ascending."""
        return np.unique(self.labels[self.domains == domain])

    def domain_names(self) -> tuple[str, ...]:
        """Returns the domains, sorted."""
        return tuple(str(name) for name in np.unique(self.domains))


def save(clips: Clips, folder: Path) -> None:
    """Writes clips into a folder; without inputs, only their table."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / TABLE).open("w", encoding="utf-8", newline="") as file:
        file.write(table.line(_COLUMNS))
        for i in range(len(clips.labels)):
            file.write(
                table.line(
                    (
                        clips.utterance_ids[i],
                        clips.domains[i],
                        clips.speakers[i],
                        clips.label_set.labels[clips.labels[i]],
                        *(clips.folds[name.removeprefix("fold_")][i] for name in _FOLDS),
                    )
                )
            )
    facts: dict[str, Any] = {"digest": clips.digest, "labels": clips.label_set.to_text()}
    if clips.inputs is not None:
        clips.inputs.save(folder / _INPUTS)
        facts["row_shape"] = list(clips.inputs.row_shape)
    (folder / _META).write_text(json.dumps(facts) + "\n", encoding="utf-8")


def load(folder: Path) -> Clips:
    """Reads what `save` wrote; inputs stay in their file, which processes share."""
    rows = [row.values for row in table.rows(folder / TABLE, required=_COLUMNS)]
    facts = json.loads((folder / _META).read_text(encoding="utf-8"))
    # Folders written before there were label sets name none.
    text = facts.get("labels")
    label_set = LabelSet.from_text(text) if text else PAPER
    inputs = folder / _INPUTS
    return Clips(
        inputs=FileRows.open(inputs, tuple(facts["row_shape"])) if inputs.exists() else None,
        labels=np.array([label_set.index(row["emotion"]) for row in rows], np.int64),
        domains=np.array([row["domain"] for row in rows]),
        speakers=np.array([row["speaker"] for row in rows]),
        utterance_ids=np.array([row["utterance_id"] for row in rows]),
        folds={
            name.removeprefix("fold_"): np.array([int(row[name]) for row in rows], np.int64)
            for name in _FOLDS
        },
        digest=facts["digest"],
        label_set=label_set,
    )
