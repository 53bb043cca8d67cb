"""What the console's page of one order shows besides the order: its money, its buyer's other orders, its story."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

from kassa.pages import story
from kassa.pages.admins import or_none
from kassa.pages.client import ApiProblem, path_of
from kassa.pages.listed_models import FoundOrders, ListedOrder
from kassa.pages.models import Entry, OneFee, Order, PaymentStatus, Refunds, Timeline
from kassa.pages.parcels_models import Pieces
from kassa.pages.visit import Visit

OTHERS = 5


@dataclass(frozen=True)
class Line:
    """What became of the pieces of one product of an order."""

    sent: int
    coming: int
    back: int

    @property
    def words(self) -> str:
        """The same in words."""
        counts = ((self.sent, "sent"), (self.coming, "in a return"), (self.back, "back"))
        return ", ".join(f"{count} {what}" for count, what in counts if count)


@dataclass(frozen=True)
class OrderPage:
    """None stands for what cannot be had just now, or is not for this role."""

    payment: PaymentStatus | None
    refunds: Refunds | None
    timeline: Timeline | None
    others: FoundOrders | None
    fee: OneFee | None
    chapters: list[story.Chapter]
    stuck: list[Entry]
    lines: dict[str, Line]

    def other_orders(self, order_id: str) -> list[ListedOrder]:
        """The buyer's newest orders but for this one."""
        return [each for each in (self.others.orders if self.others else ()) if each.id != order_id][: OTHERS - 1]


async def of(visit: Visit, order: Order) -> OrderPage:
    """All of it, asked at once."""
    buyer = {"email": order.email} if order.email else {"userId": order.user_id}
    timeline, payment, refunds, others, fee = await asyncio.gather(
        or_none(visit, "/orders/{order_id}/timeline", Timeline, order_id=order.id),
        or_none(visit, "/payments/status/{order_id}", PaymentStatus, order_id=order.id),
        or_none(visit, "/payments/{order_id}/refunds", Refunds, order_id=order.id),
        or_none(visit, "/orders/admin/all", FoundOrders, {**buyer, "limit": OTHERS}),
        _fee(visit, order),
    )
    entries = timeline.entries if timeline else ()
    lines = {item.product_id: _line(order, item.product_id) for item in order.items}
    told = story.told(entries, order.user_id)
    deadlines = {each.id: each.answer_by for each in (payment.disputes if payment else ()) if each.wants_answer}
    for chapter in told:
        chapter.until = deadlines.get(chapter.id)
    return OrderPage(payment, refunds, timeline, others, fee, told, list(story.stuck(entries)), lines)


async def _fee(visit: Visit, order: Order) -> OneFee | None:
    """Stripe is asked for it, and nothing else on the page is: that it cannot be had makes the page no less whole."""
    if order.status not in ("CONFIRMED", "REFUNDED") or not visit.may("GET /payments/{order_id}/fee"):
        return None
    try:
        return await visit.api.get(path_of("payments", order.id, "fee"), OneFee)
    except ApiProblem:
        return None


def _line(order: Order, product_id: str) -> Line:
    live = [each for each in order.shipments if each.status != "cancelled"]
    coming = [each for each in order.returns if each.status in ("requested", "approved")]
    back = [each for each in order.returns if each.status in ("received", "refunded")]
    return Line(*(_pieces((one for each in some for one in each.items), product_id) for some in (live, coming, back)))


def _pieces(some: Iterable[Pieces], product_id: str) -> int:
    return sum(each.quantity for each in some if each.product_id == product_id)
