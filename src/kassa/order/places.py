"""Places for open orders: a buyer has so many, and so have all buyers of one address; and so many for pieces. An order
takes one, and one for each of its pieces, before it holds any stock, and has them until it is paid or has ended.

A place has a name, and two orders cannot have the same one: so nobody gets more than there are, however many ask at
once, in however many processes. That a place is taken is only believed while its order is open: if a crash left it
taken, it is free all the same.
"""

import zlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Literal, NamedTuple

import msgspec

from kassa.contracts.order import TooManyOpenOrders, TooManyOpenPieces
from kassa.kit import security
from kassa.kit.clock import DAY, HOUR, MINUTE, Clock, Millis
from kassa.order.domain import OPEN, Limits, Order
from kassa.order.store import OrderStore, Place

UNMADE: Millis = 10 * MINUTE
"""An order that is not stored so long after it took its place will not be: no request takes nearly as long."""


OF_GUESTS = "mail:"
"""What begins the name of a buyer who is known by an e-mail address alone."""


class Holder(NamedTuple):
    """Who has places: the field of theirs that names them, how the names begin, how many (None: any number)."""

    field: Literal["id", "address"]
    name: str
    limit: int | None

    def place(self, number: int | str) -> str:
        """The name of one of them."""
        return f"{self.name}#{number}"

    def any(self, order_id: str) -> str:
        """The name of one. Whoever has no order finds it free."""
        return self.place(order_id if self.limit is None else zlib.crc32(order_id.encode()) % self.limit)

    def all(self, order_id: str) -> list[str]:
        """The names of all that this order may have."""
        return [self.place(number) for number in ([order_id] if self.limit is None else range(self.limit))]


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

    async def take(self, order_id: str, buyer: str, household: str, pieces: int) -> Place | None:
        """Take a place for this order of so many pieces, and return it; None if nothing is limited. Asked again for the
        same order it is the same. `buyer` is the id of a user's account, or what names a guest's e-mail address.
        TooManyOpenOrders, TooManyOpenPieces."""
        limits = self.limits
        owner, address = Holder("id", buyer, limits.per_buyer), Holder("address", household, limits.per_address)
        holders = [owner, address] if household else [owner]
        if limits.in_all is None and all(holder.limit is None for holder in holders):
            return None
        place = Place(
            id=owner.any(order_id),
            order_id=order_id,
            address=address.any(order_id) if household else None,
            pieces=self._of_pieces(holders, (), order_id, pieces),
            made_at=self._clock.now(),
        )
        while (taken := await self._places.take(place)) is not None:
            holder = address if taken == "address" else owner
            names = holder.all(order_id)
            if taken == "pieces":
                names = [each.place(number) for each in holders for number in range(limits.in_all or 0)]
            known = await self._living(await self._places.known(taken, names))
            if mine := next((each for each in known if each.order_id == order_id), None):
                return mine
            if taken == "pieces":
                place = msgspec.structs.replace(place, pieces=self._of_pieces(holders, known, order_id, pieces))
            else:
                place = msgspec.structs.replace(place, **{taken: _free(holder, known, order_id, buyer)})
        return place

    def _of_pieces(
        self, holders: Sequence[Holder], known: Sequence[Place], order_id: str, pieces: int
    ) -> tuple[str, ...] | None:
        """So many free places for pieces, of each holder; None if they are not limited."""
        if (limit := self.limits.in_all) is None:
            return None
        taken = {name for place in known for name in place.pieces or ()}
        first = zlib.crc32(order_id.encode())
        chosen: list[str] = []
        for holder in holders:
            numbers: Sequence[int] = range(limit)
            free = [number for number in numbers if holder.place(number) not in taken] if taken else numbers
            if len(free) < pieces:
                raise TooManyOpenPieces(limit, _refused(holder), _own(known, holders[0].name))
            chosen += [holder.place(free[(first + step) % len(free)]) for step in range(pieces)]
        return tuple(chosen)

    async def free(self, place: str, order_id: str) -> None:
        """The order does not need its place any more, if it has one."""
        if place:
            await self._places.free(place, order_id)

    async def tidy(self) -> None:
        """Remove what a crash has left."""
        async for page in self._places.older(self._clock.now() - DAY):
            await self._living(page)

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


def _free(holder: Holder, known: Sequence[Place], order_id: str, buyer: str) -> str:
    taken = {getattr(place, holder.field) for place in known}
    free = [name for name in holder.all(order_id) if name not in taken]
    if not free:
        raise TooManyOpenOrders(holder.limit or 0, _refused(holder), _own(known, buyer))
    return free[zlib.crc32(order_id.encode()) % len(free)]


def _refused(holder: Holder) -> Literal["buyer", "address"]:
    per: Literal["buyer", "address"] = "buyer" if holder.field == "id" else "address"
    security.event(security.HOARDING, per=per)
    return per


def _own(known: Sequence[Place], buyer: str) -> list[str]:
    """The buyer's orders. Whoever knows a guest's e-mail address is not told of the guest's."""
    if buyer.startswith(OF_GUESTS):
        return []
    return [place.order_id for place in known if place.id.rpartition("#")[0] == buyer]
