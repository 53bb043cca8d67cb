"""Failed log-ins are slowed down: each failure too many doubles the time until the next try.

What is counted is who tries, never whom they try: no stranger can lock a user out.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary

import msgspec

from kassa.auth.queue import Rank
from kassa.kit.clock import DAY, MINUTE, SECOND, Clock, Millis
from kassa.kit.problem import TooManyRequests


class Limit(msgspec.Struct, frozen=True):
    """After `free` of them the next one has to wait a second, then two, four … up to `longest`. One is forgotten every
    `forgotten_every`."""

    free: int
    forgotten_every: Millis
    longest: Millis = 15 * MINUTE

    def wait(self, count: int) -> Millis:
        """How long to wait after so many."""
        if count < self.free:
            return 0
        return min(self.longest, SECOND << min(count - self.free, 30))


ONE_ACCOUNT = Limit(free=5, forgotten_every=15 * MINUTE)
"""Failures of one household, or of one device, with one account."""
ALL_ACCOUNTS = Limit(free=20, forgotten_every=30 * SECOND)
"""Failures of one household, whatever it tries."""
TRIES = Limit(free=60, forgotten_every=SECOND)
"""Log-ins of one household, or to one account from devices that it knows: right ones cost as much as wrong ones."""

SUSPECT_FOR: Millis = DAY
"""So long after its last failure is forgotten, a household has to let those go first who did not fail."""
MOST_AT_ONCE = 10
"""Of one household: one is tried, the others wait for it."""
REMEMBERED = 50_000


class Counted(msgspec.Struct, frozen=True):
    """When all will be forgotten, how many there were at the last one, and from when on there may be another."""

    forgotten_at: Millis
    count: int
    next_at: Millis

    def another(self, limit: Limit, now: Millis) -> "Counted":
        """With one more, now."""
        forgotten_at = max(now, self.forgotten_at) + limit.forgotten_every
        count = -(-(forgotten_at - now) // limit.forgotten_every)
        return Counted(forgotten_at, count, now + limit.wait(count))


class Trier(msgspec.Struct, frozen=True):
    """Who tries a password for the address `email`: a `household`, or a `device` that the account `user_id` knows."""

    email: str
    household: str
    device: str = ""
    user_id: str = ""

    @property
    def failing(self) -> dict[tuple[str, ...], Limit]:
        """What a failure counts for."""
        if self.device:
            return {("device", self.device): ONE_ACCOUNT}
        return {("pair", self.household, self.email): ONE_ACCOUNT, ("household", self.household): ALL_ACCOUNTS}

    @property
    def trying(self) -> tuple[str, ...]:
        """What each try counts for."""
        return ("account", self.user_id) if self.device else ("tries", self.household)


class Lane:
    """Where the tries of one household wait for each other."""

    def __init__(self) -> None:
        self.turn = asyncio.Lock()
        self.inside = 0


class Throttle:
    """Counts tries and failures. In memory, so it is per process and gone after a restart.

    At most `remembered` counts are kept. When there are more, the lower half goes, so that an attacker cannot push out
    a high count by making many low ones.
    """

    def __init__(self, clock: Clock, remembered: int = REMEMBERED) -> None:
        self._clock = clock
        self._remembered = remembered
        self._counted: dict[tuple[str, ...], Counted] = {}
        self._lanes: WeakValueDictionary[tuple[bool, str], Lane] = WeakValueDictionary()

    @asynccontextmanager
    async def turn(self, trier: Trier) -> AsyncIterator[Rank]:
        """Hold the turn to try one password; TooManyRequests if it is too early. Gives the rank of the try.

        One try at a time for each household: otherwise many at once would all pass before the first one has failed,
        and one household would have all places of the queue.
        """
        self._refuse_if_early(trier)
        lane = self._lanes.setdefault((bool(trier.device), trier.household), Lane())
        if lane.inside >= MOST_AT_ONCE:
            raise TooManyRequests(1)
        lane.inside += 1
        try:
            async with lane.turn:
                self._refuse_if_early(trier)
                self._count(trier.trying, TRIES)
                yield self._rank(trier)
        finally:
            lane.inside -= 1

    def failed(self, trier: Trier) -> None:
        """The password was wrong."""
        for key, limit in trier.failing.items():
            self._count(key, limit)

    def succeeded(self, trier: Trier) -> None:
        """The password was right. What the household failed with other accounts stays: whoever guesses has an account
        of their own to log in to in between."""
        self._counted.pop(next(iter(trier.failing)), None)

    def _rank(self, trier: Trier) -> Rank:
        if trier.device:
            return Rank.KNOWN
        failed_at = self._counted.get(("household", trier.household), _NEVER).forgotten_at
        return Rank.FRESH if self._clock.now() - failed_at > SUSPECT_FOR else Rank.OTHER

    def _refuse_if_early(self, trier: Trier) -> None:
        keys = (trier.trying, *trier.failing)
        next_at = max(known.next_at for key in keys if (known := self._counted.get(key, _NEVER)))
        wait = next_at - self._clock.now()
        if wait > 0:
            raise TooManyRequests(-(-wait // SECOND))

    def _count(self, key: tuple[str, ...], limit: Limit) -> None:
        now = self._clock.now()
        self._counted[key] = self._counted.get(key, _NEVER).another(limit, now)
        if len(self._counted) > self._remembered:
            self._forget(now)

    def _forget(self, now: Millis) -> None:
        def weight(item: tuple[tuple[str, ...], Counted]) -> tuple[bool, int]:
            return max(item[1].forgotten_at, item[1].next_at) > now, item[1].count

        kept = sorted(self._counted.items(), key=weight, reverse=True)
        self._counted = dict(kept[: self._remembered // 2])


_NEVER = Counted(0, 0, 0)
