"""The numbers of orders, which people can say: handed out to each process in blocks, so that an order waits for none.

A block is taken by compare-and-set before any number of it is used, so that none is ever used twice, whatever crashes;
what is left of it when a process ends is skipped.
"""

import asyncio
import re

from kassa.kit.documents import Collection, CollectionSpec, Conflict, Document, Duplicate
from kassa.order.domain import Order

FIRST = 1001
"""Where a shop's numbers begin, if it has not said otherwise."""
BLOCK = 20
"""One more write every so many orders; and at most so many numbers are skipped when a process ends."""
LARGEST = 2**53 - 1
"""What every reader of JSON reads exactly (RFC 8259, 6)."""
ONLY = "orders"
_NUMBER = re.compile(r"[0-9]{1,18}")


class Series(Document, frozen=True, kw_only=True):
    """Numbers below `next` have been handed out."""

    next: int


SERIES = CollectionSpec("order_numbers", Series)


async def called(orders: Collection[Order], typed: str) -> Order | None:
    """The order with the number that a person has typed: `1042`, or `#1042`; None if it is no order's."""
    digits = typed.strip().removeprefix("#")
    return await orders.first({"number": int(digits)}) if _NUMBER.fullmatch(digits) else None


class Numbers:
    """Gives each order its number; none is below `first`."""

    def __init__(self, series: Collection[Series], first: int = FIRST) -> None:
        self.series = series
        self._first = first
        self._left = range(0)
        self._taking = asyncio.Lock()

    async def take(self) -> int:
        """A number that no order has and that is never given again. Unavailable."""
        while not self._left:
            async with self._taking:
                self._left = self._left or await self._block()
        number, self._left = self._left[0], self._left[1:]
        return number

    async def _block(self) -> range:
        while True:
            known = await self.series.get(ONLY)
            first = max(self._first, known.next if known is not None else 0)
            version = known.version if known is not None else 0
            taken = Series(id=ONLY, version=version, next=first + BLOCK)
            try:
                await (self.series.save(taken) if known is not None else self.series.insert(taken))
            except (Conflict, Duplicate):
                continue
            return range(first, first + BLOCK)
