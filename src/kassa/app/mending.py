"""What the orders want of the stock: asked when Redis has lost its last writes."""

from collections.abc import AsyncIterator, Iterator, Sequence

from kassa.contracts.inventory import Line
from kassa.inventory.stock import State
from kassa.inventory.stock_redis_repair import Wanted, WantedReservations
from kassa.kit.clock import Millis
from kassa.kit.documents import Between, Collection
from kassa.order.domain import Order, Stage

PAGE = 500
_WANTED = {
    Stage.PENDING: State.HELD,
    Stage.CLOSING: State.HELD,
    Stage.CONFIRMED: State.COMMITTED,
    Stage.REFUNDED: State.COMMITTED,
    Stage.CANCELLED: State.RELEASED,
    Stage.FAILED: State.RELEASED,
}


def wanted_by(orders: Collection[Order]) -> WantedReservations:
    """The reservations that orders want: of all that changed since a time, and of those that hold given ones."""

    async def wanted(since: Millis, held: Sequence[str]) -> AsyncIterator[Wanted]:
        after: str | None = None
        while page := await orders.find({"updated_at": Between(since)}, limit=PAGE, after=after, order="oldest"):
            for order in page:
                for each in _reservations(order):
                    yield each
            after = page[-1].id
        ids = sorted({each.rpartition(".")[0] for each in held})
        for first in range(0, len(ids), PAGE):
            for order in await orders.many(ids[first : first + PAGE]):
                for each in _reservations(order):
                    yield each

    return wanted


def _reservations(order: Order) -> Iterator[Wanted]:
    lines = tuple(Line(item.product_id, item.quantity) for item in order.items)
    for generation in range(1, order.generation):
        yield Wanted(f"{order.id}.{generation}", lines, State.RELEASED)
    if order.stage is not Stage.REVIVING:  # its own effect repeats the reservation
        yield Wanted(order.reservation_id, lines, _WANTED[order.stage])
