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


def apart(value: float, other: float) -> tuple[str, str]:
    """Formats two rates with three decimals, or as many as tell them apart.

    >>> apart(0.2496, 0.25), apart(0.291, 0.3), apart(0.25, 0.25)
    (('0.2496', '0.2500'), ('0.291', '0.300'), ('0.250', '0.250'))
    """
    for decimals in range(3, 18):
        texts = f"{value:.{decimals}f}", f"{other:.{decimals}f}"
        if texts[0] != texts[1]:
            return texts
    return three(value), three(other)


def bare(value: float | None, *, sign: bool = False) -> str:
    """Formats a rate as the paper does, without the zero before the point.

    >>> bare(0.6142), bare(-0.0954, sign=True), bare(0.04, sign=True), bare(float("nan"))
    ('.614', '−.095', '+.040', '–')
    """
    if value is None or not math.isfinite(value):
        return NOTHING
    text = f"{value:+.3f}" if sign else f"{value:.3f}"
    if text == "-0.000":
        text = "+0.000"
    # From 1 on there is no zero to leave out.
    return text.replace("0.", ".", 1).replace("-", "−") if abs(value) < 0.9995 else text


def percent(value: float | None) -> str:
    """Formats a share as a whole percentage.

    >>> percent(0.254), percent(None)
    ('25%', '–')
    """
    return f"{value:.0%}" if is_known(value) else NOTHING


def signed_percent(value: float | None) -> str:
    """Formats a share as a percentage with its sign.

    >>> signed_percent(0.0731), signed_percent(-0.0731), signed_percent(float("nan"))
    ('+7.3%', '−7.3%', '–')
    """
    return f"{value:+.1%}".replace("-", "−") if is_known(value) else NOTHING


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


def brief(text: str, *, length: int = 300) -> str:
    r"""Returns the first line of a text, cut after `length` characters.

    >>> brief("ValueError: no clips\nTraceback …"), brief("a long error", length=6)
    ('ValueError: no clips', 'a long…')
    """
    first = text.strip().partition("\n")[0]
    return first if len(first) <= length else first[:length] + "…"
