"""What is sent of an order, and what is kept from being sent: what becomes of its parcels. Pure.

Each function returns the parcels as they are afterwards; the very same if that is so already. Or it refuses.
"""

from collections.abc import Sequence
from enum import StrEnum

import msgspec

from kassa.contracts.inventory import Line, summed
from kassa.contracts.order import OrderForPayment
from kassa.contracts.parcels import (
    DestinationFixed,
    HeldBack,
    NotShippable,
    ShipmentFixed,
    TooManyParcels,
    TooManyToSend,
)
from kassa.contracts.parts import Address
from kassa.kit.clock import Millis
from kassa.kit.problem import Invalid, NotFound
from kassa.kit.text import counted
from kassa.order.domain import Order, Stage
from kassa.order.parcels import Hold, Parcels, Pieces, Shipment, can_come_back, is_within, left_to_send, lines, ordered
from kassa.order.selling import Selling, zone_of

MOST_SHIPMENTS = 100
MOST_RETURNS = 100
MOST_ACTS = 500
"""So many entries an order's audit may have for people to go on changing its parcels: it must not grow without end."""
MOST_ACTS_OF_BUYERS = 100
"""So many when buyers still may: the shop must be able to send what they have changed."""
PAID = (Stage.CONFIRMED, Stage.REFUNDED)


class Fulfilment(StrEnum):
    """How much of an order was sent. Append only."""

    NONE = "none"  # nothing of it is to be sent
    UNFULFILLED = "unfulfilled"
    PARTLY = "partly"
    FULFILLED = "fulfilled"
    DELIVERED = "delivered"


def fulfilment(order: Order) -> Fulfilment | None:
    """How much was sent of what is to be sent; None for an order that is not paid."""
    if order.stage not in PAID:
        return None
    if order.parcels is None:  # As most are when they are asked for: the same, without reckoning.
        is_to_be_sent = order.stage is Stage.CONFIRMED and any(not item.is_digital for item in order.items)
        return Fulfilment.UNFULFILLED if is_to_be_sent else Fulfilment.NONE
    live = [each for each in order.sending.shipments if each.cancelled_at is None]
    is_more_to_come = any(to_send(order).values())
    if not live:
        return Fulfilment.UNFULFILLED if is_more_to_come else Fulfilment.NONE
    if is_more_to_come:
        return Fulfilment.PARTLY
    has_come = all(each.delivered_at is not None for each in live)
    return Fulfilment.DELIVERED if has_come else Fulfilment.FULFILLED


def to_send(order: Order) -> Pieces:
    """How many pieces of each product are to be sent yet: none, once all of the money went back."""
    return left_to_send(order.items, order.sending) if order.stage is Stage.CONFIRMED else {}


def with_shipment(order: Order, shipment: Shipment, wanted: Sequence[Line], number: int | None) -> Parcels:
    """With one more shipment, of all that is left if no lines are wanted. With the number of one that there is, of the
    same, nothing changes."""
    parcels = order.sending
    if any(each.id == shipment.id for each in parcels.shipments):
        return parcels
    known = next((each for each in parcels.shipments if each.number == number), None)
    if known is not None:
        if wanted and summed(known.lines) != summed(wanted):
            raise ShipmentFixed(f"shipment {number} is of other pieces; leave the number out for another shipment")
        return parcels
    next_one = len(parcels.shipments) + 1
    if number not in (None, next_one):
        raise ShipmentFixed(f"the next shipment of the order is number {next_one}")
    if order.stage is not Stage.CONFIRMED:
        raise NotShippable(f"the order is {order.status}: only what is paid, and not refunded, is sent")
    if parcels.hold is not None:
        raise HeldBack("the order is held back: release it first")
    if next_one > MOST_SHIPMENTS:
        raise TooManyParcels(f"it has {counted(MOST_SHIPMENTS, 'shipment')}: no order has more")
    made = msgspec.structs.replace(shipment, number=next_one, lines=_checked(order, wanted))
    return msgspec.structs.replace(parcels, shipments=(*parcels.shipments, made))


def _checked(order: Order, wanted: Sequence[Line]) -> tuple[Line, ...]:
    left, asked = to_send(order), summed(wanted)
    if not wanted:
        asked = left
    digital = ordered(order.items).keys() - left.keys()
    for product_id, quantity in asked.items():
        if product_id in digital:
            raise Invalid.field("items", f"product {product_id} is digital: it is not sent")
        if product_id not in left:
            raise Invalid.field("items", f"product {product_id[:64]} is not in this order")
        if quantity > left[product_id]:
            raise TooManyToSend(product_id, quantity, left[product_id])
    if not any(asked.values()):
        raise NotShippable("all that was to be sent was sent, or is refunded")
    return lines(asked)


def shipment_of(order: Order, number: int) -> Shipment:
    """The order's shipment of this number; NotFound."""
    found = next((each for each in order.sending.shipments if each.number == number), None)
    if found is None:
        raise NotFound(f"the order has no shipment {number}")
    return found


def with_delivered(order: Order, number: int, at: Millis) -> Parcels:
    """With the shipment delivered."""
    shipment = shipment_of(order, number)
    if shipment.cancelled_at is not None:
        raise ShipmentFixed(f"shipment {number} was cancelled: it cannot be delivered")
    if shipment.delivered_at is not None:
        return order.sending
    return _with(order.sending, msgspec.structs.replace(shipment, delivered_at=at))


def with_cancelled(order: Order, number: int, at: Millis) -> Parcels:
    """Without the shipment, which was noted by mistake: its pieces are to be sent yet."""
    shipment = shipment_of(order, number)
    if shipment.cancelled_at is not None:
        return order.sending
    if shipment.delivered_at is not None:
        raise ShipmentFixed(f"shipment {number} was delivered: take its goods back with a return")
    after = _with(order.sending, msgspec.structs.replace(shipment, cancelled_at=at))
    if not is_within(after.returned, can_come_back(order.items, after)):
        raise ShipmentFixed(f"goods of shipment {number} are in a return: close that first")
    if not is_within(after.refunded_as_sent, can_come_back(order.items, after)):
        raise ShipmentFixed(f"goods of shipment {number} are refunded: they would be sent once more")
    if not is_within(after.withdrawn_as_sent, can_come_back(order.items, after)):
        raise ShipmentFixed(f"goods of shipment {number} are withdrawn: they would be sent once more")
    return after


def _with(parcels: Parcels, shipment: Shipment) -> Parcels:
    kept = tuple(shipment if each.number == shipment.number else each for each in parcels.shipments)
    return msgspec.structs.replace(parcels, shipments=kept)


def with_hold(order: Order, why: str, at: Millis) -> Parcels:
    """Held back: nothing is sent until it is released."""
    if order.stage is not Stage.CONFIRMED:
        raise NotShippable(f"the order is {order.status}: there is nothing to hold back")
    if order.sending.hold is not None:
        return order.sending
    return msgspec.structs.replace(order.sending, hold=Hold(why, at))


def without_hold(order: Order) -> Parcels:
    """Not held back any more."""
    if order.stage is not Stage.CONFIRMED:
        raise NotShippable(f"the order is {order.status}: there is nothing to release")
    return msgspec.structs.replace(order.sending, hold=None)


def check_redirection(order: Order, to: Address, selling: Selling | None) -> bool:
    """Whether the order's goods would go elsewhere than now; DestinationFixed if that cannot be. With how the shop
    sells, only where shipping and taxes cost the same."""
    known = order.sale.destination if order.sale is not None else None
    if order.stage is not Stage.CONFIRMED:
        raise DestinationFixed(f"the order is {order.status}: only one that is paid, and not sent, goes elsewhere")
    if order.sale is None or known is None:
        raise DestinationFixed("the order has no destination: nothing was said of where it goes")
    if order.sending.sent:
        raise DestinationFixed("a parcel is on its way there: ask its carrier to send it elsewhere")
    if selling is not None and (what := _what_costs_else(order, known, to, selling)):
        raise DestinationFixed(f"another {what} may change what shipping or taxes cost: ask the shop to change it")
    return to != known


def _what_costs_else(order: Order, known: Address, to: Address, selling: Selling) -> str:
    if to.country != known.country:
        return "country"
    if to.region != known.region:
        return "region"
    zones = [zone.id if (zone := zone_of(selling, each)) else "" for each in (known, to)]
    # Where Stripe has reckoned the tax it has done so by the whole address.
    is_by_stripe = order.sale is not None and any(not each.millionths for each in order.sale.parts.taxes)
    return "postal code" if zones[0] != zones[1] or (is_by_stripe and to.postal_code != known.postal_code) else ""


def for_payment(order: Order, now: Millis) -> OrderForPayment:
    """The order as the payment service is told of it."""
    return OrderForPayment(
        id=order.id,
        user_id=order.user_id,
        items=list(order.items),
        total_minor=order.total_minor,
        currency=order.currency,
        status=order.status,
        is_payable=order.stage is Stage.PENDING and order.expires_at > now,
        expires_at=order.expires_at,
        sale=order.sale,
        unsent=list(lines(to_send(order))),
        shelved=list(lines(order.sending.shelved)),
        number=order.number,
    )
