"""Tells how the stock moves: what each product has left, as soon as the ledger says that it moved. Several movements in
a moment are told as one."""

import asyncio

import msgspec
import structlog

from kassa.app.following import CLOCKS_DIFFER, Ears, Heard
from kassa.contracts.events import MOST_AT_ONCE, Events, NewEvent
from kassa.inventory.stock import Movement, Stock
from kassa.kit.clock import Millis
from kassa.kit.documents import Collection, Duplicate, change
from kassa.kit.ids import PRODUCT, is_id
from kassa.kit.inputs import outgoing_id, stock_of

CHANGED, LOW = "stock.changed", "stock.low"
NAME = "stock"
log = structlog.get_logger()


class StockFollower:
    """Follows the ledger from where it was when somebody began to listen, or a bit before. `low` is the stock that is
    told as low."""

    def __init__(self, stock: Stock, events: Events, ears: Ears, heard: Collection[Heard], low: int) -> None:
        self._stock = stock
        self._events = events
        self._ears = ears
        self._heard = heard
        self._low = low
        self._following = asyncio.Lock()

    async def run_due(self, limit: int = 100) -> int:
        """A turn; how many movements were told."""
        await self._ears.learn()
        if self._following.locked():
            return 0
        async with self._following:
            since = self._ears.since
            return 0 if since is None else await self._tell(await self._known(since))

    async def _known(self, since: Millis) -> Heard:
        """How far the ledger was told; when somebody has just begun to listen, as far as it had come by then."""
        known = await self._heard.get(NAME)
        if known is not None and known.since == since:
            return known
        return await self._keep(since, await self._number_at(since - CLOCKS_DIFFER))

    async def _number_at(self, start: Millis) -> int:
        """The number of the last movement before this time, looked for from the end."""
        newest = await self._stock.recent(1)
        end = newest[0].number if newest else 0
        while end > 0:
            some = await self._stock.ledger(max(0, end - MOST_AT_ONCE), MOST_AT_ONCE)
            if older := [each.number for each in some if each.at < start]:
                return max(older)
            end -= MOST_AT_ONCE
        return 0

    async def _tell(self, known: Heard) -> int:
        moved = await self._stock.ledger(known.number, MOST_AT_ONCE)
        if not moved:
            return 0
        last = {each.product_id: each for each in moved if is_id(PRODUCT, each.product_id)}
        levels = await self._stock.levels(list(last))
        told = [self._event(each, levels[each.product_id].available) for each in last.values()]
        if told:
            await self._events.publish(told)
        await self._keep(known.since, moved[-1].number)
        return len(moved)

    def _event(self, movement: Movement, left: int) -> NewEvent:
        product_id, number = movement.product_id, movement.number
        type = LOW if left <= self._low else CHANGED
        subject = stock_of(product_id)
        event_id = outgoing_id(subject, number)
        data = {"productId": product_id, "stock": left}
        return NewEvent(event_id, type, movement.at, subject, number, subject, data)

    async def _keep(self, since: Millis | None, number: int) -> Heard:
        def kept(known: Heard) -> Heard:
            is_further = known.since != since or known.number < number
            return msgspec.structs.replace(known, since=since, number=number) if is_further else known

        while (stored := await change(self._heard, NAME, kept)) is None:
            try:
                stored = await self._heard.insert(Heard(id=NAME, since=since, number=number))
            except Duplicate:
                continue
            break
        return stored
