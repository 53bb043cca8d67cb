"""The warehouse of some runs: whoever sends parcels, takes returns and refunds goods, at random and all at once."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from random import Random
from typing import TYPE_CHECKING, Any

from kassa.app.shop import Shop, present
from kassa.contracts.inventory import Line
from kassa.kit.identity import Principal
from kassa.kit.ids import REFUND, RETURN, SHIPMENT, Ids
from kassa.kit.problem import Problem
from kassa.order.parcels import Return, ReturnState, Shipment
from kassa.payment.paid_parts import Goods

if TYPE_CHECKING:
    from kassa.simulation.world import World

_STATES = (ReturnState.APPROVED, ReturnState.RECEIVED, ReturnState.RECEIVED, ReturnState.DECLINED, ReturnState.CLOSED)


class Warehouse:
    """Works on the orders that were paid: `lines` are what each is of."""

    def __init__(self, world: "World", staff: Principal, lines: Mapping[str, Sequence[Line]]) -> None:
        self._world = world
        self._staff = staff
        self._lines = lines
        self._chance = world.chance("warehouse")
        self._ids = Ids(world.clock, world.chance("parcels").randbytes)
        self._returns: list[tuple[str, str]] = []

    async def work(self, paid: Sequence[str], seconds: float, deeds: int) -> None:
        """So many deeds, on orders that are paid by then."""
        if not self._world.sends_parcels:
            return
        for _ in range(deeds):
            await asyncio.sleep(self._chance.expovariate(deeds / seconds))
            if paid:
                chosen = self._chance.sample((self._send, self._refund, self._send, self._refund, self._return), 2)
                order_id = self._chance.choice(paid)
                await asyncio.gather(*(deed(order_id, self._chance) for deed in chosen))

    def _some(self, order_id: str, chance: Random) -> tuple[Line, ...]:
        line = chance.choice(self._lines[order_id])
        return (Line(line.product_id, chance.randint(1, line.quantity)),)

    async def _send(self, order_id: str, chance: Random) -> None:
        way, number, wanted = chance.random(), chance.randint(1, 2), self._some(order_id, chance)
        shipment = Shipment(id=self._ids.new(SHIPMENT), number=0, lines=(), carrier="DHL", sent_at=0)
        if way < 0.65:
            await self._do(order_id, lambda it, who: it.ship(order_id, shipment, wanted, None, who))
        elif way < 0.75:
            await self._do(order_id, lambda it, who: it.delivered(order_id, number, who))
        elif way < 0.9:
            await self._do(order_id, lambda it, who: it.cancel(order_id, number, who))
        else:
            await self._do(order_id, lambda it, who: it.hold(order_id, "counting", who))
            await self._do(order_id, lambda it, who: it.release(order_id, who))

    async def _return(self, order_id: str, chance: Random) -> None:
        wanted, number, to = self._some(order_id, chance), chance.randint(1, 2), chance.choice(_STATES)
        shelved = wanted if to is ReturnState.RECEIVED and chance.random() < 0.6 else ()
        asked = Return(
            id=self._ids.new(RETURN), number=0, lines=wanted, state=to, asked_at=0, updated_at=0, reason="broken"
        )
        if await self._do(order_id, lambda it, who: it.ask_back(order_id, asked, who)):
            self._returns.append((order_id, asked.id))
        await self._do(order_id, lambda it, who: it.move_return(order_id, number, to, who, "", shelved))

    async def _refund(self, order_id: str, chance: Random) -> None:
        wanted, refund_id = self._some(order_id, chance), self._ids.new(REFUND)
        of_return = next((each for of, each in self._returns if of == order_id and chance.random() < 0.5), "")
        shelved = wanted if chance.random() < 0.4 and not of_return else ()
        goods = Goods(wanted, chance.random() < 0.2, of_return, shelved)
        ids = [refund_id]
        if chance.random() < (0.7 if self._world.is_rich else 0.25):
            goods = Goods((), shipping=True)
            if self._world.is_rich:  # Where there is shipping, two of the staff give it back at once.
                ids.append(self._ids.new(REFUND))

        async def refund(refund_id: str) -> None:
            def asked(shop: Shop) -> Awaitable[Any]:
                refunding = present(shop.payment, "payment").refunding
                return refunding.refund_goods(order_id, refund_id, goods, 0, "asked", who=self._staff.id)

            await self._accepted(self._world.insist(order_id, asked))

        await asyncio.gather(*(refund(each) for each in ids))

    async def _do(self, order_id: str, deed: Callable[[Any, Principal], Awaitable[Any]]) -> bool:
        return await self._accepted(self._world.insist(order_id, lambda shop: deed(shop.fulfilling, self._staff)))

    async def _accepted(self, work: Awaitable[Any]) -> bool:
        """Refusals are fine."""
        try:
            await work
        except Problem:
            return False
        return True
