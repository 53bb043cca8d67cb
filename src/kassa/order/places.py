"""Places for open orders: a buyer has so many, and so have all buyers of one address. An order takes one before it
holds any stock, and has it until it is paid or has ended.

A place has a name, and two orders cannot have the same one: so nobody gets more than there are, however many ask at
once, in however many processes. That a place is taken is only believed while its order is open: if a crash left it
taken, it is free all the same.
"""

import zlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Literal, NamedTuple

import msgspec

from kassa.contracts.order import TooManyOpenOrders
from kassa.kit import security
from kassa.kit.clock import DAY, HOUR, MINUTE, Clock, Millis
from kassa.order.domain import OPEN, Limits, Order
from kassa.order.store import OrderStore, Place

UNMADE: Millis = 10 * MINUTE
"""An order that is not stored so long after it took its place will not be: no request takes nearly as long."""


class Holder(NamedTuple):
    """Who has places: the field of theirs that names them, how the names begin, how many."""

    field: str
    name: str
    limit: int

    def place(self, number: int) -> str:
        """The name of one of the places."""
        return f"{self.name}#{number % self.limit}"


class Places:
    """Who has how many open orders."""

    def __init__(self, store: OrderStore, clock: Clock, limits: Limits) -> None:
        self._places = store.places
        self._orders = store.orders
        self._clock = clock
        self.limits = limits

    def jobs(self) -> list[tuple[str, Millis, Callable[[], Awaitable[Any]]]]:
        """What is to be done regularly: name, every so often (ms), how."""
        return [("remove places that a crash has left", HOUR, self.tidy)]

    async def take(self, order_id: str, user_id: str, household: str) -> Place | None:
        """Take a place for this order, and return it; None if nothing is limited. Asked again for the same order it is
        the same. TooManyOpenOrders."""
        buyer = Holder("id", user_id, self.limits.per_buyer) if self.limits.per_buyer else None
        address = Holder("address", household, self.limits.per_address) if self.limits.per_address else None
        address = address if household else None
        if buyer is None and address is None:
            return None
        number = zlib.crc32(order_id.encode())  # any: whoever has no order finds it free
        place = Place(
            id=buyer.place(number) if buyer else order_id,
            order_id=order_id,
            address=address.place(number) if address else None,
            made_at=self._clock.now(),
        )
        while (taken := await self._places.take(place)) is not None:
            holder = buyer if taken == "id" else address
            known = await self._held(holder) if holder else await self._places.known("id", [order_id])
            if mine := next((each for each in known if each.order_id == order_id), None):
                return mine
            if holder is not None:
                place = msgspec.structs.replace(place, **{taken: _free(holder, known, number, user_id)})
        return place

    async def free(self, place: str, order_id: str) -> None:
        """The order does not need its place any more, if it has one."""
        if place:
            await self._places.free(place, order_id)

    async def tidy(self) -> None:
        """Remove what a crash has left."""
        async for page in self._places.older(self._clock.now() - DAY):
            await self._living(page)

    async def _held(self, holder: Holder) -> list[Place]:
        names = [holder.place(number) for number in range(holder.limit)]
        return await self._living(await self._places.known(holder.field, names))

    async def _living(self, places: list[Place]) -> list[Place]:
        """Those of the places whose orders are open, or being made; the others are freed."""
        orders = {order.id: order for order in await self._orders.many([each.order_id for each in places])}
        living = [each for each in places if self._is_needed(each, orders.get(each.order_id))]
        for place in places:
            if place not in living:
                await self.free(place.id, place.order_id)
        return living

    def _is_needed(self, place: Place, order: Order | None) -> bool:
        if order is None:
            return place.made_at > self._clock.now() - UNMADE
        return order.place == place.id and order.stage in OPEN


def _free(holder: Holder, known: Sequence[Place], number: int, user_id: str) -> str:
    taken = {getattr(place, holder.field) for place in known}
    free = [name for name in map(holder.place, range(holder.limit)) if name not in taken]
    if not free:
        own = [place.order_id for place in known if place.id.rpartition("#")[0] == user_id]
        per: Literal["buyer", "address"] = "buyer" if holder.field == "id" else "address"
        security.event(security.HOARDING, per=per)
        raise TooManyOpenOrders(holder.limit, per, own)
    return free[number % len(free)]
