"""The threads that models answer in, apart from the one that talks to clients."""

import asyncio
from collections.abc import Callable
from concurrent import futures
from typing import TypeVar

from serving.embedded.errors import ServingError

Result = TypeVar("Result")


class Workers:
    """Threads that answer requests, of which others wait.

    A request whose deadline passes or whose client goes while it waits is never begun.

    Args:
      threads: Number of requests answered at a time.
      waiting: Most requests that are answered or wait.
    """

    def __init__(self, threads: int, *, waiting: int):
        self._pool = futures.ThreadPoolExecutor(threads, thread_name_prefix="predict")
        self._waiting = waiting
        self._present = 0

    async def run(self, function: Callable[[], Result]) -> Result:
        """Returns what a function returns in one of the threads.

        Raises:
          ServingError: Too many requests wait (RESOURCE_EXHAUSTED).
        """
        if self._present >= self._waiting:
            raise ServingError(
                "RESOURCE_EXHAUSTED",
                f"{self._present} requests are being answered or wait; try again later",
            )
        self._present += 1
        try:
            # Where gRPC cancels the call, this cancels what a thread has not begun.
            return await asyncio.get_running_loop().run_in_executor(self._pool, function)
        finally:
            self._present -= 1

    def close(self) -> None:
        """Drops what waits, and ends the threads after what they are at."""
        self._pool.shutdown(wait=False, cancel_futures=True)
