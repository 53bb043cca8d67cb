"""Failed log-ins are slowed down: each failure too many doubles the time until the next try.

What is counted is who tries, never whom they try: no stranger can lock a user out.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary

import msgspec

from kassa.auth.queue import Turn
from kassa.kit.clock import MINUTE, SECOND, Clock, Millis
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

MAILS_TO_ONE = Limit(free=3, forgotten_every=20 * MINUTE)
"""Mails to one address, whichever account it is of."""
MAILS_FOR_ONE = Limit(free=20, forgotten_every=3 * MINUTE)
"""Mails that one household has sent, to whomever."""

LOAD = Limit(free=20, forgotten_every=15 * MINUTE)
"""What a household has had of the hashing goes into who is next, up to `free`: whoever shares an address with many has
their turn, too."""
MOST_AT_ONCE = 10
"""Of one household: one is tried, the others wait for it."""
REMEMBERED = 50_000


class Counted(msgspec.Struct, frozen=True):
    """When all will be forgotten, how many there were at the last one, and from when on there may be another."""

    forgotten_at: Millis
    count: int
    next_at: Millis

    def left(self, limit: Limit, now: Millis) -> int:
        """How many are not forgotten yet."""
        return -(-max(0, self.forgotten_at - now) // limit.forgotten_every)

    def another(self, limit: Limit, now: Millis) -> "Counted":
        """With one more, now."""
        added = Counted(max(now, self.forgotten_at) + limit.forgotten_every, 0, now)
        count = added.left(limit, now)
        return Counted(added.forgotten_at, count, now + limit.wait(count))


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

    @property
    def loading(self) -> tuple[str, ...]:
        """What each try is a load of."""
        return ("load", *self.trying)


class Lane:
    """Where the tries of one household, or to one account from devices that it knows, wait for each other."""

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
        self._lanes: WeakValueDictionary[tuple[str, ...], Lane] = WeakValueDictionary()

    @asynccontextmanager
    async def turn(self, trier: Trier) -> AsyncIterator[Turn]:
        """Hold the turn to try one password; TooManyRequests if it is too early.

        One try at a time for each household: otherwise many at once would all pass before the first one has failed,
        and one household would have all places of the queue.
        """
        self._refuse_if_early(trier)
        lane = self._lanes.setdefault(trier.trying, Lane())
        if lane.inside >= MOST_AT_ONCE:
            raise TooManyRequests(1)
        lane.inside += 1
        try:
            async with lane.turn:
                self._refuse_if_early(trier)
                self._count(trier.trying, TRIES)
                yield self._turn(trier)
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

    def may_mail(self, household: str, email: str) -> bool:
        """Whether another mail may be sent to the address because of what the household asks: then it is counted."""
        keys = {("mails to", email): MAILS_TO_ONE, ("mails for", household): MAILS_FOR_ONE}
        now = self._clock.now()
        if any(self._counted.get(key, _NEVER).left(limit, now) >= limit.free for key, limit in keys.items()):
            return False
        for key, limit in keys.items():
            self._count(key, limit)
        return True

    def newcomer(self, address: str) -> Turn:
        """The turn of whoever makes an account, and has tried nothing."""
        return self._turn(Trier("", address))

    def _turn(self, trier: Trier) -> Turn:
        now = self._clock.now()
        load = self._counted.get(trier.loading, _NEVER).left(LOAD, now)
        self._count(trier.loading, LOAD)
        return Turn(trier.household, min(load, LOAD.free), is_known=bool(trier.device))

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
