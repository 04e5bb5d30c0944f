"""Numbers and lists in words, the same in every report, table and message."""

import math
from collections.abc import Iterable

NOTHING = "–"


def is_known(value: float | None) -> bool:
    """Returns whether a figure is a finite number."""
    return value is not None and math.isfinite(value)


def three(value: float | None) -> str:
    """Formats a rate with three decimals.

    >>> three(0.5), three(float("nan")), three(None)
    ('0.500', '–', '–')
    """
    return f"{value:.3f}" if is_known(value) else NOTHING


def signed(value: float | None) -> str:
    """Formats a difference of rates with its sign.

    >>> signed(0.04), signed(-0.04), signed(float("nan"))
    ('+0.040', '−0.040', '–')
    """
    return f"{value:+.3f}".replace("-", "−") if is_known(value) else NOTHING


def percent(value: float | None) -> str:
    """Formats a share as a whole percentage.

    >>> percent(0.254), percent(None)
    ('25%', '–')
    """
    return f"{value:.0%}" if is_known(value) else NOTHING


def duration(seconds: float) -> str:
    """Formats a duration, given in seconds.

    >>> duration(0.04), duration(75.2), duration(3720)
    ('0.0 s', '1 min 15 s', '1 h 2 min')
    """
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def kilohertz(rate_hz: int) -> str:
    """Formats a rate.

    >>> kilohertz(48_000), kilohertz(22_050)
    ('48 kHz', '22.05 kHz')
    """
    return f"{rate_hz / 1_000:g} kHz"


def listed(words: Iterable[str]) -> str:
    """Joins words as in a sentence.

    >>> listed(["conv1"]), listed(["conv1", "conv2", "lstm"])
    ('conv1', 'conv1, conv2 and lstm')
    """
    *most, last = [*words] or [""]
    return f"{', '.join(most)} and {last}" if most else last


def plural(count: int, noun: str) -> str:
    """Returns a number with its noun.

    >>> plural(1, "clip"), plural(1_200, "clip")
    ('1 clip', '1,200 clips')
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
