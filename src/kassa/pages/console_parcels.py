"""The console's parcels: what is sent of an order, where to, and what comes back."""

import asyncio
from collections.abc import Mapping
from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath

from kassa.pages.admins import require_staff
from kassa.pages.client import ApiProblem, path_of
from kassa.pages.console_orders import order_response, read
from kassa.pages.destinations import KnowingDestinations, KnownDestinations
from kassa.pages.models import OneOrder, Order
from kassa.pages.sure import Step, asked_first, said
from kassa.pages.visit import Visit, Visiting, number
from kassa.pages.withdraw_models import OpenWithdrawals
from kassa.pages.words import trouble

MOST_SHOWN = 100
_NOT_SENT = Step(
    "Was parcel {who} not sent?",
    ("Its goods are to be sent again.", "The buyer was told that it is on its way, and is not told otherwise."),
    "It was not sent",
)
_ELSEWHERE = ("The buyer pays nothing more or less, whatever shipping and tax cost there.",)
_RETURNS = {
    "decline": Step(
        "Decline return {who}?", ("It cannot be approved afterwards; the buyer can ask again.",), "Decline it"
    ),
    "close": Step("Close return {who}?", ("Nothing of it comes, and nothing is refunded for it.",), "Close the return"),
}
_NOTHING_OWED = Step(
    "Is nothing more owed for withdrawal {who}?",
    (
        "What the law gives the buyer back is not asked for here any more: be sure that it was paid, or is not owed.",
        "It cannot be opened again.",
    ),
    "Close the withdrawal",
)
_PLACE = ("name", "country", "city", "region")


async def _done(
    visit: Visit,
    order_id: str,
    places: KnownDestinations,
    body: Mapping[str, Any] | None,
    *path: str,
    verb: str = "POST",
) -> Response[str]:
    """Ask the API for it, and go back to the order; what it refuses is said there."""
    await require_staff(visit)
    key = None if verb == "PUT" else visit.field("key") or None
    try:
        await visit.api.send(verb, path_of("orders", order_id, *path), OneOrder, body, key=key)
    except ApiProblem as problem:
        if problem.status not in (409, 422):
            raise
        words = " ".join(problem.errors.values()) if problem.errors else trouble(problem)
        return await order_response(visit, order_id, places, words, problem.status)
    return visit.redirect(f"/console/orders/{order_id}", "parcels-saved")


def _pieces(visit: Visit, order: Order, prefix: str) -> list[dict[str, Any]]:
    """How many of each of the order's products the form says."""
    typed = {item.product_id: number(visit.field(f"{prefix}-{item.product_id}") or "0") for item in order.items}
    return [{"productId": product_id, "quantity": quantity} for product_id, quantity in typed.items() if quantity]


@post("/console/orders/{order_id:str}/ship", include_in_schema=False)
async def ship(visit: Visiting, order_id: FromPath[str], destinations: KnowingDestinations) -> Response[str]:
    await require_staff(visit)
    items = _pieces(visit, await read(visit, order_id), "send")
    if not items:
        return await order_response(visit, order_id, destinations, "Say how many pieces you send.", 422)
    body: dict[str, Any] = {"items": items}
    body |= {"carrier": visit.field("carrier"), "trackingNumber": visit.field("trackingNumber")}
    if visit.field("trackingUrl"):
        body["trackingUrl"] = visit.field("trackingUrl")
    return await _done(visit, order_id, destinations, body, "shipments")


@post("/console/orders/{order_id:str}/shipments/{which:str}/{what:str}", include_in_schema=False)
async def change_shipment(
    visit: Visiting,
    order_id: FromPath[str],
    which: FromPath[str],
    what: FromPath[str],
    destinations: KnowingDestinations,
) -> Response[str]:
    await require_staff(visit)
    if what not in ("delivered", "cancel"):
        raise ApiProblem(404, "not_found", "There is nothing at this address.")
    address = f"/console/orders/{order_id}"
    if what == "cancel" and (asking := asked_first(visit, _NOT_SENT, which, address, f"shipments/{which}/cancel")):
        return asking
    return await _done(visit, order_id, destinations, None, "shipments", which, what)


@post("/console/orders/{order_id:str}/hold", include_in_schema=False)
async def hold(visit: Visiting, order_id: FromPath[str], destinations: KnowingDestinations) -> Response[str]:
    return await _done(visit, order_id, destinations, {"why": visit.field("why-hold")}, "hold")


@post("/console/orders/{order_id:str}/release", include_in_schema=False)
async def release(visit: Visiting, order_id: FromPath[str], destinations: KnowingDestinations) -> Response[str]:
    return await _done(visit, order_id, destinations, None, "release")


@post("/console/orders/{order_id:str}/destination", include_in_schema=False)
async def redirect(visit: Visiting, order_id: FromPath[str], destinations: KnowingDestinations) -> Response[str]:
    lines = [line.strip() for line in visit.field("lines").splitlines() if line.strip()]
    to: dict[str, Any] = {name: visit.field(name) for name in _PLACE}
    to |= {"lines": lines, "postalCode": visit.field("postalCode")}
    await require_staff(visit)
    where = ", ".join([to["name"], *lines, f"{to['postalCode']} {to['city']}".strip(), to["country"]])
    step = Step("Send it to {who}?", _ELSEWHERE, "Send it there")
    if asking := asked_first(visit, step, where, f"/console/orders/{order_id}", "destination"):
        return asking
    return await _done(visit, order_id, destinations, {"destination": to}, "destination", verb="PUT")


@post("/console/orders/{order_id:str}/returns", include_in_schema=False)
async def take_return(visit: Visiting, order_id: FromPath[str], destinations: KnowingDestinations) -> Response[str]:
    await require_staff(visit)
    items = _pieces(visit, await read(visit, order_id), "back")
    if not items:
        return await order_response(visit, order_id, destinations, "Say how many pieces come back.", 422)
    return await _done(visit, order_id, destinations, {"items": items, "reason": visit.field("why-return")}, "returns")


@post("/console/orders/{order_id:str}/returns/{which:str}/{what:str}", include_in_schema=False)
async def change_return(
    visit: Visiting,
    order_id: FromPath[str],
    which: FromPath[str],
    what: FromPath[str],
    destinations: KnowingDestinations,
) -> Response[str]:
    await require_staff(visit)
    body: dict[str, Any] | None = None
    if what == "receive":
        body = {"restock": _pieces(visit, await read(visit, order_id), f"shelf-{which}")}
    elif what in _RETURNS:
        why = visit.field(f"answer-{which}")
        step = _RETURNS[what]._replace(consequences=(*_RETURNS[what].consequences, *said(why)))
        if asking := asked_first(visit, step, which, f"/console/orders/{order_id}", f"returns/{which}/{what}"):
            return asking
        body = {"why": why}
    elif what != "approve":
        raise ApiProblem(404, "not_found", "There is nothing at this address.")
    return await _done(visit, order_id, destinations, body, "returns", which, what)


def _shelved(lines: list[dict[str, Any]], shelf: Mapping[str, int]) -> list[dict[str, Any]]:
    """The lines of a refund, those pieces apart that go back on the shelf."""
    made = []
    for each in lines:
        back = max(0, min(shelf.get(each["productId"], 0), each["quantity"]))
        parts = ((back, True), (each["quantity"] - back, False))
        made += [{**each, "quantity": pieces, "restock": is_back} for pieces, is_back in parts if pieces]
    return made


@post("/console/orders/{order_id:str}/refund-goods", include_in_schema=False)
async def refund_goods(visit: Visiting, order_id: FromPath[str], destinations: KnowingDestinations) -> Response[str]:
    """In two steps, like a refund of an amount."""
    await require_staff(visit)
    order = await read(visit, order_id)
    lines = _pieces(visit, order, "money")
    shipping = visit.field("shipping") == "yes"
    shelf = {each["productId"]: each["quantity"] for each in _pieces(visit, order, "shelf")}
    if not lines and not shipping:
        return await order_response(visit, order_id, destinations, "Say what is refunded.", 422)
    if visit.field("confirmed") != "yes":
        names = {item.product_id: item.name for item in order.items}
        goods = [(each["productId"], names[each["productId"]], each["quantity"]) for each in lines]
        if visit.field("shelf") == "yes":
            shelf = {each["productId"]: each["quantity"] for each in lines}
        said = {"reason": visit.field("reason-goods"), "returnId": visit.field("returnId")}
        shown: dict[str, Any] = {"order": order, "goods": goods, "shipping": shipping, "shelf": shelf, **said}
        return visit.page("console/refund_goods.html", **shown)
    body = {"lines": _shelved(lines, shelf), "shipping": shipping, "reason": visit.field("reason-goods")}
    if visit.field("returnId"):
        body["returnId"] = visit.field("returnId")
    try:
        path = path_of("payments", order_id, "refund")
        await visit.api.send("POST", path, Any, body, key=visit.field("key") or None)
    except ApiProblem as problem:
        status = 409 if problem.code == "refund_over_limit" else problem.status
        if status not in (400, 409, 422):
            raise
        return await order_response(visit, order_id, destinations, trouble(problem), status)
    return visit.redirect(f"/console/orders/{order_id}", "refunding")


@get("/console/orders/{order_id:str}/slip", include_in_schema=False)
async def slip(visit: Visiting, order_id: FromPath[str], destinations: KnowingDestinations) -> Response[str]:
    """What lies in the parcel: of a shipment, or of all that is to be sent yet."""
    await require_staff(visit)
    order = await read(visit, order_id)
    wanted = number(visit.request.query_params.get("shipment"))
    shipment = next((each for each in order.shipments if each.number == wanted), None)
    pieces = {each.product_id: each.quantity for each in (shipment.items if shipment else order.left_to_send)}
    country = await destinations.names(visit.api)
    return visit.page("console/slip.html", order=order, shipment=shipment, pieces=pieces, country=country)


@get("/console/withdrawals", include_in_schema=False)
async def withdrawals(visit: Visiting) -> Response[str]:
    """Orders with withdrawals that are to be refunded: what is overdue first."""
    await require_staff(visit)
    asking = [
        visit.api.get("/orders/admin/withdrawals", OpenWithdrawals, {"due": due, "limit": MOST_SHOWN})
        for due in ("overdue", "in_time")
    ]
    overdue, waiting = await asyncio.gather(*asking)
    return visit.page("console/withdrawals.html", overdue=overdue, waiting=waiting)


@post("/console/orders/{order_id:str}/withdrawals/{which:str}/close", include_in_schema=False)
async def close_withdrawal(
    visit: Visiting, order_id: FromPath[str], which: FromPath[str], destinations: KnowingDestinations
) -> Response[str]:
    await require_staff(visit)
    body = {"why": visit.field(f"why-{which}")}
    back, what = f"/console/orders/{order_id}", f"withdrawals/{which}/close"
    if asking := asked_first(visit, _NOTHING_OWED, which, back, what):
        return asking
    return await _done(visit, order_id, destinations, body, "withdrawals", which, "close")


CONSOLE_PARCELS: tuple[Any, ...] = (
    ship,
    change_shipment,
    hold,
    release,
    redirect,
    take_return,
    change_return,
    refund_goods,
    slip,
    withdrawals,
    close_withdrawal,
)
