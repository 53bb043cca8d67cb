"""Figures that take long to work out: reports, and how many there are of something."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, TypeVar

from kassa.kit.clock import MINUTE, Clock, Millis
from kassa.kit.documents import Total

T = TypeVar("T")

SHARE = 50
"""A figure is good for so many times as long as it took: to know it costs at most that part of the time."""

QUICK: Millis = 50
"""What took no longer is worked out anew each time, if it tells of few."""

MANY = 20_000
"""Of so many nobody sees that one came a moment ago, and to count them costs more than the page that tells it."""

LONGEST_KEPT: Millis = 5 * MINUTE
MOST_KEPT = 1_000


class Figures:
    """Each figure is worked out by one at a time, for all who ask meanwhile, and the seldomer the longer that takes. So
    however much is stored and however many ask, it costs no more. `least` is how long each is good for at least."""

    def __init__(self, clock: Clock, least: Millis = 0) -> None:
        self._clock = clock
        self._least = least
        self._known: dict[Hashable, _Figure] = {}

    async def get(self, key: Hashable, work: Callable[[], Awaitable[T]]) -> T:
        """The figure of this name: what `work` returns, or what it raises."""
        known = self._known
        figure = known.get(key)
        if figure is None or not figure.is_good(self._clock.now()):
            if len(known) >= MOST_KEPT:
                known.clear()
            figure = known[key] = _Figure(work(), self._clock, self._least)
        answer: T = await asyncio.shield(figure.work)
        if not figure.is_good(self._clock.now()) and known.get(key) is figure:
            del known[key]
        return answer

    def now(self) -> Millis:
        """The time by the clock that figures age by."""
        return self._clock.now()

    def forget(self) -> None:
        """Something was changed here: whoever asks from now on gets figures that know of it."""
        self._known = {}


class _Figure:
    def __init__(self, work: Awaitable[Any], clock: Clock, least: Millis) -> None:
        self.work = asyncio.ensure_future(work)
        self._good: tuple[Millis, Millis] | None = None
        self._clock = clock
        self._least = least
        self._began = clock.now()
        self.work.add_done_callback(self._end)

    def is_good(self, now: Millis) -> bool:
        """Whether it is being worked out, or still holds. A clock that was set back makes none good for ever."""
        if self._good is None:
            return not self.work.done()
        since, until = self._good
        return since <= now < until

    def _end(self, work: "asyncio.Future[Any]") -> None:
        if work.cancelled() or work.exception() is not None:
            return
        now = self._clock.now()
        took = max(0, now - self._began)
        is_dear = took > QUICK or _counted(work.result()) > MANY
        kept = max(self._least, min(SHARE * took, LONGEST_KEPT) if is_dear else 0)
        self._good = (now, now + kept)


def _counted(answer: Any) -> int:
    """How many documents a figure tells of: a number of them, or what they add up to in groups."""
    if isinstance(answer, list):
        return sum(each.count for each in answer if isinstance(each, Total))
    return answer if isinstance(answer, int) else 0
