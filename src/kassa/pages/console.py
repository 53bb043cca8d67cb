"""The operator's console: numbers, what needs attention, stored events. Every page asks the API whether this is one of
the staff, and shows what their role may see and do."""

import asyncio
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple

from litestar import Response, get, post
from litestar.params import FromPath

from kassa.pages.admins import or_none, require_staff
from kassa.pages.client import path_of
from kassa.pages.console_acts import CONSOLE_ACTS
from kassa.pages.console_discounts import CONSOLE_DISCOUNTS
from kassa.pages.console_disputes import CONSOLE_DISPUTES
from kassa.pages.console_endpoints import CONSOLE_ENDPOINTS
from kassa.pages.console_families import CONSOLE_FAMILIES
from kassa.pages.console_invoices import CONSOLE_INVOICES
from kassa.pages.console_keys import CONSOLE_KEYS
from kassa.pages.console_mails import CONSOLE_MAILS
from kassa.pages.console_models import (
    Attention,
    DayCount,
    Dispute,
    Disputes,
    Event,
    Events,
    Notice,
    OrderNumbers,
    PaymentNumbers,
    RevenueNumbers,
    StockNumbers,
    Unclaimed,
    UnclaimedMoney,
    Waiting,
)
from kassa.pages.console_order_list import CONSOLE_ORDER_LIST
from kassa.pages.console_orders import CONSOLE_ORDERS
from kassa.pages.console_parcels import CONSOLE_PARCELS
from kassa.pages.console_products import CONSOLE_PRODUCTS
from kassa.pages.console_selling import CONSOLE_SELLING
from kassa.pages.console_staff import CONSOLE_STAFF
from kassa.pages.endpoint_models import Endpoint, Endpoints
from kassa.pages.storefront import paging
from kassa.pages.sure import Step, asked_first
from kassa.pages.visit import Visit, Visiting, number

_SHOWN = 50
_TREND_DAYS = 30
_MOST, _NAMED = 100, 10
_DISMISS = Step(
    "Is payment {who} none of this shop's?",
    ("It goes off the list.", "Nothing is refunded: if it is a buyer's money, refund it in Stripe's dashboard."),
    "It is not this shop's",
)


@get("/console", include_in_schema=False)
async def overview(visit: Visiting) -> Response[str]:
    await require_staff(visit)
    orders, revenue, payments, stock, trouble = await asyncio.gather(
        or_none(visit, "/orders/admin/analytics/orders", OrderNumbers),
        or_none(visit, "/payments/admin/analytics/revenue", RevenueNumbers),
        or_none(visit, "/payments/admin/analytics/payments", PaymentNumbers),
        or_none(visit, "/inventory/admin/analytics/inventory", StockNumbers),
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
    """What fails and fails. `has_more` than are named."""

    waiting: tuple[Waiting, ...]
    notices: tuple[Notice, ...]
    unclaimed: tuple[Unclaimed, ...]
    parked: tuple[Event, ...]
    parked_total: int
    disputes: tuple[Dispute, ...]
    stopped: tuple[Endpoint, ...]
    has_more: bool


async def _failing(visit: Visit) -> Failing:
    orders, payments, events, disputes, unclaimed, told = await asyncio.gather(
        or_none(visit, "/orders/admin/attention", Attention, {"limit": _MOST}),
        or_none(visit, "/payments/admin/attention", Attention, {"limit": _MOST}),
        or_none(visit, "/payments/admin/events", Events, {"status": "parked", "limit": _NAMED}),
        or_none(visit, "/payments/admin/disputes", Disputes, {"waiting": "true", "limit": _MOST}),
        or_none(visit, "/payments/admin/unclaimed", UnclaimedMoney, {"limit": _NAMED}),
        or_none(visit, "/events/endpoints", Endpoints),
    )
    known = [each for each in (orders, payments) if each is not None]
    return Failing(
        waiting=tuple(waiting for each in known for waiting in each.waiting),
        notices=payments.notices if payments else (),
        unclaimed=unclaimed.unclaimed if unclaimed else (),
        parked=events.events if events else (),
        parked_total=events.pagination.total if events else 0,
        disputes=tuple(each for each in disputes.disputes if each.answer_by) if disputes else (),
        stopped=tuple(each for each in told.endpoints if each.was_stopped) if told else (),
        has_more=any(each.pagination.next_cursor for each in known),
    )


def last_days(known: Sequence[DayCount], today: date) -> tuple[DayCount, ...]:
    """The last 30 days up to today, those without orders included."""
    counts = {day.date: day.count for day in known}
    dates = ((today - timedelta(days=age)).isoformat() for age in reversed(range(_TREND_DAYS)))
    return tuple(DayCount(date=each, count=counts.get(each, 0)) for each in dates)


@get("/console/events", include_in_schema=False)
async def events(visit: Visiting) -> Response[str]:
    await require_staff(visit)
    asked = visit.request.query_params
    status, skip = asked.get("status", ""), max(0, number(asked.get("skip")))
    params = {"status": status, "limit": _SHOWN, "skip": skip}
    found = await visit.api.get("/payments/admin/events", Events, params)
    pages = paging(skip, _SHOWN, max(found.pagination.total, len(found.events)))
    return visit.page("console/events.html", events=found.events, filters={"status": status}, paging=pages)


@post("/console/events/{event_id:str}/replay", include_in_schema=False)
async def replay(visit: Visiting, event_id: FromPath[str]) -> Response[str]:
    await require_staff(visit)
    await visit.api.send("POST", path_of("payments", "admin", "events", event_id, "replay"), Any)
    return visit.redirect("/console/events", "replayed")


@post("/console/unclaimed/{session_id:str}/dismiss", include_in_schema=False)
async def dismiss(visit: Visiting, session_id: FromPath[str]) -> Response[str]:
    await require_staff(visit)
    if asking := asked_first(visit, _DISMISS, session_id, "/console", f"unclaimed/{session_id}/dismiss"):
        return asking
    await visit.api.send("POST", path_of("payments", "admin", "unclaimed", session_id, "dismiss"), Any)
    return visit.redirect("/console", "dismissed")


CONSOLE: tuple[Any, ...] = (
    overview,
    *CONSOLE_ORDER_LIST,
    *CONSOLE_ORDERS,
    *CONSOLE_PARCELS,
    *CONSOLE_DISPUTES,
    events,
    replay,
    dismiss,
    *CONSOLE_PRODUCTS,
    *CONSOLE_FAMILIES,
    *CONSOLE_ACTS,
    *CONSOLE_STAFF,
    *CONSOLE_KEYS,
    *CONSOLE_INVOICES,
    *CONSOLE_MAILS,
    *CONSOLE_ENDPOINTS,
    *CONSOLE_DISCOUNTS,
    *CONSOLE_SELLING,
)
