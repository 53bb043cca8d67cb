"""The orders of guests: followed, paid and cancelled in the browser that made them, or wherever their link is opened,
and taken into an account."""

import asyncio
from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath

from kassa.pages import guest_orders
from kassa.pages.account import cancel_at
from kassa.pages.checkout import go_and_pay, order_shown, read_order
from kassa.pages.client import ApiProblem, path_of
from kassa.pages.destinations import KnowingDestinations
from kassa.pages.language import _, later
from kassa.pages.models import OneOrder, Order
from kassa.pages.visit import Visit, Visiting

_ELSEWHERE = later(
    "This browser does not know this order. Open the link from your order, or log in if you ordered with an account."
)


@get("/shop/orders", include_in_schema=False)
async def guest_order_list(visit: Visiting) -> Response[str]:
    """The orders that this browser has made without an account, the newest first."""
    visit.is_private = True
    found = await asyncio.gather(*(_order_or_none(visit, order_id) for order_id in reversed(visit.guest_orders)))
    return visit.page("guest_orders.html", orders=[order for order in found if order is not None])


async def _order_or_none(visit: Visit, order_id: str) -> Order | None:
    try:
        return await read_order(visit, order_id)
    except ApiProblem as problem:
        if problem.status not in (401, 404):
            raise
        return None


@get("/shop/orders/{order_id:str}/{token:str}", include_in_schema=False)
async def open_link(visit: Visiting, order_id: FromPath[str], token: FromPath[str]) -> Response[str]:
    """From the order's link to its page: the token goes from the address into a cookie, and is told to nobody."""
    path = path_of("orders", order_id)
    if not guest_orders.is_token(token):
        raise ApiProblem(404, "not_found", _("There is nothing at this address."))
    visit.is_private = True
    try:
        await visit.api.with_token(token).get(path, OneOrder)
    except ApiProblem as problem:
        if problem.status not in (401, 404):
            raise
        # Whoever is sent a wrong link may have the right token all the same: it is kept.
        return _not_shown(visit, order_id)
    visit.keep_guest_order(order_id, token)
    answer = visit.redirect(visit.address_of(order_id))
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer


@get("/shop/orders/{order_id:str}", include_in_schema=False)
async def guest_order(visit: Visiting, order_id: FromPath[str], destinations: KnowingDestinations) -> Response[str]:
    if order_id not in visit.guest_orders:
        return _not_here(visit, order_id)
    try:
        return await order_shown(visit, order_id, destinations)
    except ApiProblem as problem:
        if problem.status not in (401, 404):
            raise
        return _not_here(visit, order_id)


@post("/shop/orders/{order_id:str}/pay", include_in_schema=False)
async def pay_guest_order(visit: Visiting, order_id: FromPath[str]) -> Response[str]:
    order = await _known(visit, order_id)
    return _not_here(visit, order_id) if order is None else await go_and_pay(visit, order.id)


@post("/shop/orders/{order_id:str}/cancel", include_in_schema=False)
async def cancel_guest_order(visit: Visiting, order_id: FromPath[str]) -> Response[str]:
    order = await _known(visit, order_id)
    return _not_here(visit, order_id) if order is None else await cancel_at(visit, order.id)


@post("/shop/orders/{order_id:str}/claim", include_in_schema=False)
async def claim_guest_order(visit: Visiting, order_id: FromPath[str]) -> Response[str]:
    """Into the account of whoever is logged in. The token is good for nothing afterwards."""
    visit.require_login()
    path, token = path_of("orders", order_id, "claim"), visit.guest_orders.get(order_id)
    if token is None:
        return visit.redirect(f"/account/orders/{order_id}")
    try:
        await visit.api.send("POST", path, OneOrder, {"guestToken": token})
    except ApiProblem as problem:
        if problem.status not in (404, 409):
            raise
        return _not_here(visit, order_id)
    visit.keep_guest_order(order_id)
    return visit.redirect(f"/account/orders/{order_id}", "claimed")


async def _known(visit: Visit, order_id: str) -> Order | None:
    """The order; None if this browser has no token that is good for it."""
    return await _order_or_none(visit, order_id) if order_id in visit.guest_orders else None


def _not_here(visit: Visit, order_id: str) -> Response[str]:
    """Somebody has taken the order into their account, or it was made elsewhere."""
    if order_id in visit.guest_orders:
        visit.keep_guest_order(order_id)
    return _not_shown(visit, order_id)


def _not_shown(visit: Visit, order_id: str) -> Response[str]:
    if visit.is_logged_in:
        return visit.redirect(f"/account/orders/{order_id}")
    title = _("This order cannot be shown here")
    return visit.page("error.html", 404, title=title, detail=_(_ELSEWHERE), request_id=None)


GUEST_PAGES: tuple[Any, ...] = (
    guest_order_list,
    guest_order,
    open_link,
    pay_guest_order,
    cancel_guest_order,
    claim_guest_order,
)
