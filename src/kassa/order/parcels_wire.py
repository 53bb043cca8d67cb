"""Parcels, returns and holds over the wire: what is sent and what is answered."""

from typing import Annotated, Any

import msgspec

from kassa.kit.clock import Timestamp, rfc3339
from kassa.kit.lists import documented
from kassa.kit.text import NO_CONTROLS, ONE_LINE
from kassa.order.carriers import KNOWN, LONGEST_CARRIER, LONGEST_NUMBER, LONGEST_URL, PAGE
from kassa.order.domain import MAX_LINES, Order
from kassa.order.lines_wire import NewLine, PiecesOut, pieces_shown
from kassa.order.parcels import Return, ReturnState, Shipment, left_to_return, lines
from kassa.order.parts_wire import AddressIn
from kassa.order.returning import REFUNDED, shown_state
from kassa.order.sending import MOST_SHIPMENTS, PAID, Fulfilment, fulfilment, to_send
from kassa.order.withdrawals_wire import withdrawals_shown

FULFILMENTS = tuple(str(each) for each in Fulfilment)
SHIPMENT_STATES = ("sent", "delivered", "cancelled")
RETURN_STATES = (*(str(each) for each in ReturnState), REFUNDED)
LONGEST_WHY = 500
OneFulfilment = Annotated[str, documented("How much of it was sent", enum=FULFILMENTS)]
Why = Annotated[str, documented("For the buyer to read", maxLength=LONGEST_WHY)]
_Lines = Annotated[list[NewLine], documented("Each product once, or merged", maxItems=MAX_LINES)]


class NewShipment(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Pieces that are sent together; without `items` all that is left. With the `number` of a shipment that there is
    already nothing changes. A page to follow it on is known of some carriers."""

    items: _Lines = []
    carrier: Annotated[
        str, documented("Who brings it", maxLength=LONGEST_CARRIER, pattern=NO_CONTROLS, examples=list(KNOWN))
    ] = ""
    tracking_number: Annotated[str, documented("The carrier's", maxLength=LONGEST_NUMBER, pattern=NO_CONTROLS)] = ""
    tracking_url: Annotated[str, documented("Where it is followed", maxLength=LONGEST_URL, pattern=PAGE)] | None = None
    number: Annotated[int, documented("The next one", minimum=1, maximum=MOST_SHIPMENTS)] | None = None


class NewDestination(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Where the order is to go."""

    destination: AddressIn


class NewHold(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Why nothing is sent for now; staff alone reads it."""

    why: Annotated[str, documented("For staff", minLength=1, maxLength=LONGEST_WHY, pattern=ONE_LINE)]


class NewReturn(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Pieces that are to come back."""

    items: Annotated[list[NewLine], documented("Each product once, or merged", minItems=1, maxItems=MAX_LINES)]
    reason: Annotated[str, documented("Why", maxLength=LONGEST_WHY)] = ""


class Decision(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """What the buyer is told."""

    why: Why = ""


class Receipt(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """The goods have come; the pieces of `restock` go back on the shelf."""

    restock: _Lines = []


class ShipmentOut(msgspec.Struct, frozen=True, rename="camel"):
    """A shipment of an order."""

    number: int
    items: list[PiecesOut]
    carrier: str | None
    tracking_number: str | None
    tracking_url: str | None
    status: Annotated[str, documented("Where it stands", enum=SHIPMENT_STATES)]
    sent_at: Timestamp
    delivered_at: Timestamp | None


class ReturnOut(msgspec.Struct, frozen=True, rename="camel"):
    """A return of an order: `answer` is what staff told the buyer."""

    id: str
    number: int
    items: list[PiecesOut]
    status: Annotated[str, documented("Where it stands", enum=RETURN_STATES)]
    reason: str
    answer: str
    restocked: list[PiecesOut]
    asked_at: Timestamp
    updated_at: Timestamp


class HoldOut(msgspec.Struct, frozen=True, rename="camel"):
    """Why nothing of an order is sent for now."""

    why: str
    since: Timestamp


def parcels_shown(order: Order, *, is_for_staff: bool) -> dict[str, Any]:
    """The members that an order has more on the wire: nothing, if it is not paid."""
    how = fulfilment(order)
    if how is None:
        return {}
    shown: dict[str, Any] = {"fulfilment": str(how)}
    parcels = order.sending
    if is_for_staff:
        shown["left_to_send"] = pieces_shown(lines(to_send(order)))
        if parcels.hold is not None:
            shown["hold"] = HoldOut(parcels.hold.why, rfc3339(parcels.hold.at))
    if parcels.shipments:
        shown["shipments"] = [_shipment(each) for each in parcels.shipments]
    if parcels.sent and order.stage in PAID:
        shown["left_to_return"] = pieces_shown(lines(left_to_return(order.items, parcels)))
    if parcels.returns:
        shown["returns"] = [_return(each, shown_state(parcels, each)) for each in parcels.returns]
    return {**shown, **withdrawals_shown(order, is_for_staff=is_for_staff)} if order.parcels else shown


def _shipment(shipment: Shipment) -> ShipmentOut:
    status = "sent" if shipment.delivered_at is None else "delivered"
    return ShipmentOut(
        number=shipment.number,
        items=pieces_shown(shipment.lines),
        carrier=shipment.carrier or None,
        tracking_number=shipment.tracking_number or None,
        tracking_url=shipment.tracking_url or None,
        status=status if shipment.cancelled_at is None else "cancelled",
        sent_at=rfc3339(shipment.sent_at),
        delivered_at=None if shipment.delivered_at is None else rfc3339(shipment.delivered_at),
    )


def _return(asked: Return, status: str) -> ReturnOut:
    return ReturnOut(
        id=asked.id,
        number=asked.number,
        items=pieces_shown(asked.lines),
        status=status,
        reason=asked.reason,
        answer=asked.answer,
        restocked=pieces_shown(asked.shelved),
        asked_at=rfc3339(asked.asked_at),
        updated_at=rfc3339(asked.updated_at),
    )
