"""The register: gives documents their numbers, without gaps, though processes are killed and several enter at once.

The end of the register is one document, saved by compare-and-set. It has the documents that were entered last, with
their numbers; they are issued as soon as it is saved. Before others are entered, and before anybody reads, they are
stored one by one: by whoever comes, since a process may be killed between the two.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime

import msgspec

from kassa.contracts.invoicing import Invoice, Seller
from kassa.invoicing.domain import made_out
from kassa.invoicing.store import ONLY, Head, InvoiceStore
from kassa.kit.clock import SECOND, Clock, Millis
from kassa.kit.documents import Conflict, Duplicate, In

MOST_AT_ONCE = 100
GATHERED_FOR = 0.2
"""Seconds from one entering to the next: what comes in between is entered together, for to enter twelve costs as much
as three alone. Who comes alone does not wait."""
DIGITS = 7


def number_of(year: int, number: int) -> str:
    """`2026-0000042`."""
    return f"{year}-{number:0{DIGITS}}"


class Register:
    """The register in the store. `seller` tells who sells, and what the shop is called. What comes within
    `gathered_for` seconds is entered together."""

    def __init__(
        self,
        store: InvoiceStore,
        clock: Clock,
        seller: Callable[[], Awaitable[tuple[Seller | None, str]]],
        gathered_for: float = GATHERED_FOR,
    ) -> None:
        self.store = store
        self._clock = clock
        self._seller = seller
        self._entering = asyncio.Lock()
        self._waiting: dict[str, Invoice] = {}
        self._head: Head | None = None
        self._stored_up_to = -1
        self._gathered_for = gathered_for
        self._next_at = 0.0

    async def enter(self, documents: Sequence[Invoice]) -> None:
        """Enter them, with all that wait. One whose place in its order is taken is not entered: somebody was faster."""
        mine = {each.place: each for each in documents}
        self._waiting |= mine
        try:
            async with self._entering:
                while self._waiting.keys() & mine.keys():
                    await asyncio.sleep(self._next_at - asyncio.get_running_loop().time())
                    await self._enter_some()
        finally:
            for place, document in mine.items():
                if self._waiting.get(place) is document:
                    del self._waiting[place]

    async def settle(self) -> None:
        """Return when all is stored that was entered."""
        self._head = None
        await self._end()

    async def _enter_some(self) -> None:
        self._next_at = asyncio.get_running_loop().time() + self._gathered_for
        some = dict(list(self._waiting.items())[:MOST_AT_ONCE])
        head = await self._end()
        taken = {each.place for each in await self.store.invoices.find({"place": In(tuple(some))}, limit=len(some))}
        new = [document for place, document in some.items() if place not in taken]
        if new and not await self._enter_behind(head, new):
            return
        for place, document in some.items():
            if self._waiting.get(place) is document:
                del self._waiting[place]

    async def _enter_behind(self, head: Head, new: Sequence[Invoice]) -> bool:
        """Whether they are entered; not, if somebody else was faster."""
        (seller, shop), now = await self._seller(), max(self._clock.now(), head.issued_at)
        year = max(year_of(now), head.year)
        first = head.number + 1 if year == head.year else 1
        added = tuple(
            made_out(document, number_of(year, number), now, seller, shop) for number, document in enumerate(new, first)
        )
        wanted = msgspec.structs.replace(head, year=year, number=first + len(new) - 1, issued_at=now, added=added)
        try:
            self._head = await self.store.heads.save(wanted)
        except Conflict:
            self._head = None
            return False
        await self._store_added(self._head)
        return True

    async def _end(self) -> Head:
        """The end of the register, as far as is known; all of its documents are stored."""
        if self._head is None:
            head = await self.store.heads.get(ONLY)
            if head is None:
                try:
                    head = await self.store.heads.insert(Head(id=ONLY))
                except Duplicate:
                    return await self._end()
            self._head = head
        await self._store_added(self._head)
        return self._head

    async def _store_added(self, head: Head) -> None:
        if head.version > self._stored_up_to:
            await asyncio.gather(*(self._store_one(document) for document in head.added))
            self._stored_up_to = head.version

    async def _store_one(self, document: Invoice) -> None:
        try:
            await self.store.invoices.insert(document)
        except Duplicate:
            return  # by another process


def year_of(at: Millis) -> int:
    """The year, in UTC."""
    return datetime.fromtimestamp(at / SECOND, UTC).year
