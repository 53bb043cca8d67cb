"""How many connections a process has, and how long each may take: to send a request, to read an answer, to close."""

import asyncio
import resource
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from math import inf
from typing import Protocol, TypeAlias

import structlog

from kassa.app.settings import Settings
from kassa.gateway.arrival import Headers
from kassa.gateway.limits import Addresses
from kassa.kit import security
from kassa.kit.web import MAX_BODY

OF_HOUSEHOLD = 200
MOST_CONNECTIONS = 10_000
SWEEP_SECONDS = 1.0
LOG_SECONDS = 60.0
_FILES_OF_OUR_OWN = 512

log = structlog.get_logger()


@dataclass(frozen=True)
class Bounds:
    """How much is taken, in bytes, lines, seconds and connections. `of_household` None: no limit for one address.
    `trusted` are the proxies, which speak for many."""

    head_bytes: int = 32 * 1024
    head_lines: int = 100
    head_seconds: float = 15.0
    body_seconds: float = 60.0
    answer_seconds: float = 60.0
    request_bytes: int = 2 * MAX_BODY
    in_all: int = MOST_CONNECTIONS
    of_household: int | None = None
    trusted: Addresses = field(default_factory=Addresses)


class Connection(Protocol):
    """One of them. `household` is whose it is; empty if nobody counts it."""

    household: str

    def look(self, now: float) -> None: ...

    def give_way(self) -> None: ...


TurnAway: TypeAlias = Callable[[str, bytes, Headers], bytes | None]
"""Of a request's method, target and header: the whole answer, if nothing else shall be done for it."""

INNER = Bounds(head_bytes=64 * 1024, head_lines=150)
"""Of a service alone: the gateway adds fields of its own to what it has let through, and calls for everybody."""


def public_bounds(settings: Settings) -> Bounds:
    """Of what anybody may call. Who has lifted the limit of requests has lifted that of connections."""
    of_household = None if settings.rate_limit is None else OF_HOUSEHOLD
    return Bounds(in_all=_room(), of_household=of_household, trusted=Addresses(settings.trusted_proxies))


def _room() -> int:
    """How many connections this process can have, with as many open files as the system allows it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_CONNECTIONS + _FILES_OF_OUR_OWN
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if soft == resource.RLIM_INFINITY:
        return MOST_CONNECTIONS
    return min(MOST_CONNECTIONS, max(soft - _FILES_OF_OUR_OWN, soft // 2))


class Connections:
    """All connections of a process: counts them, ends those that take too long, and tells now and then of those that
    were refused, however many they are."""

    def __init__(self, bounds: Bounds, turn_away: TurnAway = lambda method, target, headers: None) -> None:
        self.bounds = bounds
        self.turn_away = turn_away
        self.waiting: dict[Connection, None] = {}
        """Those without a request, the one that has waited longest first."""
        self._all: dict[Connection, None] = {}
        self._households: dict[str, set[Connection]] = {}
        self._refused: Counter[str] = Counter()
        self._last_from = ""
        self._told_at = -inf

    def take(self, new: Connection) -> bool:
        """Whether there is room for one more. If need be, one that only waits gives its place up."""
        bounds, of_household = self.bounds, self._households.get(new.household, set())
        if new.household and bounds.of_household is not None and len(of_household) >= bounds.of_household:
            if not self._make_room(of_household):
                return False
        elif len(self._all) >= bounds.in_all and not self._make_room(self._all.keys()):
            return False
        self._all[new] = self.waiting[new] = None
        if new.household:
            self._households.setdefault(new.household, set()).add(new)
        return True

    def drop(self, gone: Connection) -> None:
        """It is closed."""
        self._all.pop(gone, None)
        self.waiting.pop(gone, None)
        others = self._households.get(gone.household, set())
        others.discard(gone)
        if not others:
            self._households.pop(gone.household, None)

    def note(self, code: str, household: str) -> None:
        """Somebody was refused, with this problem."""
        self._refused[code] += 1
        self._last_from = household

    async def watch(self) -> None:
        """End what takes too long, for as long as this runs."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            now = loop.time()
            for each in list(self._all):
                each.look(now)
            security.EVENTS.tell()
            if self._refused and now - self._told_at >= LOG_SECONDS:
                log.warning("requests refused at the door", refused=dict(self._refused), last_from=self._last_from)
                self._refused.clear()
                self._told_at = now

    def _make_room(self, among: Collection[Connection]) -> bool:
        longest = next((each for each in self.waiting if each in among), None)
        if longest is not None:
            self.drop(longest)
            longest.give_way()
        return longest is not None
