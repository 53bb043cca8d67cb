"""From the cart to the payment page, and back.

What comes back from the payment page proves nothing: these pages only ever show the order's status.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

from litestar import Response, get
from litestar.params import FromPath

from kassa.pages import guest_orders
from kassa.pages.cart import Cart
from kassa.pages.client import ApiProblem, path_of
from kassa.pages.destinations import KnowingDestinations, KnownDestinations
from kassa.pages.models import Checkout, OneOrder, Order, PaymentStatus
from kassa.pages.visit import Visit, Visiting

_TRIES, _PAUSE = 12, 0.4


async def place(visit: Visit, cart: Cart, wish: Mapping[str, Any]) -> Order:
    """Place the order of this wish. Its idempotency key is the cart's: two clicks are one order. A guest's token stays
    in the browser. The buyer is written to in the language that they read the page in."""
    wish = {**wish, "locale": visit.language.tag}
    for _attempt in range(_TRIES):
        try:
            made = await visit.api.send("POST", "/orders", OneOrder, wish, key=cart.key)
        except ApiProblem as problem:
            if not _is_still_running(problem):
                raise
        else:
            if guest_orders.is_token(made.guest_token):
                visit.keep_guest_order(made.order.id, made.guest_token)
            return made.order
        # The first of two clicks is being served: the browser shows only the answer to the second.
        await asyncio.sleep(_PAUSE)
    raise ApiProblem(504, "timeout", "Your order is still being made.")


def _is_still_running(problem: ApiProblem) -> bool:
    return problem.status == 409 and ("idempotency" in problem.code or "progress" in problem.code)


async def go_and_pay(visit: Visit, order_id: str) -> Response[str]:
    """To the payment page; when there is none to be had, to the order, where paying can be tried again."""
    try:
        session = await visit.api_of(order_id).send("POST", "/payments/create-session", Checkout, {"orderId": order_id})
    except ApiProblem as problem:
        if problem.status in (401, 404):
            raise
        is_refusal = problem.status in (400, 409, 422)
        return visit.redirect(visit.address_of(order_id), "not-payable" if is_refusal else "pay-later")
    if not session.checkout_url.startswith(("https://", "http://")):
        raise ApiProblem(502, "unreadable_answer", "The payment page's address could not be read.")
    return visit.redirect(session.checkout_url)


@get("/checkout/return", include_in_schema=False)
async def checkout_return(visit: Visiting, destinations: KnowingDestinations) -> Response[str]:
    order_id = visit.request.query_params.get("order", "")
    return await order_shown(visit, order_id, destinations, "return.html", is_unpaid=_is_unpaid(visit))


async def order_shown(
    visit: Visit, order_id: str, places: KnownDestinations, template: str = "order.html", *, is_unpaid: bool = True
) -> Response[str]:
    """An order's page, of an account or of a guest."""
    order = await read_order(visit, order_id)
    payment, token = await read_payment(visit, order), visit.guest_orders.get(order.id)
    return visit.page(
        template,
        leads_to_payment=True,
        order=order,
        payment=payment,
        is_unpaid=is_unpaid,
        country=await places.names(visit.api),
        link=f"{visit.site}/shop/orders/{order.id}/{token}" if token else "",
    )


@get("/checkout/status/{order_id:str}", include_in_schema=False)
async def checkout_status(visit: Visiting, order_id: FromPath[str]) -> Response[str]:
    """The part of the page that changes, for the script that asks again and again."""
    order = await read_order(visit, order_id)
    payment = await read_payment(visit, order)
    return visit.page("_status.html", order=order, payment=payment, is_unpaid=_is_unpaid(visit))


async def status_of(visit: Visit, order_id: str) -> tuple[str, str, bool]:
    """The same for a stream: the state, the part of the page, and whether it is the last."""
    order = await read_order(visit, order_id)
    payment = await read_payment(visit, order)
    shown = {"order": order, "payment": payment, "is_unpaid": _is_unpaid(visit)}
    html = visit.renderer.html("_status.html", visit=visit, **shown)
    return f"{order.status} {payment.stage or payment.status if payment else ''}", html, order.is_final


async def read_order(visit: Visit, order_id: str) -> Order:
    """An order of whoever is logged in, or of a guest in this browser; ApiProblem."""
    return (await visit.api_of(order_id).get(path_of("orders", order_id), OneOrder)).order


def _is_unpaid(visit: Visit) -> bool:
    """Whether the buyer has come back without paying, as the payment page says: no payment is waited for."""
    return visit.request.query_params.get("unpaid") == "1"


async def read_payment(visit: Visit, order: Order) -> PaymentStatus | None:
    """The order's payment; None when there is none, or it cannot be told just now."""
    try:
        return await visit.api_of(order.id).get(path_of("payments", "status", order.id), PaymentStatus)
    except ApiProblem:
        return None


CHECKOUT: tuple[Any, ...] = (checkout_return, checkout_status)
