"""Memory that a burst of large requests took, given back to the system."""

import contextlib
import ctypes
import threading


class Memory:
    """Remembers that large requests came, and gives back what they leave."""

    def __init__(self) -> None:
        self._large = threading.Event()

    def large(self) -> None:
        """Tells that a large request came."""
        self._large.set()

    def give_back(self) -> None:
        """Gives back what is free, if there was a large request lately."""
        if self._large.is_set():
            self._large.clear()
            # Only glibc keeps what was freed, and only glibc has this.
            with contextlib.suppress(OSError, AttributeError):
                ctypes.CDLL(None).malloc_trim(0)
