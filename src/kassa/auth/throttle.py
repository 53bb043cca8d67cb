"""Failed log-ins are slowed down: each failure too many doubles the time until the next try."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary

import msgspec

from kassa.kit.clock import HOUR, MINUTE, SECOND, Clock, Millis
from kassa.kit.problem import TooManyRequests


class Limit(msgspec.Struct, frozen=True):
    """After `free` failures the next try has to wait a second, then two, four … up to `longest`."""

    free: int
    longest: Millis

    def wait(self, failures: int) -> Millis:
        """How long to wait after so many failures."""
        if failures < self.free:
            return 0
        return min(self.longest, SECOND << min(failures - self.free, 30))


FROM_ONE_ADDRESS = Limit(free=5, longest=15 * MINUTE)
FROM_ANYWHERE = Limit(free=20, longest=MINUTE)
"""For one email address, whoever tries: gentler, so that strangers cannot lock a user out for long."""

FORGOTTEN_AFTER: Millis = 24 * HOUR
REMEMBERED = 50_000


class Failures(msgspec.Struct):
    """How often in a row, and when last."""

    count: int
    last_at: Millis


class Throttle:
    """Counts failed log-ins per client address and email, and per email.

    In memory, so it is per process and gone after a restart. At most `remembered` counts are kept, the oldest are
    dropped first: to push one out costs an attacker as many password checks. A success resets both counts.
    """

    def __init__(self, clock: Clock, remembered: int = REMEMBERED) -> None:
        self._clock = clock
        self._remembered = remembered
        self._failures: OrderedDict[tuple[str, ...], Failures] = OrderedDict()
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def turn(self, address: str, email: str) -> AsyncIterator[None]:
        """Hold the turn to try one password for this email; TooManyRequests if it is too early.

        One try at a time for each email: otherwise many at once would all pass before the first one has failed.
        """
        self._refuse_if_early(address, email)
        lock = self._turns.setdefault(email, asyncio.Lock())
        async with lock:
            self._refuse_if_early(address, email)
            yield

    def failed(self, address: str, email: str) -> None:
        """The password was wrong."""
        now = self._clock.now()
        for key in ((address, email), (email,)):
            count = self._count(key, now) + 1
            self._failures[key] = Failures(count, now)
            self._failures.move_to_end(key)
        while len(self._failures) > self._remembered:
            self._failures.popitem(last=False)

    def succeeded(self, address: str, email: str) -> None:
        """The password was right."""
        self._failures.pop((address, email), None)
        self._failures.pop((email,), None)

    def _refuse_if_early(self, address: str, email: str) -> None:
        now = self._clock.now()
        wait = max(
            self._left((address, email), FROM_ONE_ADDRESS, now),
            self._left((email,), FROM_ANYWHERE, now),
        )
        if wait > 0:
            raise TooManyRequests(-(-wait // SECOND))

    def _left(self, key: tuple[str, ...], limit: Limit, now: Millis) -> Millis:
        count = self._count(key, now)
        return self._failures[key].last_at + limit.wait(count) - now if count else 0

    def _count(self, key: tuple[str, ...], now: Millis) -> int:
        known = self._failures.get(key)
        return known.count if known is not None and now - known.last_at < FORGOTTEN_AFTER else 0
