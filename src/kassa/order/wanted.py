"""What the orders want of the stock: asked when it has lost its last writes."""

from collections.abc import Iterator, Sequence
from typing import Literal

from kassa.contracts.order import WantedPage, WantedReservation
from kassa.kit.clock import Millis
from kassa.kit.documents import Between, Collection
from kassa.kit.inputs import order_of, reservation_of
from kassa.kit.problem import Invalid
from kassa.order.domain import Order, Stage, Todo

PAGE = 200
MOST_IDS = 500

_WANTED: dict[Stage, Literal["held", "committed", "released"]] = {
    Stage.PENDING: "held",
    Stage.CLOSING: "held",
    Stage.CONFIRMED: "committed",
    Stage.REFUNDED: "committed",
    Stage.REVOKED: "committed",
    Stage.CANCELLED: "released",
    Stage.FAILED: "released",
}
_ENDS = (Todo.COMMIT, Todo.RELEASE)


async def wanted_since(orders: Collection[Order], since: Millis, after: str) -> WantedPage:
    """See contracts.order.Orders.reservations_since."""
    page = await orders.find({"updated_at": Between(since)}, limit=PAGE, after=after or None, order="oldest")
    reservations = [each for order in page for each in _reservations(order)]
    return WantedPage(reservations, page[-1].id if len(page) == PAGE else "")


async def wanted_of(orders: Collection[Order], ids: Sequence[str]) -> list[WantedReservation]:
    """See contracts.order.Orders.reservations_of."""
    if len(ids) > MOST_IDS:
        raise Invalid.field("ids", f"must be at most {MOST_IDS}")
    found = await orders.many(sorted({order_of(each) for each in ids}))
    return [each for order in found for each in _reservations(order)]


def _reservations(order: Order) -> Iterator[WantedReservation]:
    lines = order.held
    open_for = {each.args["reservation"] for each in order.effects if each.done_at is None and each.kind in _ENDS}
    for generation in range(1, order.generation):
        id = reservation_of(order.id, generation)
        yield WantedReservation(id, lines, "released", id in open_for)
    if order.stage is not Stage.REVIVING:  # its own effect repeats the reservation
        id = order.reservation_id
        yield WantedReservation(id, lines, _WANTED[order.stage], id in open_for)
