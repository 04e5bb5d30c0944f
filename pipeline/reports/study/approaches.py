"""What the reports have to know of approaches: their order, and the groups that they freeze."""

from collections.abc import Iterable

from modules.networks.approaches import APPROACHES, AUTO, PAPER_APPROACHES, first_alike, resolve
from modules.networks.registry import NetworkSpec
from modules.study import cells
from modules.study.cells import FineTuning


def in_order(approaches: Iterable[str]) -> list[str]:
    """Returns the paper's approaches first, then those beyond it, then `auto`."""
    order = [*PAPER_APPROACHES, *(name for name in APPROACHES if name not in PAPER_APPROACHES)]
    asked = set(approaches)
    return [name for name in [*order, AUTO] if name in asked]


def fine_tuned(approach: str) -> bool:
    """Returns whether an approach, or every choice of `auto`, may train on the target."""
    return approach == AUTO or APPROACHES[approach].fine_tuned


def without_fine_tuning() -> tuple[str, ...]:
    """Returns the approaches that take the pre-trained network as it is."""
    return tuple(name for name, approach in APPROACHES.items() if not approach.fine_tuned)


def alike(network: NetworkSpec, approaches: Iterable[str]) -> list[list[str]]:
    """Returns the approaches without `auto`, in order, those together that come to the same."""
    found: dict[str, list[str]] = {}
    for name in in_order(approaches):
        if name != AUTO:
            first = first_alike(name, network.groups, held=network.held)
            found.setdefault(first, []).append(name)
    return list(found.values())


def starts_anew(network: NetworkSpec, approach: str) -> bool:
    """Returns whether an approach leaves nothing of a pre-training in a network."""
    found = resolve(approach, network.groups, held=network.held)
    return {*found.reinitialised, *network.held} == set(found.groups)


def frozen(cell: FineTuning) -> tuple[str, ...]:
    """Returns the layer groups that a fine-tuning must not change."""
    return cells.adaptation(cell).frozen


def reinitialised(cell: FineTuning) -> tuple[str, ...]:
    """Returns the layer groups that a fine-tuning starts anew."""
    return cells.adaptation(cell).reinitialised
