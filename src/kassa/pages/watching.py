"""An order's status as server-sent events (WHATWG HTML, 9.2), for as long as it may change.

The pages are a client of the API, so what a stream tells it has asked for, less and less often. It holds a connection
and little else; there are limits all the same, and who finds none free asks again and again, as without streams.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, NamedTuple, TypeAlias

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath, SkipValidation

from kassa.kit.household import household
from kassa.pages.checkout import status_of
from kassa.pages.client import ApiProblem
from kassa.pages.visit import Visiting

MOST, MOST_OF_ONE = 500, 6
"""Streams of a process, and of one network address: HTTP/1.1 gives a browser six connections."""
FIRST_PAUSE, SLOWER, LONGEST_PAUSE = 0.5, 1.3, 5.0
HEARTBEAT_SECONDS = 15.0
"""Proxies cut off what says nothing for a minute."""
LIFE_SECONDS = 600.0
"""The browser asks anew then, and who has been logged out meanwhile is told so."""


class Status(NamedTuple):
    """What is shown of an order, as HTML; the same `state` looks the same."""

    state: str
    html: str
    is_final: bool


class Streams:
    """Those of one process."""

    def __init__(self, pause: float = FIRST_PAUSE, heartbeat: float = HEARTBEAT_SECONDS) -> None:
        self._pause = pause
        self._heartbeat = heartbeat
        self._of: Counter[str] = Counter()
        self._ending = asyncio.Event()

    @property
    def open(self) -> int:
        """How many there are."""
        return self._of.total()

    def has_room(self, address: str) -> bool:
        """Whether there may be one more for this network address."""
        return not self._ending.is_set() and self.open < MOST and self._of[address] < MOST_OF_ONE

    def end(self) -> None:
        """The process stops: no stream keeps it waiting."""
        self._ending.set()

    async def follow(self, address: str, first: Status, look: Callable[[], Awaitable[Status]]) -> AsyncIterator[str]:
        """The events of a stream: what is shown first, and each time that it is another one."""
        self._of[address] += 1
        try:
            async for each in self._followed(first, look):
                yield each
        finally:
            self._of[address] -= 1
            self._of += Counter()  # Those that have none any more are forgotten.

    async def _followed(self, shown: Status, look: Callable[[], Awaitable[Status]]) -> AsyncIterator[str]:
        now = asyncio.get_running_loop().time
        ends_at, silent_since, pause = now() + LIFE_SECONDS, now(), self._pause
        yield _event(shown)
        while not shown.is_final and now() < ends_at and not await self._ends_within(pause):
            pause = min(pause * SLOWER, LONGEST_PAUSE)
            try:
                seen = await look()
            except ApiProblem as problem:
                if problem.status < 500:
                    return  # The browser comes again, and is told there.
                continue
            if seen.state != shown.state:
                shown, silent_since, pause = seen, now(), self._pause
                yield _event(shown)
            elif now() - silent_since >= self._heartbeat:
                silent_since = now()
                yield ":\n\n"

    async def _ends_within(self, seconds: float) -> bool:
        try:
            await asyncio.wait_for(self._ending.wait(), seconds)
        except TimeoutError:
            return False
        return True


def _event(status: Status) -> str:
    name = "event: last\n" if status.is_final else ""
    return name + "".join(f"data: {line}\n" for line in status.html.splitlines()) + "\n"


Streaming: TypeAlias = NamedDependency[SkipValidation[Streams]]


@get("/checkout/events/{order_id:str}", include_in_schema=False)
async def checkout_events(visit: Visiting, streams: Streaming, order_id: FromPath[str]) -> Response[Any]:
    """The part of the page that changes, each time that it does. 204, which browsers do not ask again after, if there
    are too many already."""
    address = household(visit.request.client.host) if visit.request.client else ""

    async def look() -> Status:
        return Status(*await status_of(visit, order_id))

    first = await look()
    if not streams.has_room(address):
        return visit.nothing()
    return visit.events(streams.follow(address, first, look))


WATCHING: tuple[Any, ...] = (checkout_events,)
