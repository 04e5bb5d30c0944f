"""What the registries of networks and trainings allow.

Functions with imports of their own: a registry is loaded where a key of its values is checked.
"""


def approaches() -> tuple[str, ...]:
    """Returns the names of the transfer approaches."""
    from modules.training.transfer import APPROACHES

    return tuple(APPROACHES)


def paper_approaches() -> tuple[str, ...]:
    """Returns the names of the approaches that the paper compares."""
    from modules.training.transfer import PAPER_APPROACHES

    return PAPER_APPROACHES


def approaches_or_choice() -> tuple[str, ...]:
    """Returns the approaches, and the word for the one that does best on an inner split."""
    from modules.training.transfer import AUTO

    return (*approaches(), AUTO)


def architectures() -> tuple[str, ...]:
    """Returns the names of the network architectures."""
    from modules.networks.waveform import ARCHITECTURES

    return ARCHITECTURES


def presets() -> tuple[str, ...]:
    """Returns the names of the architectures' presets."""
    from modules.networks.waveform import PRESETS

    return tuple(PRESETS)


def precisions() -> tuple[str, ...]:
    """Returns the precisions that networks can compute in."""
    from modules.networks.waveform import PRECISIONS

    return PRECISIONS


def tables() -> tuple[int, ...]:
    """Returns the numbers of the paper's tables that a study can make."""
    from modules.study.design import TABLES

    return TABLES
