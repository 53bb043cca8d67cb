"""From the cart to the payment page, and back.

What comes back from the payment page proves nothing: these pages only ever show the order's status.
"""

import asyncio
import re
from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath

from kassa.kit.text import counted
from kassa.pages.cart import Cart, read_cart
from kassa.pages.cart_pages import cart_response
from kassa.pages.client import ApiProblem, path_of
from kassa.pages.formats import money
from kassa.pages.models import Checkout, OneOrder, OneProduct, Order, PaymentStatus, Stock
from kassa.pages.visit import Visit, Visiting
from kassa.pages.words import trouble

_TRIES, _PAUSE = 12, 0.4
_TOTAL = re.compile(r"[0-9]{1,15}")


@post("/checkout", include_in_schema=False)
async def check_out(visit: Visiting) -> Response[str]:
    """Place the order that the form shows, at the total that it shows. Its idempotency key comes from the form: two
    clicks are one order."""
    if not visit.is_logged_in:
        return visit.redirect("/account/login?next=/cart")
    wanted, total = read_cart(visit.field("cart")), visit.field("total")
    if not wanted.lines or not _TOTAL.fullmatch(total):
        return visit.redirect("/cart")
    try:
        order = await _place(visit, wanted, int(total))
    except ApiProblem as problem:
        if problem.status not in (409, 422):
            raise
        return await _refused(visit, wanted, problem)
    if visit.cart.id == wanted.id:
        visit.set_cart(Cart())
    return await go_and_pay(visit, order.id)


async def _place(visit: Visit, cart: Cart, total_minor: int) -> Order:
    items = [{"productId": product_id, "quantity": quantity} for product_id, quantity in cart.lines.items()]
    wish = {"items": items, "expectedTotalMinor": total_minor}
    for _ in range(_TRIES):
        try:
            return (await visit.api.send("POST", "/orders", OneOrder, wish, key=cart.key)).order
        except ApiProblem as problem:
            if not _is_still_running(problem):
                raise
        # The first of two clicks is being served: the browser shows only the answer to the second.
        await asyncio.sleep(_PAUSE)
    raise ApiProblem(504, "timeout", "Your order is still being made.")


def _is_still_running(problem: ApiProblem) -> bool:
    return problem.status == 409 and ("idempotency" in problem.code or "progress" in problem.code)


async def _refused(visit: Visit, wanted: Cart, problem: ApiProblem) -> Response[str]:
    if visit.cart.id == wanted.id:
        visit.set_cart(visit.cart.renewed())
    refusal = await _why_refused(visit, problem)
    has_open_orders = bool(problem.members.get("orderIds"))
    return await cart_response(visit, refusal, status=409, has_open_orders=has_open_orders)


async def _why_refused(visit: Visit, problem: ApiProblem) -> str:
    if problem.code == "unknown_product":
        return "Something in your cart is no longer sold. Nothing was ordered; please remove it and try again."
    if problem.code == "price_changed":
        return _new_price(visit, problem)
    if problem.code == "idempotency_key_reused":
        return "This cart was sent before, at another total. Please look at your orders before you send it again."
    if problem.code in ("too_many_open_orders", "too_many_open_pieces"):
        return _too_many(visit.cart, problem)
    if "totalAmount" in problem.errors:
        return f"The total {problem.errors['totalAmount']}. Nothing was ordered."
    product_id = str(problem.members.get("productId") or problem.members.get("product_id") or "")
    if problem.code not in ("insufficient_stock", "over_quantity_limit") or not product_id:
        return trouble(problem)
    left = problem.members.get("available")
    try:
        name = (await visit.api.get(path_of("products", product_id), OneProduct)).product.name
        if problem.code == "over_quantity_limit":
            most = problem.members.get("limit")
            return f"{name}: at most {most} in one order. Nothing was ordered; please lower the quantity and try again."
        if not isinstance(left, int):
            left = (await visit.api.get(path_of("inventory", product_id), Stock)).stock
    except ApiProblem:
        return trouble(problem)
    if left <= 0:
        return f"{name} has just sold out. Nothing was ordered; please remove it and try again."
    return f"Only {left} of {name} left. Nothing was ordered; please change the quantity and try again."


def _too_many(wanted: Cart, problem: ApiProblem) -> str:
    most, has_open = int(problem.members.get("limit", 0)), bool(problem.members.get("orderIds"))
    is_own = problem.members.get("per") == "buyer"
    if problem.code == "too_many_open_orders" and is_own:
        return (
            f"You already have {counted(most, 'unpaid order')}, and cannot have more at once. Nothing was ordered; "
            "please pay for one or cancel it, then check out again."
        )
    if problem.code == "too_many_open_pieces" and is_own:
        if wanted.count > most:
            return (
                f"You have {counted(wanted.count, 'piece')} in your cart, and can order at most {most} at once. "
                "Nothing was ordered; please take some out, then check out again."
            )
        return (
            f"You can have at most {counted(most, 'piece')} in unpaid orders, and with this cart it would be more. "
            "Nothing was ordered; please pay for an order or cancel it, or take something out of your cart."
        )
    what = "orders" if problem.code == "too_many_open_orders" else "goods ordered"
    instead = "pay for an order of yours or cancel it, or " if has_open else ""
    return (
        f"Too many {what} from your network are waiting for payment. Nothing was ordered; "
        f"please {instead}try again in a few minutes."
    )


def _new_price(visit: Visit, problem: ApiProblem) -> str:
    seen, now = (problem.members.get(name) for name in ("expectedTotalMinor", "totalAmountMinor"))
    currency = problem.members.get("currency")
    if not (isinstance(seen, int) and isinstance(now, int) and isinstance(currency, str)):
        return trouble(problem)
    before, after = (money(minor, currency, visit.renderer.settings.locale) for minor in (seen, now))
    return f"The total has changed from {before} to {after}. Nothing was ordered; check out again if you agree."


async def go_and_pay(visit: Visit, order_id: str) -> Response[str]:
    """To the payment page; when there is none to be had, to the order, where paying can be tried again."""
    try:
        session = await visit.api.send("POST", "/payments/create-session", Checkout, {"orderId": order_id})
    except ApiProblem as problem:
        if problem.status in (401, 404):
            raise
        is_refusal = problem.status in (400, 409, 422)
        return visit.redirect(f"/account/orders/{order_id}", "not-payable" if is_refusal else "pay-later")
    if not session.checkout_url.startswith(("https://", "http://")):
        raise ApiProblem(502, "unreadable_answer", "The payment page's address could not be read.")
    return visit.redirect(session.checkout_url)


@get("/checkout", include_in_schema=False)
async def checkout_address(visit: Visiting) -> Response[str]:
    return visit.redirect("/cart")


@get("/checkout/return", include_in_schema=False)
async def checkout_return(visit: Visiting) -> Response[str]:
    visit.require_login()
    order = await read_order(visit, visit.request.query_params.get("order", ""))
    payment = await read_payment(visit, order)
    return visit.page("return.html", order=order, payment=payment, is_unpaid=_is_unpaid(visit), leads_to_payment=True)


@get("/checkout/status/{order_id:str}", include_in_schema=False)
async def checkout_status(visit: Visiting, order_id: FromPath[str]) -> Response[str]:
    """The part of the page that changes, for the script that asks again and again."""
    visit.require_login()
    order = await read_order(visit, order_id)
    payment = await read_payment(visit, order)
    return visit.page("_status.html", order=order, payment=payment, is_unpaid=_is_unpaid(visit))


async def read_order(visit: Visit, order_id: str) -> Order:
    return (await visit.api.get(path_of("orders", order_id), OneOrder)).order


def _is_unpaid(visit: Visit) -> bool:
    """Whether the buyer has come back without paying, as the payment page says: no payment is waited for."""
    return visit.request.query_params.get("unpaid") == "1"


async def read_payment(visit: Visit, order: Order) -> PaymentStatus | None:
    """The order's payment; None when there is none, or it cannot be told just now."""
    try:
        return await visit.api.get(path_of("payments", "status", order.id), PaymentStatus)
    except ApiProblem:
        return None


CHECKOUT: tuple[Any, ...] = (check_out, checkout_address, checkout_return, checkout_status)
