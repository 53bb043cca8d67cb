"""The operator's console: numbers, orders, stored events. Every page asks the API whether this is an administrator."""

import asyncio
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple, TypeVar

from litestar import Response, get, post
from litestar.params import FromPath

from kassa.pages.admins import require_admin
from kassa.pages.checkout import read_order
from kassa.pages.client import ApiProblem, Params, path_of
from kassa.pages.console_products import CONSOLE_PRODUCTS
from kassa.pages.models import (
    Attention,
    DayCount,
    Dispute,
    Disputes,
    Event,
    Events,
    Notice,
    OneOrder,
    OneRefund,
    OrderNumbers,
    Orders,
    PaymentNumbers,
    PaymentStatus,
    Refunds,
    RevenueNumbers,
    StockNumbers,
    Timeline,
    Unclaimed,
    UnclaimedMoney,
    Waiting,
)
from kassa.pages.storefront import paging
from kassa.pages.visit import Visit, Visiting, number
from kassa.pages.words import trouble

T = TypeVar("T")
_SHOWN = 50
_TREND_DAYS = 30
_MOST, _NAMED = 100, 10


async def _or_none(visit: Visit, path: str, kind: type[T], params: Params | None = None) -> T | None:
    """A panel whose service cannot be reached says so; the others are still shown."""
    try:
        return await visit.api.get(path, kind, params)
    except ApiProblem as problem:
        if problem.status in (401, 403):
            raise
        return None


@get("/console", include_in_schema=False)
async def overview(visit: Visiting) -> Response[str]:
    await require_admin(visit)
    orders, revenue, payments, stock, trouble = await asyncio.gather(
        _or_none(visit, "/orders/admin/analytics/orders", OrderNumbers),
        _or_none(visit, "/payments/admin/analytics/revenue", RevenueNumbers),
        _or_none(visit, "/payments/admin/analytics/payments", PaymentNumbers),
        _or_none(visit, "/inventory/admin/analytics/inventory", StockNumbers),
        _failing(visit),
    )
    days = last_days(orders.daily_order_trend if orders else (), visit.renderer.settings.now.date())
    return visit.page(
        "console/overview.html",
        orders=orders,
        revenue=revenue,
        payments=payments,
        stock=stock,
        trouble=trouble,
        days=days,
    )


class Failing(NamedTuple):
    """What fails and fails. `has_more` than are named; `is_whole` unless a service could not be asked."""

    waiting: tuple[Waiting, ...]
    notices: tuple[Notice, ...]
    unclaimed: tuple[Unclaimed, ...]
    parked: tuple[Event, ...]
    parked_total: int
    disputes: tuple[Dispute, ...]
    has_more: bool
    is_whole: bool


async def _failing(visit: Visit) -> Failing:
    orders, payments, events, disputes, unclaimed = await asyncio.gather(
        _or_none(visit, "/orders/admin/attention", Attention, {"limit": _MOST}),
        _or_none(visit, "/payments/admin/attention", Attention, {"limit": _MOST}),
        _or_none(visit, "/payments/admin/events", Events, {"status": "parked", "limit": _NAMED}),
        _or_none(visit, "/payments/admin/disputes", Disputes, {"waiting": "true", "limit": _MOST}),
        _or_none(visit, "/payments/admin/unclaimed", UnclaimedMoney, {"limit": _NAMED}),
    )
    known = [each for each in (orders, payments) if each is not None]
    return Failing(
        waiting=tuple(waiting for each in known for waiting in each.waiting),
        notices=payments.notices if payments else (),
        unclaimed=unclaimed.unclaimed if unclaimed else (),
        parked=events.events if events else (),
        parked_total=events.pagination.total if events else 0,
        disputes=tuple(each for each in disputes.disputes if each.answer_by) if disputes else (),
        has_more=any(each.pagination.next_cursor for each in known),
        is_whole=None not in (orders, payments, events, disputes, unclaimed),
    )


def last_days(known: Sequence[DayCount], today: date) -> tuple[DayCount, ...]:
    """The last 30 days up to today, those without orders included."""
    counts = {day.date: day.count for day in known}
    dates = ((today - timedelta(days=age)).isoformat() for age in reversed(range(_TREND_DAYS)))
    return tuple(DayCount(date=each, count=counts.get(each, 0)) for each in dates)


@get("/console/orders", include_in_schema=False)
async def all_orders(visit: Visiting) -> Response[str]:
    await require_admin(visit)
    asked = visit.request.query_params
    filters = {"status": asked.get("status", ""), "userId": asked.get("userId", "")}
    skip = max(0, number(asked.get("skip")))
    found = await visit.api.get("/orders/admin/all", Orders, {**filters, "limit": _SHOWN, "skip": skip})
    pages = paging(skip, _SHOWN, found.pagination.total)
    return visit.page("console/orders.html", orders=found.orders, filters=filters, paging=pages)


async def _order_response(visit: Visit, order_id: str, wrong: str = "", status: int = 200) -> Response[str]:
    order = await read_order(visit, order_id)
    timeline, payment, refunds = await asyncio.gather(
        _or_none(visit, path_of("orders", order_id, "timeline"), Timeline),
        _or_none(visit, path_of("payments", "status", order_id), PaymentStatus),
        _or_none(visit, path_of("payments", order_id, "refunds"), Refunds),
    )
    return visit.page(
        "console/order.html", status, order=order, timeline=timeline, payment=payment, refunds=refunds, trouble=wrong
    )


@get("/console/orders/{order_id:str}", include_in_schema=False)
async def one_order(visit: Visiting, order_id: FromPath[str]) -> Response[str]:
    await require_admin(visit)
    return await _order_response(visit, order_id)


@post("/console/orders/{order_id:str}/cancel", include_in_schema=False)
async def cancel(visit: Visiting, order_id: FromPath[str]) -> Response[str]:
    await require_admin(visit)
    try:
        await visit.api.send("POST", path_of("orders", order_id, "cancel"), OneOrder, key=visit.field("key") or None)
    except ApiProblem as problem:
        if problem.status != 409:
            raise
        return await _order_response(visit, order_id, trouble(problem), 409)
    return visit.redirect(f"/console/orders/{order_id}", "cancelling")


@post("/console/orders/{order_id:str}/refund", include_in_schema=False)
async def refund(visit: Visiting, order_id: FromPath[str]) -> Response[str]:
    """In two steps: what is typed is shown once more, and only its confirmation refunds. The amount goes to the API as
    it was typed: it knows the currency's decimals."""
    await require_admin(visit)
    order, amount, reason = await read_order(visit, order_id), visit.field("amount"), visit.field("reason")
    if not amount:
        return await _order_response(visit, order_id, "Say how much goes back: the amount is empty.", 422)
    pieces = [(item, number(visit.field(f"pieces-{item.product_id}"))) for item in order.items]
    pieces = [(item, quantity) for item, quantity in pieces if quantity]
    if visit.field("confirmed") != "yes":
        return visit.page("console/refund.html", order=order, amount=amount, reason=reason, pieces=pieces)
    items = [{"productId": item.product_id, "quantity": quantity} for item, quantity in pieces]
    body = {"amount": amount, "reason": reason, "items": items}
    try:
        path = path_of("payments", order_id, "refund")
        made = await visit.api.send("POST", path, OneRefund, body, key=visit.field("key") or None)
    except ApiProblem as problem:
        if problem.status not in (400, 409, 422):
            raise
        return await _order_response(visit, order_id, trouble(problem), problem.status)
    if made.refund.status == "failed":
        return await _order_response(visit, order_id, f"The refund failed. {made.refund.failure or ''}".strip(), 409)
    return visit.redirect(f"/console/orders/{order_id}", "refunded")


@get("/console/events", include_in_schema=False)
async def events(visit: Visiting) -> Response[str]:
    await require_admin(visit)
    asked = visit.request.query_params
    status, skip = asked.get("status", ""), max(0, number(asked.get("skip")))
    params = {"status": status, "limit": _SHOWN, "skip": skip}
    found = await visit.api.get("/payments/admin/events", Events, params)
    pages = paging(skip, _SHOWN, max(found.pagination.total, len(found.events)))
    return visit.page("console/events.html", events=found.events, filters={"status": status}, paging=pages)


@post("/console/events/{event_id:str}/replay", include_in_schema=False)
async def replay(visit: Visiting, event_id: FromPath[str]) -> Response[str]:
    await require_admin(visit)
    await visit.api.send("POST", path_of("payments", "admin", "events", event_id, "replay"), Any)
    return visit.redirect("/console/events", "replayed")


@post("/console/unclaimed/{session_id:str}/dismiss", include_in_schema=False)
async def dismiss(visit: Visiting, session_id: FromPath[str]) -> Response[str]:
    await require_admin(visit)
    await visit.api.send("POST", path_of("payments", "admin", "unclaimed", session_id, "dismiss"), Any)
    return visit.redirect("/console", "dismissed")


CONSOLE: tuple[Any, ...] = (
    overview,
    all_orders,
    one_order,
    cancel,
    refund,
    events,
    replay,
    dismiss,
    *CONSOLE_PRODUCTS,
)
