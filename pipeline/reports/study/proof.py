"""What the store holds of a design's cells, and the proof of what each fine-tuning froze."""

import collections
import dataclasses
from collections.abc import Iterator
from typing import Any

from modules.study import cells
from modules.study.cells import FineTuning
from pipeline.reports.study import approaches
from pipeline.reports.study.results import Results


def records(results: Results) -> Iterator[dict[str, Any]]:
    """Yields what the store holds of the design's cells, without scores."""
    for cell in results.design.plan():
        if cell in results.store:
            record = results.store.get(cell)
            record["clips"] = len(record.pop("tested"))
            del record["scores"]
            yield record


def unchanged(record: dict[str, Any]) -> list[str]:
    """Returns the layer groups whose weights are the same before and after a fine-tuning."""
    before = record.get("weight_hashes_before", {})
    return [group for group, digest in before.items() if record["weight_hashes"][group] == digest]


@dataclasses.dataclass(frozen=True, kw_only=True)
class ApproachProof:
    """In how many fine-tunings an approach was carried out.

    Attributes:
      approach: Its name, with those that come to the same.
      frozen, reinitialised: What it does to which layer groups.
      cells: Number of fine-tunings.
      right: Number of those in which the frozen groups, and only they, stayed as they were.
    """

    approach: str
    frozen: tuple[str, ...]
    reinitialised: tuple[str, ...]
    cells: int
    right: int


def proofs(results: Results) -> list[ApproachProof]:
    """Returns the proof of each approach that has results."""
    planned: dict[str, FineTuning] = {}
    right: collections.Counter[str] = collections.Counter()
    total: collections.Counter[str] = collections.Counter()
    for record in records(results):
        cell = cells.from_json(record["cell"])
        if isinstance(cell, FineTuning):
            planned[cell.approach] = cell
            total[cell.approach] += 1
            right[cell.approach] += set(unchanged(record)) == set(approaches.frozen(cell))
    names = {
        name: ", ".join(own)
        for own in approaches.alike(results.design.network, results.design.approaches)
        for name in own
    }
    return [
        ApproachProof(
            approach=names.get(name, name),
            frozen=approaches.frozen(planned[name]),
            reinitialised=approaches.reinitialised(planned[name]),
            cells=total[name],
            right=right[name],
        )
        for name in approaches.in_order(planned)
    ]
