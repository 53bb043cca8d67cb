"""How long one waits: a request as a whole has one deadline, however many it asks on its way."""

import asyncio
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from kassa.kit.problem import Unavailable

deadline: ContextVar[float | None] = ContextVar("deadline", default=None)
"""The moment, by time.monotonic(), after which nobody waits for the answer any more; None: nobody has said."""

_AFTER_WAITING_SECONDS = 2.0
_LOOK_SECONDS = 0.25


def waited_in_vain() -> None:
    """Somebody has been waited for as long as one is, and did not answer. Whoever waits for this request's own answer
    does not wait as long again for another: what is left to do must be quick."""
    deadline.set(min(deadline.get() or math.inf, time.monotonic() + _AFTER_WAITING_SECONDS))


@contextmanager
def no_longer_than(seconds: float) -> Iterator[None]:
    """What can be done without is waited for so long."""
    before = deadline.set(min(deadline.get() or math.inf, time.monotonic() + seconds))
    try:
        yield
    finally:
        deadline.reset(before)


def seconds_left(patience: float) -> float:
    """How long one may wait of so many seconds: no longer than somebody waits for the answer. Unavailable if nobody
    does any more."""
    until = deadline.get()
    left = patience if until is None else min(patience, until - time.monotonic())
    if left <= 0:
        raise Unavailable("there is no time left for an answer")
    return left


def passed_on(seconds: float) -> tuple[bytes, bytes]:
    """The header that tells a service how long its answer is waited for: a little less, so that one that has no time
    left says so and why, before nobody hears it."""
    return b"x-internal-deadline", b"%d" % int(seconds * 900)


class Waiting:
    """Those who wait for a store; each is told `why` when `patience` seconds have passed, or its request's time is up.

    They are looked at four times a second: a timer for each would cost as much as what is waited for.
    """

    def __init__(self, patience: float, why: str) -> None:
        self._patience = patience
        self._why = why
        self._until: dict[asyncio.Future[Any], float] = {}
        self._is_watched = False
        self._loop = asyncio.get_running_loop()

    def add(self, future: asyncio.Future[Any]) -> float:
        """Somebody begins to wait, until the loop's time that is returned. Unavailable if there is no time left."""
        until = self._until[future] = self._loop.time() + seconds_left(self._patience)
        if not self._is_watched:
            self._is_watched = True
            self._loop.call_later(_LOOK_SECONDS, self._look)
        return until

    def _look(self) -> None:
        now = self._loop.time()
        self._until = {future: until for future, until in self._until.items() if not future.done()}
        for future, until in self._until.items():
            if until < now:
                future.set_exception(Unavailable(self._why))
        self._is_watched = bool(self._until)
        if self._is_watched:
            self._loop.call_later(_LOOK_SECONDS, self._look)
