"""The ledger in the documents store, filled from the stream that the stock's scripts append their movements to.

An entry's id is what makes it unique, so however often a part of the stream is drained, and by however many processes,
each movement is entered once; and the stream is cut only behind what has been entered.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Protocol

import msgspec

from kassa.inventory.stock import Kind, Movement, MovementTotal
from kassa.kit.clock import DAY, Millis
from kassa.kit.documents import Between, Collection, CollectionSpec, Document, Duplicate, In, Index, Where, pages
from kassa.kit.ids import DISCOUNT, is_id
from kassa.kit.inputs import movement_id
from kassa.kit.problem import Unavailable

BATCH = 500
_TRIES = 4
_ABREAST = 16  # Queries: a repair asks for hundreds of single ones, and others want to read meanwhile.


class Entry(Document, frozen=True, kw_only=True):
    """One movement. `totalled` is by what it is summed up: day, kind and reason; empty for uses of discounts. `lines`
    are all lines of its reservation, in JSON, so that the whole of it can be told from any of its entries."""

    number: int
    at: Millis
    product_id: str
    kind: Kind
    quantity: int
    input_id: str
    reason: str
    who: str
    request_id: str
    totalled: str
    lines: str = ""

    @property
    def movement(self) -> Movement:
        """The entry as the port has it."""
        return Movement(**{field: getattr(self, field) for field in Movement.__struct_fields__})


MOVEMENTS = CollectionSpec(
    "stock_movements",
    Entry,
    (Index("by_time", ("at", "totalled", "quantity")), Index("by_cause", ("input_id",))),
    sort="number",
)


def entry(movement: Movement, lines: str) -> Entry:
    """The movement as it is entered."""
    return Entry(
        id=movement_id(movement.kind, movement.product_id, movement.input_id),
        totalled="" if is_id(DISCOUNT, movement.product_id) else _totalled(movement),
        lines=lines,
        **msgspec.structs.asdict(movement),
    )


def _totalled(movement: Movement) -> str:
    return f"{movement.at - movement.at % DAY}:{movement.kind}:{movement.reason}"


class Stream(Protocol):
    """Where movements wait to be entered, in the order of their numbers."""

    async def last_number(self) -> int:
        """The number of the last movement that there was, drained or not."""

    async def waiting(self, up_to: int, limit: int) -> list[Entry]:
        """The first of those that wait: about so many."""

    async def cut(self, up_to: int) -> None:
        """These have been entered."""


class Ledger:
    """Every movement once. What a read returns holds all movements made before it began."""

    def __init__(self, entries: Collection[Entry], stream: Stream) -> None:
        self._entries = entries
        self._stream = stream
        self._few = asyncio.Semaphore(_ABREAST)

    async def drain(self) -> int:
        """Enter all that waits; return the number up to which the ledger is complete then.

        Any number of processes may do so at a time, and may be killed at any point.
        """
        last = await self._stream.last_number()
        while batch := await self._stream.waiting(last, BATCH):
            await self._enter(batch)
            await self._stream.cut(batch[-1].number)
        return last

    async def after(self, number: int, limit: int) -> list[Movement]:
        """Movements with a greater number, in order."""
        complete = await self.drain()
        found = await self._entries.find({"number": Between(number + 1, complete + 1)}, limit=limit, order="oldest")
        return [each.movement for each in found]

    async def recent(self, limit: int) -> list[Movement]:
        """The last movements, the newest first."""
        complete = await self.drain()
        found = await self._entries.find({"number": Between(below=complete + 1)}, limit=limit)
        return [each.movement for each in found]

    async def moved_by(self, input_ids: Sequence[str], product_ids: Sequence[str]) -> list[Movement]:
        """The movements of these products that these reservations and operations have caused, in order."""
        await self.drain()
        ids = [movement_id(kind, product, cause) for cause in input_ids for product in product_ids for kind in Kind]
        return [each.movement for each in sorted(await self._entries.many(ids), key=lambda each: each.number)]

    async def caused_by(self, input_ids: Sequence[str]) -> Mapping[str, Sequence[Entry]]:
        """The entries that each of these reservations and operations has caused, in order, without draining first."""
        found: dict[str, list[Entry]] = {}
        for first in range(0, len(input_ids), BATCH):
            where: Where = {"input_id": In(tuple(input_ids[first : first + BATCH]))}
            async with self._few:
                async for page in pages(self._entries, where):
                    for entry in page:
                        found.setdefault(entry.input_id, []).append(entry)
        return found

    async def known(self, ids: Sequence[str]) -> set[str]:
        """Those of these entries that there are, by their ids."""
        await self.drain()
        return {each.id for each in await self._entries.many(ids)}

    async def totals(self, since: Millis) -> list[MovementTotal]:
        """Movements since then by day, kind and reason."""
        await self.drain()
        found = await self._entries.totals({"at": Between(since)}, "totalled", sum_of="quantity")
        totals = [_total(str(each.key), each.count, each.sum) for each in found if each.key]
        return sorted(totals, key=lambda total: (total.day, total.kind, total.reason))

    async def newest(self) -> Entry | None:
        """The entry with the highest number."""
        found = await self._entries.find({}, limit=1)
        return found[0] if found else None

    async def walk(self, after: int, up_to: int) -> AsyncIterator[list[Entry]]:
        """The entries with numbers between, in order and a page at a time, without draining first."""
        while page := await self.page(after, up_to):
            yield page
            after = page[-1].number

    async def page(self, after: int, up_to: int) -> list[Entry]:
        """The first of them: about so many."""
        return await self._entries.find({"number": Between(after + 1, up_to + 1)}, limit=BATCH, order="oldest")

    async def _enter(self, batch: Sequence[Entry]) -> None:
        """What fails is tried again by itself: were all tried again, a store that fails now and then would never have
        them all."""
        for attempt in range(_TRIES):
            tries = [self._entries.insert(each) for each in batch]
            outcomes = await asyncio.gather(*tries, return_exceptions=True)
            failed = [
                (each, outcome)
                for each, outcome in zip(batch, outcomes, strict=True)
                if isinstance(outcome, BaseException) and not isinstance(outcome, Duplicate)
            ]
            if not failed:
                return
            if attempt == _TRIES - 1 or not all(isinstance(outcome, Unavailable) for _, outcome in failed):
                raise failed[0][1]
            batch = [each for each, _ in failed]


def _total(totalled: str, count: int, quantity: int) -> MovementTotal:
    day, kind, reason = totalled.split(":", 2)
    return MovementTotal(int(day), Kind(kind), reason, count, quantity)
