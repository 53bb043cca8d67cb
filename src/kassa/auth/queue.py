"""Who waits for one of a few places, and who goes first."""

import asyncio
import bisect
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import IntEnum
from itertools import count

from kassa.kit.problem import Unavailable


class Rank(IntEnum):
    """Who is served first. Whoever is of one rank is served in the order of coming."""

    KNOWN = 0
    """Has logged in to this account from this device before."""
    FRESH = 1
    """From a household that has not failed for a day."""
    OTHER = 2


class Queue:
    """`places` are taken at a time; `waiting` more wait. When as many wait, the last of the lowest rank goes away with
    Unavailable: nobody would wait so long."""

    def __init__(self, places: int, waiting: int) -> None:
        self._free = places
        self._most_waiting = waiting
        self._waiting: list[tuple[Rank, int, asyncio.Future[None]]] = []
        self._numbers = count()

    @asynccontextmanager
    async def place(self, rank: Rank) -> AsyncIterator[None]:
        """Hold a place. Unavailable if too many wait who go first."""
        if self._free:
            self._free -= 1
        else:
            await self._wait(rank)
        try:
            yield
        finally:
            self._hand_on()

    async def _wait(self, rank: Rank) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        ticket = (rank, next(self._numbers), turn)
        bisect.insort(self._waiting, ticket)
        if len(self._waiting) > self._most_waiting:
            too_late = self._waiting.pop()[2]
            too_late.set_exception(Unavailable("too many log-ins at this moment; try again in a few seconds"))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self._hand_on()  # It had been given a place already.
            elif ticket in self._waiting:
                self._waiting.remove(ticket)
            raise

    def _hand_on(self) -> None:
        while self._waiting:
            turn = self._waiting.pop(0)[2]
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1
