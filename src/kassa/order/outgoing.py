"""What is told of orders to whoever listens. Pure, but for reading what is told."""

from collections.abc import Mapping, Sequence

from kassa.contracts.events import NewEvent
from kassa.kit.audit import AuditEntry
from kassa.kit.documents import Collection
from kassa.kit.ids import ORDER, is_id
from kassa.kit.inputs import outgoing_id
from kassa.order.domain import STATUS, Kind, Order, Stage
from kassa.order.wire import OrderOut, shown

TYPES: dict[Kind, str] = {
    Kind.PLACED: "order.placed",
    Kind.GIVEN: "order.confirmed",
    Kind.NEVER_PLACED: "order.failed",
    Kind.CLOSE: "order.closing",
    Kind.PAID: "order.confirmed",
    Kind.UNWANTED: "order.paid_late",
    Kind.ENDED: "order.cancelled",
    Kind.HELD: "order.confirmed",
    Kind.SOLD_OUT: "order.sold_out",
    Kind.PARTLY_REFUNDED: "order.partly_refunded",
    Kind.FULLY_REFUNDED: "order.refunded",
    Kind.RETURNED: "order.goods_returned",
    Kind.CLAIMED: "order.claimed",
    Kind.NOT_WRITTEN: "order.mail_given_up",
    Kind.CALLED_OFF: "order.cancelled",
    Kind.HELD_BACK: "order.held_back",
    Kind.LET_GO: "order.let_go",
    Kind.REDIRECTED: "order.redirected",
    Kind.SET_ASIDE: "order.set_aside",
    Kind.SET_FREE: "order.set_free",
    Kind.SHIPPED: "shipment.shipped",
    Kind.DELIVERED: "shipment.delivered",
    Kind.SHIPMENT_CANCELLED: "shipment.cancelled",
    Kind.RETURN_REQUESTED: "return.requested",
    Kind.RETURN_APPROVED: "return.approved",
    Kind.RETURN_DECLINED: "return.declined",
    Kind.RETURN_RECEIVED: "return.received",
    Kind.RETURN_SHELVED: "return.received",
    Kind.RETURN_CLOSED: "return.closed",
    Kind.WITHDRAWN: "order.withdrawn",
    Kind.WITHDRAWAL_CLOSED: "order.withdrawal_closed",
}
"""What each thing that happens to an order is told as."""

ELSEWHERE = {(Kind.PAID, Stage.REVIVING): "order.paid_late", (Kind.PAID, Stage.FAILED): "order.paid_late"}
"""Where the same is told as something else, by what becomes of the order."""

OF_OTHERS = "order.changed"
"""What another version of the shop has noted, and this one has no name for."""


def told(order: Order) -> list[NewEvent]:
    """The events of all that has happened to the order and was not told yet."""
    if order.untold_from is None:
        return []
    return [
        NewEvent(
            id=outgoing_id(order.id, number + 1),
            type=_type(entry),
            occurred_at=entry.at,
            subject=order.id,
            sequence=number + 1,
            about=order.id,
            data={"status": STATUS.get(_stage(entry), entry.to_state)},
        )
        for number, entry in enumerate(order.audit)
        if number >= order.untold_from
    ]


def _type(entry: AuditEntry) -> str:
    kind = Kind(entry.what) if entry.what in list(Kind) else None
    if kind is None:
        return OF_OTHERS
    return ELSEWHERE.get((kind, _stage(entry)), TYPES[kind])


def _stage(entry: AuditEntry) -> Stage:
    return Stage(entry.to_state)


async def described(orders: Collection[Order], ids: Sequence[str]) -> Mapping[str, dict[str, OrderOut]]:
    """Those of the ids that are orders', with all that their owners are shown of them."""
    found = await orders.many([each for each in ids if is_id(ORDER, each)])
    return {order.id: {"order": shown(order)} for order in found}
