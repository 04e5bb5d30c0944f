"""The threads that models answer in, apart from the one that talks to clients."""

import asyncio
import collections
from collections.abc import Callable, Hashable, Iterator, Sequence
from concurrent import futures
from contextlib import contextmanager
from typing import Any, TypeVar

from serving.embedded.errors import ServingError

Item = TypeVar("Item")
Result = TypeVar("Result")
_Waiting = collections.deque[tuple[Any, "asyncio.Future[Any]"]]


class Workers:
    """Threads that answer requests, of which others wait.

    A request whose deadline passes or whose client goes while it waits is never begun.

    Args:
      threads: Number of requests, or of batches of them, answered at a time.
      waiting: Most requests that are answered or wait.
      batch: Most requests that are answered together.
    """

    def __init__(self, threads: int, *, waiting: int, batch: int = 1):
        self._pool = futures.ThreadPoolExecutor(threads, thread_name_prefix="predict")
        self._waiting = waiting
        self._batch = batch
        self._queues: dict[Hashable, _Waiting] = {}
        self.present = 0

    async def run(self, function: Callable[[], Result]) -> Result:
        """Returns what a function returns in one of the threads.

        Raises:
          ServingError: Too many requests wait (RESOURCE_EXHAUSTED).
        """
        with self._admitted():
            # Where gRPC cancels the call, this cancels what a thread has not begun.
            return await asyncio.get_running_loop().run_in_executor(self._pool, function)

    async def together(
        self,
        key: Hashable,
        item: Item,
        function: Callable[[Sequence[Item]], Sequence[Result | Exception]],
    ) -> Result:
        """Returns what a function makes of an item, together with others that wait meanwhile.

        A thread that gets free takes what waits, so that batches are as large as the load asks for,
        and nothing waits for a batch to fill.

        Args:
          key: What items must have in common to be answered together.
          item: What the function takes several of.
          function: Returns a result, or what went wrong, for each item.

        Raises:
          ServingError: Too many requests wait (RESOURCE_EXHAUSTED).
        """
        loop = asyncio.get_running_loop()
        with self._admitted():
            queue = self._queues.setdefault(key, collections.deque())
            future: asyncio.Future[Result] = loop.create_future()
            queue.append((item, future))
            self._pool.submit(self._take, queue, function, loop)
            try:
                return await future
            finally:
                if not queue:
                    self._queues.pop(key, None)

    def close(self) -> None:
        """Drops what waits, and ends the threads after what they are at."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    @contextmanager
    def _admitted(self) -> Iterator[None]:
        if self.present >= self._waiting:
            raise ServingError(
                "RESOURCE_EXHAUSTED",
                f"{self.present} requests are being answered or wait; try again later",
            )
        self.present += 1
        try:
            yield
        finally:
            self.present -= 1

    def _take(
        self,
        queue: _Waiting,
        function: Callable[[Sequence[Any]], Sequence[Any]],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        """Answers what waits in a queue, in one of the threads; nothing, if another one did."""
        taken: list[tuple[Any, asyncio.Future[Any]]] = []
        while len(taken) < self._batch and queue:
            try:
                item, future = queue.popleft()
            except IndexError:
                # Another thread was faster.
                break
            if not future.cancelled():
                taken.append((item, future))
        if not taken:
            return
        try:
            results = function([item for item, _ in taken])
        except Exception as error:
            results = [error] * len(taken)
        for (_, future), result in zip(taken, results, strict=True):
            loop.call_soon_threadsafe(_settle, future, result)


def _settle(future: "asyncio.Future[Any]", result: Any) -> None:
    # A client may have gone in the meantime.
    if future.cancelled():
        return
    if isinstance(result, Exception):
        future.set_exception(result)
    else:
        future.set_result(result)
