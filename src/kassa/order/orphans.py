"""Orphans: reservations that a crash left without an order. The only way to FAILED."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import structlog

from kassa.contracts.inventory import Held, Inventory
from kassa.contracts.order import OrderItem
from kassa.contracts.product import Product
from kassa.kit import inputs
from kassa.kit.audit import Cause
from kassa.kit.clock import SECOND, Clock, Millis
from kassa.kit.documents import Duplicate
from kassa.kit.outbox import Outbox
from kassa.order.domain import Order
from kassa.order.machine import never_placed
from kassa.order.store import OrderStore

ORPHAN_AFTER: Millis = 60 * SECOND

log = structlog.get_logger()


class OrphanRescue:
    """Finds orphans and releases their stock, by making the FAILED order that says so.

    Inventory never releases by time: only an order does, and there is one for each reservation after this.
    """

    def __init__(
        self,
        store: OrderStore,
        product: Product,
        inventory: Inventory,
        outbox: Outbox[Order],
        clock: Clock,
        currency: str,
    ) -> None:
        self._orders = store.orders
        self._product = product
        self._inventory = inventory
        self._outbox = outbox
        self._clock = clock
        self._currency = currency

    def jobs(self) -> list[tuple[str, Millis, Callable[[], Awaitable[Any]]]]:
        """What is to be done regularly: name, every so often (ms), how."""
        return [("rescue orphaned reservations", 30 * SECOND, self.rescue)]

    async def rescue(self) -> int:
        """Fail the orders whose making was interrupted more than 60 s ago; return how many."""
        failed = 0
        while held := await self._inventory.orphans(self._clock.now() - ORPHAN_AFTER):
            failed += sum(await asyncio.gather(*(self._settle(each) for each in held)))
        return failed

    async def _settle(self, held: Held) -> int:
        order_id = inputs.order_of(held.reservation_id)
        if await self._orders.get(order_id) is None:
            return await self._fail(order_id, held)
        await self._inventory.mark(held.reservation_id)
        return 0

    async def _fail(self, order_id: str, held: Held) -> int:
        items = await self._items(held)
        cause = Cause(inputs.orphan(held.reservation_id), "order-service", "its making was interrupted")
        failed = never_placed(order_id, items, self._currency, held.made_at, cause, self._clock.now())
        try:
            inserted = await self._outbox.insert(failed)
        except Duplicate:
            return 0  # its slow writer has made it after all
        log.warning("an interrupted order was failed, its stock will be released", order=order_id)
        await self._outbox.carry_out(inserted)
        return 1

    async def _items(self, held: Held) -> tuple[OrderItem, ...]:
        known = {each.id: each for each in await self._product.snapshot([line.product_id for line in held.lines])}
        return tuple(
            OrderItem(line.product_id, known[line.product_id].name, line.quantity, known[line.product_id].price_minor)
            for line in held.lines
            if line.product_id in known
        )
