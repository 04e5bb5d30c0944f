"""A study's cells divided over parts, which run beside each other and share a store."""

from collections.abc import Hashable, Sequence

from modules.study import cells


def own_cells(planned: Sequence[cells.Cell], part: int, parts: int) -> list[cells.Cell]:
    """Returns the cells of one part, in the order of the plan.

    A training and what starts from it are in one part, and so are all SVMs on the same features, so
    that no part waits for another one. The parts have about the same number of epochs to train.

    Args:
      planned: All cells of the study.
      part: The part, from 0.
      parts: Number of parts.
    """
    families: dict[Hashable, list[cells.Cell]] = {}
    for cell in planned:
        families.setdefault(_family(cell), []).append(cell)
    loads, owner = [0] * parts, {}
    # The longest first; the plan's order decides between equals.
    for family, own in sorted(families.items(), key=lambda each: -sum(map(_epochs, each[1]))):
        lightest = loads.index(min(loads))
        loads[lightest] += sum(map(_epochs, own))
        owner[family] = lightest
    return [cell for cell in planned if owner[_family(cell)] == part]


def _family(cell: cells.Cell) -> Hashable:
    if isinstance(cell, cells.FineTuning):
        return cell.parent
    return cell if isinstance(cell, cells.Training) else cell.features


def _epochs(cell: cells.Cell) -> int:
    """Returns how many domains a cell's epochs go over; an SVM counts as one."""
    if isinstance(cell, cells.Training):
        return cell.settings.epochs * len(cell.domains)
    return cell.settings.epochs if isinstance(cell, cells.FineTuning) else 1
