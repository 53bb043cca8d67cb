"""Inits, adjustments and restockings: written down in the documents store before Redis is told, and how they ended.

A server that loses its last writes can lose what somebody was told is done. These three are told from nowhere else.
"""

from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import TypeVar

import msgspec

from kassa.contracts.inventory import InsufficientStock, Level, Line, StockExists, UnknownStock
from kassa.inventory.stock import By, Kind
from kassa.inventory.stock_redis_moves import Moves
from kassa.kit.clock import Millis
from kassa.kit.documents import Between, Collection, CollectionSpec, Document, Duplicate, Index, change
from kassa.kit.inputs import movement_id

T = TypeVar("T")
_PAGE = 500


class Outcome(StrEnum):
    """`asked`: not known. `done` is for good; what was refused may be asked for again under the same id."""

    ASKED = "asked"
    DONE = "done"
    REFUSED = "refused"


class Operation(Document, frozen=True, kw_only=True):
    """One init, adjustment (its one line's quantity may be negative) or restocking."""

    kind: Kind
    operation_id: str
    lines: tuple[Line, ...]
    reason: str
    who: str
    request_id: str
    at: Millis
    outcome: Outcome = Outcome.ASKED

    @property
    def takes_away(self) -> bool:
        """Whether fewer pieces are available after it."""
        return any(line.quantity < 0 for line in self.lines)


OPERATIONS = CollectionSpec("stock_operations", Operation, (Index("by_time", ("at",)),))


def operation_key(kind: Kind, product_id: str, operation_id: str) -> str:
    """The id of the operation's document; a restocking is one operation, whatever its products."""
    return movement_id(kind, "" if kind is Kind.RESTOCK else product_id, operation_id)


def operation(kind: Kind, lines: tuple[Line, ...], operation_id: str, reason: str, at: Millis, by: By) -> Operation:
    """An operation that is asked for."""
    return Operation(
        id=operation_key(kind, lines[0].product_id if lines else "", operation_id),
        kind=kind,
        operation_id=operation_id,
        lines=lines,
        reason=reason,
        who=by.who,
        request_id=by.request_id,
        at=at,
    )


async def carry_out(moves: Moves, asked: Operation) -> Level | None:
    """Have Redis do it, which is harmless if it was done; an adjustment returns the level."""
    by = By(asked.who, asked.request_id)
    if asked.kind is Kind.RESTOCK:
        await moves.restock(asked.operation_id, asked.lines, asked.reason, asked.at)
        return None
    line = asked.lines[0]
    about = (line.product_id, line.quantity, asked.operation_id, asked.reason, asked.at, by)
    if asked.kind is Kind.ADJUST:
        return await moves.adjust(*about)
    await moves.init(*about)
    return None


class Operations:
    """The collection of them."""

    def __init__(self, collection: Collection[Operation]) -> None:
        self._collection = collection

    async def do(self, asked: Operation, work: Callable[[Operation], Awaitable[T]]) -> T:
        """Write it down, carry it out, note how it ended. The first asking under an id decides what it is."""
        stored = await self._written(asked)
        try:
            result = await work(stored)
        except (InsufficientStock, StockExists, UnknownStock):
            await self._note(stored, Outcome.REFUSED)
            raise
        await self._note(stored, Outcome.DONE)
        return result

    async def since(self, at: Millis) -> list[Operation]:
        """Those asked for since then."""
        found: list[Operation] = []
        after: str | None = None
        while page := await self._collection.find({"at": Between(at)}, limit=_PAGE, after=after, order="oldest"):
            found += page
            after = page[-1].id
        return found

    async def by_id(self, ids: list[str]) -> list[Operation]:
        """Those with these ids."""
        return await self._collection.many(ids)

    async def is_empty(self) -> bool:
        """Whether there never was one."""
        return not await self._collection.find({}, limit=1)

    async def _written(self, asked: Operation) -> Operation:
        try:
            return await self._collection.insert(asked)
        except Duplicate:
            stored = await change(self._collection, asked.id, lambda known: _asked_again(known, asked))
        return stored or asked

    async def _note(self, stored: Operation, outcome: Outcome) -> None:
        if stored.outcome is not outcome:
            await change(self._collection, stored.id, lambda known: _ended(known, outcome))


def _asked_again(known: Operation, asked: Operation) -> Operation:
    if known.outcome is not Outcome.REFUSED:
        return known
    return msgspec.structs.replace(asked, version=known.version)


def _ended(known: Operation, outcome: Outcome) -> Operation:
    if known.outcome in (Outcome.DONE, outcome):
        return known
    return msgspec.structs.replace(known, outcome=outcome)
