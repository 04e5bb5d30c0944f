"""What the registries of networks and trainings allow.

Functions with imports of their own: a registry is loaded where a key of its values is checked.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from modules.networks.front_end import FrontEnd


def approaches() -> tuple[str, ...]:
    """Returns the names of the transfer approaches."""
    from modules.networks.approaches import APPROACHES

    return tuple(APPROACHES)


def paper_approaches() -> tuple[str, ...]:
    """Returns the names of the approaches that the paper compares."""
    from modules.networks.approaches import PAPER_APPROACHES

    return PAPER_APPROACHES


def approaches_or_choice() -> tuple[str, ...]:
    """Returns the approaches, and the word for the one that does best on an inner split."""
    from modules.networks.approaches import AUTO

    return (*approaches(), AUTO)


def front_ends() -> tuple[str, ...]:
    """Returns the names of the front ends."""
    from modules.networks.registry import FRONT_ENDS

    return tuple(FRONT_ENDS)


def front_end(name: str) -> "FrontEnd":
    """Returns a front end, which tells its presets and precisions."""
    from modules.networks.registry import FRONT_ENDS

    return FRONT_ENDS[name]


def svm_features() -> tuple[str, ...]:
    """Returns the names of the features that a study's SVMs can be given."""
    from modules.baselines.features import FEATURE_SETS

    return tuple(FEATURE_SETS)


def tables() -> tuple[int, ...]:
    """Returns the numbers of the paper's tables that a study can make."""
    from modules.study.design import TABLES

    return TABLES


def beyond() -> tuple[str, ...]:
    """Returns the names of what a study can measure beside the paper's tables."""
    from modules.study.design import BEYOND

    return BEYOND
