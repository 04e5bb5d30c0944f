"""Which channel of a recording an utterance is."""

# The first is what an empty column means.
FIRST, LEFT, RIGHT, CENTRE, MIX = "", "left", "right", "centre", "mix"
NAMES: tuple[str, ...] = (LEFT, RIGHT, CENTRE, MIX)
ALLOWED = "left, right, centre, mix, or a number from 1 on"


def is_channel(text: str) -> bool:
    """Returns whether a text names a channel.

    >>> is_channel(""), is_channel("left"), is_channel("3"), is_channel("0"), is_channel("front")
    (True, True, True, False, False)
    """
    return text in (FIRST, *NAMES) or (text.isascii() and text.isdecimal() and 0 < int(text) < 1000)
