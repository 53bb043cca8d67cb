"""The public endpoints of an order's parcels."""

from typing import Any

from litestar import Request, Response, post, put
from litestar.params import FromPath

from kassa.contracts.parcels import (
    DestinationFixed,
    HeldBack,
    NotShippable,
    ShipmentFixed,
    TooManyParcels,
    TooManyToSend,
)
from kassa.contracts.product import UnknownProduct
from kassa.kit.ids import SHIPMENT
from kassa.kit.problem import Invalid
from kassa.kit.web import JsonResponse, new_id, once, principal_of, read_body, takes
from kassa.order.asking import lines_of
from kassa.order.carriers import LONGEST_CARRIER, LONGEST_NUMBER, checked_page, one_line
from kassa.order.domain import merged
from kassa.order.parcels import Shipment
from kassa.order.parcels_asking import answered, fulfilling, number_of
from kassa.order.parcels_wire import LONGEST_WHY, NewDestination, NewHold, NewShipment
from kassa.order.parts_wire import read_address
from kassa.order.wire import OrderAnswer


@post(
    "/orders/{order_id:str}/shipments",
    tags=["parcels"],
    status_code=201,
    operation_class=takes(NewShipment, is_optional=True),
    refuses=(NotShippable, HeldBack, TooManyToSend, ShipmentFixed, TooManyParcels, UnknownProduct),
)
async def ship_order(request: Request[Any, Any, Any], order_id: FromPath[str]) -> Response[OrderAnswer]:
    """Send pieces of a paid order, never more than were ordered and are not refunded: by a carrier, or by hand."""
    staff = await principal_of(request)
    asked = await read_body(request, NewShipment) if await request.body() else NewShipment()
    wanted = merged(lines_of(asked.items)) if asked.items else []
    carrier = one_line(asked.carrier, LONGEST_CARRIER, "carrier")
    tracking = one_line(asked.tracking_number, LONGEST_NUMBER, "trackingNumber")
    page = checked_page(asked.tracking_url) if asked.tracking_url is not None else ""

    async def ship(id: str) -> OrderAnswer:
        shipment = Shipment(
            id=id, number=0, lines=(), carrier=carrier, tracking_number=tracking, tracking_url=page, sent_at=0
        )
        return answered(await fulfilling(request).ship(order_id, shipment, wanted, asked.number, staff), staff)

    return await once(request, staff.id, 201, new_id(request, SHIPMENT), ship)


@post(
    "/orders/{order_id:str}/shipments/{number:str}/delivered",
    tags=["parcels"],
    status_code=200,
    refuses=(ShipmentFixed, TooManyParcels),
)
async def shipment_delivered(
    request: Request[Any, Any, Any], order_id: FromPath[str], number: FromPath[str]
) -> Response[OrderAnswer]:
    """A shipment has come to its buyer."""
    staff = await principal_of(request)

    async def deliver(_: str) -> OrderAnswer:
        return answered(await fulfilling(request).delivered(order_id, number_of(number), staff), staff)

    return await once(request, staff.id, 200, lambda: order_id, deliver)


@post(
    "/orders/{order_id:str}/shipments/{number:str}/cancel",
    tags=["parcels"],
    status_code=200,
    refuses=(ShipmentFixed, TooManyParcels),
)
async def cancel_shipment(
    request: Request[Any, Any, Any], order_id: FromPath[str], number: FromPath[str]
) -> Response[OrderAnswer]:
    """A shipment was noted by mistake: its pieces are still to be sent."""
    staff = await principal_of(request)

    async def cancel(_: str) -> OrderAnswer:
        return answered(await fulfilling(request).cancel(order_id, number_of(number), staff), staff)

    return await once(request, staff.id, 200, lambda: order_id, cancel)


@put(
    "/orders/{order_id:str}/destination",
    tags=["parcels"],
    operation_class=takes(NewDestination),
    refuses=(DestinationFixed, TooManyParcels),
)
async def redirect_order(request: Request[Any, Any, Any], order_id: FromPath[str]) -> Response[OrderAnswer]:
    """Send a paid order to another address, before anything of it is sent. Its total stays: buyers may choose only one
    in the same country, region and zone, where shipping and taxes cost the same."""
    principal = await principal_of(request)
    to = read_address((await read_body(request, NewDestination)).destination, "destination")
    assert to is not None
    answer = answered(await fulfilling(request).redirect(order_id, to, principal), principal)
    return JsonResponse(answer, media_type="application/json")


@post(
    "/orders/{order_id:str}/hold",
    tags=["parcels"],
    status_code=200,
    operation_class=takes(NewHold),
    refuses=(NotShippable, TooManyParcels),
)
async def hold_order(request: Request[Any, Any, Any], order_id: FromPath[str]) -> Response[OrderAnswer]:
    """Hold a paid order back: nothing of it is sent until it is released."""
    staff = await principal_of(request)
    why = one_line((await read_body(request, NewHold)).why, LONGEST_WHY, "why")
    if not why:
        raise Invalid.field("why", "is missing: say why, for those who come later")

    async def hold(_: str) -> OrderAnswer:
        return answered(await fulfilling(request).hold(order_id, why, staff), staff)

    return await once(request, staff.id, 200, lambda: order_id, hold)


@post("/orders/{order_id:str}/release", tags=["parcels"], status_code=200, refuses=(NotShippable, TooManyParcels))
async def release_order(request: Request[Any, Any, Any], order_id: FromPath[str]) -> Response[OrderAnswer]:
    """Release an order that is held back."""
    staff = await principal_of(request)

    async def release(_: str) -> OrderAnswer:
        return answered(await fulfilling(request).release(order_id, staff), staff)

    return await once(request, staff.id, 200, lambda: order_id, release)


HANDLERS = (ship_order, shipment_delivered, cancel_shipment, redirect_order, hold_order, release_order)
