"""An event loop whose time is simulated: where a real one would wait, this one jumps to the next moment."""

import asyncio
import heapq
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor
from contextvars import Context
from itertools import count
from typing import TypeVar, TypeVarTuple

Given = TypeVarTuple("Given")
T = TypeVar("T")


# What comes a nanosecond apart comes at the same time.
_SAME = 1e-9


class Stuck(Exception):
    """Everybody waits, and nothing will ever happen again."""


class SimulatedLoop(asyncio.BaseEventLoop):
    """Its `time()` starts at 0 seconds; two runs of the same program do the same things in the same order. It has no
    files, threads or signals."""

    def __init__(self) -> None:
        super().__init__()
        self._now = 0.0
        self._order = count()
        self._soon: deque[asyncio.Handle] = deque()
        self._later: list[tuple[float, int, asyncio.TimerHandle]] = []

    def time(self) -> float:
        return self._now

    def call_soon(
        self, callback: Callable[[*Given], object], *args: *Given, context: Context | None = None
    ) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, self, context)
        self._soon.append(handle)
        return handle

    def call_soon_threadsafe(
        self, callback: Callable[[*Given], object], *args: *Given, context: Context | None = None
    ) -> asyncio.Handle:
        return self.call_soon(callback, *args, context=context)

    def call_later(
        self, delay: float, callback: Callable[[*Given], object], *args: *Given, context: Context | None = None
    ) -> asyncio.TimerHandle:
        return self.call_at(self._now + delay, callback, *args, context=context)

    def call_at(
        self, when: float, callback: Callable[[*Given], object], *args: *Given, context: Context | None = None
    ) -> asyncio.TimerHandle:
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        heapq.heappush(self._later, (when, next(self._order), handle))
        return handle

    def run_in_executor(
        self, executor: Executor | None, work: Callable[[*Given], T], *args: *Given
    ) -> asyncio.Future[T]:
        """At once: there are no threads."""
        future: asyncio.Future[T] = self.create_future()
        try:
            future.set_result(work(*args))
        except Exception as error:
            future.set_exception(error)
        return future

    def _run_once(self) -> None:
        """What `run_forever` repeats until somebody has called `stop`."""
        soon, later = self._soon, self._later
        if not soon:
            while later and later[0][2].cancelled():
                heapq.heappop(later)
            if not later:
                raise Stuck
            self._now = max(self._now, later[0][0])
            while later and later[0][0] <= self._now + _SAME:
                soon.append(heapq.heappop(later)[2])
        for _ in range(len(soon)):
            handle = soon.popleft()
            if not handle.cancelled():
                handle._run()
