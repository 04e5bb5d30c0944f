"""What the registries of networks and trainings allow.

Functions with imports of their own: a registry is loaded where a key of its values is checked.
"""


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


def architectures() -> tuple[str, ...]:
    """Returns the names of the network architectures."""
    from modules.networks.registry import ARCHITECTURES

    return tuple(ARCHITECTURES)


def presets() -> tuple[str, ...]:
    """Returns the names of the architectures' presets."""
    from modules.networks.registry import ARCHITECTURES

    return tuple(dict.fromkeys(name for each in ARCHITECTURES.values() for name in each.presets))


def precisions() -> tuple[str, ...]:
    """Returns the precisions that networks can compute in."""
    from modules.networks.registry import ARCHITECTURES

    return tuple(dict.fromkeys(name for each in ARCHITECTURES.values() for name in each.precisions))


def svm_features() -> tuple[str, ...]:
    """Returns the names of the features that a study's SVMs can be given."""
    from modules.baselines.features import FEATURE_SETS

    return tuple(FEATURE_SETS)


def tables() -> tuple[int, ...]:
    """Returns the numbers of the paper's tables that a study can make."""
    from modules.study.design import TABLES

    return TABLES
