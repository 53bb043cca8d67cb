"""Buyers who think again: they withdraw from what they have bought, of all of it or of pieces, at random, and twice."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from kassa.app.shop import Shop, present
from kassa.contracts.inventory import Line
from kassa.kit.identity import Principal
from kassa.kit.ids import WITHDRAWAL, Ids
from kassa.kit.problem import Problem
from kassa.order.domain import Order, Todo
from kassa.order.parcels import Withdrawal

if TYPE_CHECKING:
    from kassa.simulation.world import World


class SecondThoughts:
    """Of the orders that were paid: `lines` are what each is of."""

    def __init__(self, world: "World", staff: Principal, lines: Mapping[str, Sequence[Line]]) -> None:
        self._world = world
        self._staff = staff
        self._lines = lines
        self._chance = world.chance("second thoughts")
        self._ids = Ids(world.clock, world.chance("withdrawals").randbytes)

    async def come(self, paid: Sequence[str], seconds: float, many: int) -> None:
        """So many, about orders that are paid by then."""
        if not self._world.is_withdrawn_from:
            return
        for _ in range(many):
            await asyncio.sleep(self._chance.expovariate(many / seconds))
            if paid:
                await self._withdraw(self._chance.choice(paid))

    async def _withdraw(self, order_id: str) -> None:
        chance, lines = self._chance, self._lines[order_id]
        line = chance.choice(lines)
        some = (Line(line.product_id, chance.randint(1, line.quantity)),)
        wanted = some if chance.random() < 0.7 else ()
        asked = Withdrawal(
            id=self._ids.new(WITHDRAWAL), number=0, lines=wanted, name="A Buyer", received_at=0, refund_by=0
        )

        async def state(shop: Shop) -> None:
            service = present(shop.withdrawals, "order")
            order = await service.orders.get(order_id)
            await service.withdraw(order, asked, order.user_id)

        try:
            await self._world.insist(order_id, state)
            if chance.random() < 0.3:  # Whoever has seen no answer.
                await self._world.insist(order_id, state)
            if chance.random() < 0.1:
                await self._world.insist(order_id, lambda shop: self._close(shop, order_id))
        except Problem:
            return  # Refusals are fine.

    async def _close(self, shop: Shop, order_id: str) -> None:
        """Staff says that nothing more is owed."""
        service = present(shop.withdrawals, "order")
        await service.close(order_id, 1, "paid in cash", self._staff)


def waits_for_a_refund(order: Order) -> bool:
    """Whether nothing is to be done for the order but a refund that staff owes, in days."""
    waiting = [effect for effect in order.effects if effect.done_at is None]
    return bool(waiting) and all(effect.kind == Todo.REFUND_DUE for effect in waiting)
