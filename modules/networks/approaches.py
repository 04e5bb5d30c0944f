"""The transfer approaches (paper, section 3.3), as data. Adding one: a line in `APPROACHES`.

An approach names layer groups by position, so that it means the same for every architecture.
"""

import dataclasses

from modules.networks.front_end import LayerGroups
from modules.training.records import Fate
from schemas.errors import UserError

# From a group up to, but not including, another, counted from the input. As in Python's slices, a
# negative number counts from the last group, and `None` stands for the end.
Span = tuple[int, int | None]

EVERY: Span = (0, None)
FIRST: Span = (0, 1)
FIRST_TWO: Span = (0, 2)
BEHIND_FIRST: Span = (1, None)
BEHIND_SECOND: Span = (2, None)
BELOW_LAST: Span = (0, -1)
LAST: Span = (-1, None)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Approach:
    """What happens to each layer group of a pre-trained network on its way to a target.

    Groups that are neither frozen nor re-initialised start from the pre-trained weights and learn.

    Attributes:
      summary: One line for tables and the command line's help.
      frozen: Groups whose weights stay as pre-trained.
      reinitialised: Groups that start anew.
      fine_tuned: Whether there is any training on the target.
      l2_sp: Strength of the pull towards the pre-trained weights, see `optimizers`.
      unfrozen: Number of groups that the front end holds as they came, counted from the last of
        them, that learn nonetheless.
    """

    summary: str
    frozen: tuple[Span, ...] = ()
    reinitialised: tuple[Span, ...] = ()
    fine_tuned: bool = True
    l2_sp: float = 0.0
    unfrozen: int = 0


# Those of the paper, which names A1 to A8. Its network's groups are conv1, conv2, lstm, dense.
_PAPER: dict[str, Approach] = {
    "A1": Approach(summary="as pre-trained", frozen=(EVERY,), fine_tuned=False),
    "A2": Approach(summary="all groups tuned"),
    "A3": Approach(summary="first group frozen", frozen=(FIRST,)),
    "A4": Approach(summary="first two groups frozen", frozen=(FIRST_TWO,)),
    "A5": Approach(summary="all but the last group frozen", frozen=(BELOW_LAST,)),
    "A6": Approach(
        summary="first group frozen, the others new",
        frozen=(FIRST,),
        reinitialised=(BEHIND_FIRST,),
    ),
    "A7": Approach(
        summary="first two groups frozen, the others new",
        frozen=(FIRST_TWO,),
        reinitialised=(BEHIND_SECOND,),
    ),
    "A8": Approach(
        summary="all but the last group frozen, the last one new",
        frozen=(BELOW_LAST,),
        reinitialised=(LAST,),
    ),
}
# The inverse cut-offs are those of surgical fine-tuning (Lee et al. 2022, arXiv 2210.11466), L2-SP
# is that of Li, Grandvalet & Davoine 2018.
_BEYOND: dict[str, Approach] = {
    "conv1-only": Approach(summary="only the first group tuned", frozen=(BEHIND_FIRST,)),
    "convs-only": Approach(summary="only the first two groups tuned", frozen=(BEHIND_SECOND,)),
    "lstm-only": Approach(summary="only the third group tuned", frozen=(FIRST_TWO, (3, None))),
    "A2-L2SP": Approach(summary="all groups tuned, held near their start by L2-SP", l2_sp=0.01),
    "A2-unfrozen": Approach(
        summary="all groups tuned, the last one that the front end holds among them", unfrozen=1
    ),
}
APPROACHES: dict[str, Approach] = {**_PAPER, **_BEYOND}
PAPER_APPROACHES = tuple(_PAPER)
# In place of an approach: the one that does best on an inner split of the target's training folds.
AUTO = "auto"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Adaptation:
    """An approach, carried over to the layer groups of one network.

    Attributes:
      approach: Name in `APPROACHES`.
      groups: Names of the network's groups, from the input upwards.
      frozen, reinitialised: Those of them that are, in the same order.
      fine_tuned: Whether there is any training on the target.
      l2_sp: Strength of the pull towards the pre-trained weights.
    """

    approach: str
    groups: tuple[str, ...]
    frozen: tuple[str, ...]
    reinitialised: tuple[str, ...]
    fine_tuned: bool
    l2_sp: float

    @property
    def fates(self) -> dict[str, Fate]:
        """The fate of each group."""
        return {group: self._fate(group) for group in self.groups}

    @property
    def prefix(self) -> tuple[str, ...]:
        """The frozen groups if they are the lowest ones without a gap, else none."""
        lowest = self.groups[: len(self.frozen)]
        return lowest if lowest == self.frozen else ()

    @property
    def has_new_head(self) -> bool:
        """Whether the outputs are re-initialised, so that they may be those of other labels."""
        return self.groups[-1] in self.reinitialised

    def _fate(self, group: str) -> Fate:
        if group in self.frozen:
            return "frozen"
        return "re-initialised" if group in self.reinitialised else "tuned"


def resolve(approach: str, groups: LayerGroups, *, held: tuple[str, ...] = ()) -> Adaptation:
    """Returns what an approach does to the layer groups of a network.

    Args:
      approach: Name in `APPROACHES`.
      groups: Layer groups of the network.
      held: Those of them, the lowest ones, that came trained: frozen, whatever the approach would
        do with them, unless it unfreezes them.

    Raises:
      UserError: There is no such approach, or the network has too few groups for it.

    >>> groups = {"conv1": (), "conv2": (), "lstm": (), "dense": ()}
    >>> resolve("A7", groups).fates["lstm"], resolve("lstm-only", groups).frozen
    ('re-initialised', ('conv1', 'conv2', 'dense'))
    >>> resolve("A6", groups, held=("conv1", "conv2")).fates["conv2"]
    'frozen'
    """
    if approach not in APPROACHES:
        raise UserError(
            f"there is no approach {approach}; there are {', '.join([*APPROACHES, AUTO])}"
        )
    found = APPROACHES[approach]
    names = tuple(groups)
    frozen = [_named(span, names) for span in found.frozen]
    reinitialised = [_named(span, names) for span in found.reinitialised]
    staying = set(held[: len(held) - found.unfrozen])
    kept = staying.union(*frozen)
    adaptation = Adaptation(
        approach=approach,
        groups=names,
        frozen=tuple(name for name in names if name in kept),
        reinitialised=tuple(name for part in reinitialised for name in part if name not in staying),
        fine_tuned=found.fine_tuned,
        l2_sp=found.l2_sp,
    )
    learning = [name for name in names if name not in adaptation.frozen]
    what = f"approach {approach} ({found.summary})"
    if found.unfrozen > len(held):
        raise UserError(
            f"{what} is for front ends that hold groups as they came, and this network's holds"
            f" {', '.join(held) or 'none'}; choose another approach"
        )
    if not all([*frozen, *reinitialised]) or (found.fine_tuned and not learning and not held):
        raise UserError(
            f"{what} needs a network of more layer groups than {', '.join(names)}; choose another"
            " approach, or a network of more groups"
        )
    if found.fine_tuned and not learning:
        raise UserError(
            f"{what} leaves nothing to learn: of {', '.join(names)} the front end holds"
            f" {', '.join(held)} as they came; choose another approach"
        )
    return adaptation


def first_alike(approach: str, groups: LayerGroups, *, held: tuple[str, ...] = ()) -> str:
    """Returns the first approach that comes to the same on a network; arguments as of `resolve`.

    >>> groups = {"block1": (), "block2": (), "pooling": (), "dense": ()}
    >>> first_alike("A4", groups, held=("block1", "block2")), first_alike("A4", groups)
    ('A2', 'A4')
    """
    wanted = dataclasses.replace(resolve(approach, groups, held=held), approach="")
    for name in APPROACHES:
        try:
            found = resolve(name, groups, held=held)
        except UserError:
            continue
        if dataclasses.replace(found, approach="") == wanted:
            return name
    return approach


def _named(span: Span, names: tuple[str, ...]) -> tuple[str, ...]:
    """Returns the groups in a span; none if it begins or ends beyond them."""
    start, end = span
    if start >= len(names) or (end is not None and abs(end) > len(names)):
        return ()
    return names[start:end]
