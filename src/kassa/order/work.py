"""What staff has to do about an order: noted in the order itself, so that lists of such orders are found by an index
that has none of the others. Pure."""

from enum import StrEnum

import msgspec

from kassa.order.domain import Order, Stage
from kassa.order.parcels import OVER
from kassa.order.sending import to_send


class Work(StrEnum):
    """What keeps an order from being done. Append only."""

    SHIP = "ship"  # goods of it are to be sent
    HELD = "held"  # they are, and it is held back


def with_work(order: Order) -> Order:
    """The order with what is to be done about it noted; the very same if that is noted already."""
    work, is_returning, is_refunded = _work(order), _is_returning(order), refunded_minor(order) > 0
    if (work, is_returning or None, is_refunded or None) == (order.work, order.is_returning, order.is_refunded):
        return order
    return msgspec.structs.replace(order, work=work, is_returning=is_returning or None, is_refunded=is_refunded or None)


def refunded_minor(order: Order) -> int:
    """What of its money goes back or has gone back, in minor units, as far as the payment has told."""
    # Of a refund of before parcels an order knows no more than that it was of all.
    whole = order.total_minor if order.stage is Stage.REFUNDED else 0
    return max(order.sending.back_minor, whole)


def _work(order: Order) -> Work | None:
    if order.stage is not Stage.CONFIRMED:
        return None
    if not order.parcels:  # as most orders are when they are paid: their buyers wait for it
        return Work.SHIP if any(not item.is_digital for item in order.items) else None
    if not any(to_send(order).values()):
        return None
    return Work.SHIP if order.parcels.hold is None else Work.HELD


def _is_returning(order: Order) -> bool:
    if not order.parcels:
        return False
    waiting = [each for each in order.parcels.returns if each.state not in OVER]
    return any(not order.sending.refunded_of(each.id) for each in waiting)
