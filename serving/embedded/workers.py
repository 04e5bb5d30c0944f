"""The threads that models answer in, apart from the one that talks to clients."""

import asyncio
import collections
import threading
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from concurrent import futures
from contextlib import contextmanager
from typing import Any, TypeVar

from serving.embedded.errors import ServingError

Item = TypeVar("Item")
Result = TypeVar("Result")


class Interest:
    """Whether anybody still waits for what a thread is at.

    Args:
      waiting: Those that wait.
    """

    def __init__(self, waiting: Iterable[object]):
        self._lock = threading.Lock()
        self._waiting = {id(each) for each in waiting}
        self._give_up: list[Callable[[], None]] = []

    @property
    def gone(self) -> bool:
        """Whether nobody waits any longer."""
        with self._lock:
            return not self._waiting

    def leave(self, one: object) -> None:
        """Says that one of them waits no longer."""
        with self._lock:
            self._waiting.discard(id(one))
            called = [] if self._waiting else self._give_up
        for give_up in called:
            give_up()

    @contextmanager
    def ends(self, give_up: Callable[[], None]) -> Iterator[None]:
        """Has a function called, within it, as soon as nobody waits."""
        with self._lock:
            gone = not self._waiting
            self._give_up.append(give_up)
        if gone:
            give_up()
        try:
            yield
        finally:
            with self._lock:
                self._give_up.remove(give_up)


class _Waiting:
    """An item, its result to come, and the batch that it is in, once it is in one."""

    def __init__(self, item: Any, future: "asyncio.Future[Any]"):
        self.item, self.future = item, future
        self.interest: Interest | None = None


_Queue = collections.deque[_Waiting]


class Workers:
    """Threads that answer requests, of which others wait.

    A request whose deadline passes or whose client goes while it waits is never begun, and one that
    a thread is at is told so.

    Args:
      threads: Number of requests, or of batches of them, answered at a time.
      waiting: Most requests that are answered or wait.
      batch: Most requests that are answered together.
    """

    def __init__(self, threads: int, *, waiting: int, batch: int = 1):
        self._pool = futures.ThreadPoolExecutor(threads, thread_name_prefix="predict")
        self._waiting = waiting
        self._batch = batch
        self._queues: dict[Hashable, _Queue] = {}
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
        function: Callable[[Sequence[Item], Interest], Sequence[Result | Exception]],
    ) -> Result:
        """Returns what a function makes of an item, together with others that wait meanwhile.

        A thread that gets free takes what waits, so that batches are as large as the load asks for,
        and nothing waits for a batch to fill.

        Args:
          key: What items must have in common to be answered together.
          item: What the function takes several of.
          function: Returns a result, or what went wrong, for each item; it may end early where
            nobody waits any longer.

        Raises:
          ServingError: Too many requests wait (RESOURCE_EXHAUSTED).
        """
        loop = asyncio.get_running_loop()
        with self._admitted():
            queue = self._queues.setdefault(key, collections.deque())
            future: asyncio.Future[Result] = loop.create_future()
            waiting = _Waiting(item, future)
            queue.append(waiting)
            self._pool.submit(self._take, queue, function, loop)
            try:
                return await future
            finally:
                if waiting.interest is not None:
                    waiting.interest.leave(waiting)
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
        queue: _Queue,
        function: Callable[[Sequence[Any], Interest], Sequence[Any]],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        """Answers what waits in a queue, in one of the threads; nothing, if another one did."""
        taken: list[_Waiting] = []
        while len(taken) < self._batch and queue:
            try:
                waiting = queue.popleft()
            except IndexError:
                # Another thread was faster.
                break
            if not waiting.future.cancelled():
                taken.append(waiting)
        if not taken:
            return
        interest = Interest(taken)
        for waiting in taken:
            waiting.interest = interest
            # It may have left before it could see where to say so.
            if waiting.future.cancelled():
                interest.leave(waiting)
        try:
            results = function([waiting.item for waiting in taken], interest)
        except Exception as error:
            results = [error] * len(taken)
        for waiting, result in zip(taken, results, strict=True):
            loop.call_soon_threadsafe(_settle, waiting.future, result)


def _settle(future: "asyncio.Future[Any]", result: Any) -> None:
    # A client may have gone in the meantime.
    if future.cancelled():
        return
    if isinstance(result, Exception):
        future.set_exception(result)
    else:
        future.set_result(result)
