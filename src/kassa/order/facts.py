"""What is stored of an order that may convince a buyer's bank: told as it is, and nothing that is not stored."""

from collections.abc import Awaitable, Callable, Iterator, Sequence

from kassa.contracts.auth import Contact
from kassa.contracts.facts import AskedReturn, OrderFacts, Pieces, SentMail, SentParcel, Withdrawn
from kassa.contracts.inventory import Line
from kassa.kit.problem import NotFound
from kassa.order.domain import Kind, Order, Todo
from kassa.order.machine import MAILS, is_guest
from kassa.order.parcels import left_to_send
from kassa.order.service import OrderService


class OrderFactsTeller:
    """Satisfies contracts.facts.Facts. `contact_of` tells how to write to an account."""

    def __init__(self, orders: OrderService, contact_of: Callable[[str], Awaitable[Contact]]) -> None:
        self._orders = orders
        self._contact_of = contact_of

    async def facts_of(self, order_id: str) -> OrderFacts:
        """See contracts.facts.Facts."""
        order = await self._orders.get(order_id)
        return facts(order, await self._email(order))

    async def _email(self, order: Order) -> str:
        if order.sale is not None and order.sale.email:
            return order.sale.email
        if is_guest(order.user_id):
            return ""
        try:
            return (await self._contact_of(order.user_id)).email
        except NotFound:
            return ""


def facts(order: Order, email: str) -> OrderFacts:
    """What is stored of the order. Pure."""
    parcels = [
        SentParcel(
            each.number,
            _named(order, each.lines),
            each.carrier,
            each.tracking_number,
            each.tracking_url,
            each.sent_at,
            each.delivered_at,
        )
        for each in order.sending.shipments
        if each.cancelled_at is None
    ]
    returns = [
        AskedReturn(each.number, _named(order, each.lines), each.state, each.asked_at, each.updated_at)
        for each in order.sending.returns
    ]
    return OrderFacts(
        id=order.id,
        items=list(order.items),
        sale=order.sale,
        email=email,
        placed_at=order.created_at,
        is_sent_all=not any(left > 0 for left in left_to_send(order.items, order.sending).values()),
        parcels=parcels,
        returns=returns,
        mails=list(_mails(order)) if email else [],
        withdrawals=[
            Withdrawn(each.number, _named(order, each.lines), each.received_at) for each in order.sending.withdrawals
        ],
    )


def _named(order: Order, lines: Sequence[Line]) -> list[Pieces]:
    names = {item.product_id: item.name for item in order.items}
    return [Pieces(names.get(line.product_id, line.product_id), line.quantity) for line in lines]


def _mails(order: Order) -> Iterator[SentMail]:
    """Those that were carried out. What was given up, was not wanted any more, or was about a parcel that did not go
    after all, was perhaps never sent: it is not told."""
    given_up = {entry.input_id for entry in order.audit if entry.what == Kind.NOT_WRITTEN}
    gone = {str(each.number) for each in order.sending.shipments if each.cancelled_at is not None}
    for effect in order.effects:
        is_mail = effect.kind in MAILS and effect.done_at is not None and not effect.is_dropped
        if not is_mail or effect.done_at is None or effect.id in given_up:
            continue
        if effect.kind == Todo.MAIL_SHIPPED and effect.args.get("shipment", "") in gone:
            continue
        yield SentMail(effect.kind.removeprefix("mail_"), effect.done_at)
