"""From recordings to the network's input."""

from typing import Annotated

from pipeline.config.section import Section, one_of
from schemas.sound import OVER_LENGTH, PER_UTTERANCE, STANDARDISATIONS, TRUNCATE


class Audio(Section):
    """From recordings to the network's input."""

    over_length: Annotated[str, one_of(lambda: OVER_LENGTH)] = TRUNCATE
    """What becomes of clips over 3.375 s: cut, or left out (the paper)."""
    trim_silence: bool = False
    """Whether leading and trailing silence goes first."""
    standardisation: Annotated[str, one_of(lambda: STANDARDISATIONS)] = PER_UTTERANCE
