"""Who waits for one of a few places, and who goes first: households take turns."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count

import msgspec

from kassa.kit.problem import Unavailable

KNOWN_IN_A_ROW = 3
"""So many known devices go before one of all others, who would wait for ever else."""


class Turn(msgspec.Struct, frozen=True):
    """Who wants a place: the household, how much it has had of late, and whether the device is one that the account
    knows."""

    household: str = ""
    load: int = 0
    is_known: bool = False


class _Ticket(msgspec.Struct, frozen=True):
    household: str
    cost: int
    """What the household has had, and what it waits for besides."""
    number: int
    called: asyncio.Future[None]

    @property
    def order(self) -> tuple[int, int]:
        return self.cost, self.number


class _Line:
    """Served first is who has had least. When it is full, the last of the household that has most in it goes away."""

    def __init__(self, waiting: int) -> None:
        self._most_waiting = waiting
        self._numbers = count()
        self.tickets: list[_Ticket] = []

    def enter(self, turn: Turn) -> _Ticket:
        called: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        ahead = sum(each.household == turn.household for each in self.tickets)
        ticket = _Ticket(turn.household, turn.load + ahead, next(self._numbers), called)
        self.tickets.append(ticket)
        if len(self.tickets) > self._most_waiting:
            shares = Counter(each.household for each in self.tickets)
            too_many = max(self.tickets, key=lambda each: (shares[each.household], each.order))
            self.tickets.remove(too_many)
            too_many.called.set_exception(Unavailable("too many log-ins at this moment; try again in a few seconds"))
        return ticket

    def first(self) -> _Ticket:
        ticket = min(self.tickets, key=lambda each: each.order)
        self.tickets.remove(ticket)
        return ticket


class Queue:
    """`places` are taken at a time; as many as `waiting` known devices wait for one, and as many others."""

    def __init__(self, places: int, waiting: int) -> None:
        self._free = places
        self._known, self._others = _Line(waiting), _Line(waiting)
        self._known_in_a_row = 0

    @asynccontextmanager
    async def place(self, turn: Turn) -> AsyncIterator[None]:
        """Hold a place. Unavailable if the household has more in a full line than all others."""
        if self._free:
            self._free -= 1
        else:
            await self._wait(self._known if turn.is_known else self._others, turn)
        try:
            yield
        finally:
            self._hand_on()

    async def _wait(self, line: _Line, turn: Turn) -> None:
        ticket = line.enter(turn)
        try:
            await ticket.called
        except asyncio.CancelledError:
            if ticket in line.tickets:
                line.tickets.remove(ticket)
            elif ticket.called.done() and not ticket.called.cancelled() and ticket.called.exception() is None:
                self._hand_on()  # It had been given a place already.
            raise

    def _hand_on(self) -> None:
        while line := self._next_line():
            called = line.first().called
            if not called.done():
                called.set_result(None)
                return
        self._free += 1

    def _next_line(self) -> _Line | None:
        is_others_turn = not self._known.tickets or self._known_in_a_row >= KNOWN_IN_A_ROW
        if self._others.tickets and is_others_turn:
            self._known_in_a_row = 0
            return self._others
        self._known_in_a_row += 1
        return self._known if self._known.tickets else None
