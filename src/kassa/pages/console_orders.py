"""One order in the console, and what an operator does about it."""

from collections.abc import Mapping
from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath

from kassa.pages import order_page
from kassa.pages.admins import or_none, require_staff
from kassa.pages.client import ApiProblem, path_of
from kassa.pages.destinations import KnowingDestinations, KnownDestinations
from kassa.pages.formats import major_text, money, typed_amount
from kassa.pages.models import OneOrder, OneRefund, Order, Refunds
from kassa.pages.sure import Step, asked_first
from kassa.pages.visit import Visit, Visiting, number
from kassa.pages.words import trouble

MOST_PIECES = 1_000_000
_CANCEL = Step(
    "Cancel order {who}?",
    (
        "It ends, and its goods go back on sale.",
        "Its buyer cannot pay for it any more, and is told.",
        "It is not possible if the order is paid, or being paid right now.",
    ),
    "Cancel the order",
)


async def read(visit: Visit, order_id: str) -> Order:
    """As staff sees it, whatever this browser has ordered itself."""
    return (await visit.api.get(path_of("orders", order_id), OneOrder)).order


async def order_response(
    visit: Visit,
    order_id: str,
    places: KnownDestinations,
    wrong: str = "",
    status: int = 200,
    typed: Mapping[str, str] | None = None,
    errors: Mapping[str, str] | None = None,
) -> Response[str]:
    """The order's page; with what was `typed` into its form for a refund, and what is wrong with that."""
    order = await read(visit, order_id)
    page = await order_page.of(visit, order)
    return visit.page(
        "console/order.html",
        status,
        order=order,
        country=await places.names(visit.api),
        page=page,
        timeline=page.timeline,
        payment=page.payment,
        refunds=page.refunds,
        trouble=wrong,
        typed=typed or {},
        errors=errors or {},
    )


@get("/console/orders/{order_id:str}", include_in_schema=False)
async def one_order(visit: Visiting, order_id: FromPath[str], destinations: KnowingDestinations) -> Response[str]:
    await require_staff(visit)
    return await order_response(visit, order_id, destinations)


@post("/console/orders/{order_id:str}/cancel", include_in_schema=False)
async def cancel(visit: Visiting, order_id: FromPath[str], destinations: KnowingDestinations) -> Response[str]:
    await require_staff(visit)
    order = await read(visit, order_id)
    asking = asked_first(visit, _CANCEL, order.called, f"/console/orders/{order_id}", "cancel")
    if asking is not None:
        return asking
    try:
        await visit.api.send("POST", path_of("orders", order_id, "cancel"), OneOrder, key=visit.field("key") or None)
    except ApiProblem as problem:
        if problem.status != 409:
            raise
        return await order_response(visit, order_id, destinations, trouble(problem), 409)
    return visit.redirect(f"/console/orders/{order_id}", "cancelling")


@post("/console/orders/{order_id:str}/refund", include_in_schema=False)
async def refund(visit: Visiting, order_id: FromPath[str], destinations: KnowingDestinations) -> Response[str]:
    """In two steps: what is typed is checked and shown once more, and only its confirmation refunds."""
    await require_staff(visit)
    order = await read(visit, order_id)
    refunds = await or_none(visit, "/payments/{order_id}/refunds", Refunds, order_id=order_id)
    pieces_of = {item.product_id: f"pieces-{item.product_id}" for item in order.items}
    typed = {name: visit.field(name) for name in ("amount", "reason", *pieces_of.values())}
    is_confirmed = visit.field("confirmed") == "yes"
    # Confirmed twice it has gone back already, so that less is left: the API knows its own answer again.
    left = None if is_confirmed else refunds
    amount, errors = _amount(typed["amount"], order, left)
    for product_id, name in pieces_of.items():
        most = left.can_come_back(product_id) if left else MOST_PIECES
        if not 0 <= number(typed[name] or "0", -1) <= most:
            errors[name] = f"Give a number from 0 to {most}."
    if errors:
        return await order_response(visit, order_id, destinations, "", 422, typed, errors)
    pieces = [(item, number(typed[pieces_of[item.product_id]])) for item in order.items]
    pieces = [(item, quantity) for item, quantity in pieces if quantity]
    if not is_confirmed:
        return visit.page("console/refund.html", order=order, amount=amount, reason=typed["reason"], pieces=pieces)
    items = [{"productId": item.product_id, "quantity": quantity} for item, quantity in pieces]
    body = {"amount": amount, "reason": typed["reason"], "items": items}
    try:
        path = path_of("payments", order_id, "refund")
        made = await visit.api.send("POST", path, OneRefund, body, key=visit.field("key") or None)
    except ApiProblem as problem:
        # More than the role's limit is an amount that is wrong, not a page that is closed.
        status = 409 if problem.code == "refund_over_limit" else problem.status
        if status not in (400, 409, 422):
            raise
        return await order_response(visit, order_id, destinations, trouble(problem), status, typed)
    if made.refund.status in ("failed", "canceled"):
        ended = "The refund failed." if made.refund.status == "failed" else "The refund was cancelled."
        return await order_response(
            visit, order_id, destinations, f"{ended} {made.refund.failure or ''}".strip(), 409, typed
        )
    told = "refunded" if made.refund.status == "succeeded" else "refunding"
    return visit.redirect(f"/console/orders/{order_id}", told)


def _amount(typed: str, order: Order, refunds: Refunds | None) -> tuple[str, dict[str, str]]:
    """What goes back, as the API takes it, and what is wrong with what was typed."""
    if not typed:
        return "", {"amount": "Say how much goes back."}
    try:
        minor = typed_amount(typed, order.currency)
    except ValueError as error:
        return "", {"amount": str(error)}
    if refunds is not None and minor > refunds.left_minor:
        return "", {"amount": f"Only {money(refunds.left_minor, refunds.currency)} is left of the payment."}
    return major_text(minor, order.currency), {}


CONSOLE_ORDERS: tuple[Any, ...] = (one_order, cancel, refund)
