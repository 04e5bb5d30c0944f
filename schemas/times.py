"""Times as people write them."""

import re

_CLOCK = re.compile(
    r"(?:(?P<days>\d+) days? ?)?(?:(?P<hours>\d+):)?(?P<minutes>\d{1,2})"
    r":(?P<seconds>\d{1,2}(?:[.,]\d+)?)"
)


def parse_seconds(text: str, *, decimal_comma: bool = False) -> float | None:
    """Returns a time in seconds; `None` if the text is none.

    Args:
      text: A number of seconds, `HH:MM:SS.mmm`, `MM:SS.mmm`, or pandas' `0 days 00:00:01.500`.
      decimal_comma: Whether a number may have a comma for its point.

    >>> parse_seconds("1.5"), parse_seconds("00:01:02.250"), parse_seconds("0 days 00:00:01.5")
    (1.5, 62.25, 1.5)
    >>> parse_seconds("1,5", decimal_comma=True), parse_seconds("01:02,5"), parse_seconds("1 m")
    (1.5, 62.5, None)
    """
    if clock := _CLOCK.fullmatch(text):
        days, hours, minutes = (int(clock[name] or 0) for name in ("days", "hours", "minutes"))
        seconds = float(clock["seconds"].replace(",", "."))
        if seconds >= 60 or (clock["hours"] and minutes >= 60):
            return None
        return ((days * 24 + hours) * 60 + minutes) * 60 + seconds
    if whole_days := re.fullmatch(r"(\d+) days?", text):
        return 86_400.0 * int(whole_days[1])
    try:
        return float(text.replace(",", ".") if decimal_comma else text)
    except ValueError:
        return None
