"""The console's first page: what was sold, what needs attention, and what a new shop does next."""

import asyncio
import re
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, NamedTuple, TypeVar

from litestar import Response, get

from kassa.pages.admins import or_none, require_staff
from kassa.pages.console_labels import labels
from kassa.pages.console_models import (
    Attention,
    Dispute,
    Disputes,
    Event,
    Events,
    Notice,
    OrderNumbers,
    PaymentNumbers,
    StockNumbers,
    Unclaimed,
    UnclaimedMoney,
    Waiting,
)
from kassa.pages.endpoint_models import Endpoint, Endpoints
from kassa.pages.models import Answer
from kassa.pages.numbers import KnowingNumbers, Numbers
from kassa.pages.sales_models import Sales, change
from kassa.pages.visit import Visit, Visiting, number

T = TypeVar("T")
_MOST, _NAMED = 100, 10
RANGES = (7, 30, 90)
USUAL = 30
_STRIPE = "Set STRIPE_SECRET_KEY and STRIPE_WEBHOOK_SECRET; until then no real money moves."
_DAY = re.compile(r"2[0-9]{3}-(0[1-9]|1[0-2])-[0-3][0-9]")


@get("/console", include_in_schema=False)
async def overview(visit: Visiting, numbers: KnowingNumbers) -> Response[str]:
    await require_staff(visit)
    since, until, days = _range(visit)
    orders, sales, payments, stock, trouble = await asyncio.gather(
        _number(visit, numbers, "/orders/admin/analytics/orders", OrderNumbers),
        _number(visit, numbers, "/orders/admin/analytics/sales", Sales, since=since, until=until),
        _number(visit, numbers, "/payments/admin/analytics/payments", PaymentNumbers),
        _number(visit, numbers, "/inventory/admin/analytics/inventory", StockNumbers),
        _failing(visit),
    )
    is_new = orders is not None and not orders.total_orders
    return visit.page(
        "console/overview.html",
        orders=orders,
        sales=sales,
        payments=payments,
        stock=stock,
        trouble=trouble,
        ranges=RANGES,
        days=days,
        change=change,
        steps=await _steps(visit, stock) if is_new else (),
    )


async def _number(visit: Visit, numbers: Numbers, endpoint: str, kind: type[T], **asked: str) -> T | None:
    """A panel's numbers. Who asks has just been found to have this role."""
    key = (visit.claims.role, endpoint, *asked.values())
    return await numbers.get(key, lambda: or_none(visit, endpoint, kind, asked))


def _range(visit: Visit) -> tuple[str, str, int]:
    """The first and the last day that are shown, and how many if they end today: chosen, or the last so many."""
    asked, today = visit.request.query_params, visit.renderer.settings.now.date()
    since, until = asked.get("since", ""), asked.get("until", "")
    if _is_day(since) and _is_day(until) and since <= until:
        return since, until, 0
    days = number(asked.get("days"))
    days = days if days in RANGES else USUAL
    return (today - timedelta(days=days - 1)).isoformat(), today.isoformat(), days


def _is_day(text: str) -> bool:
    try:
        return _DAY.fullmatch(text) is not None and bool(date.fromisoformat(text))
    except ValueError:
        return False


class HowItSells(Answer, frozen=True):
    """Whether it is said how the shop sends, and who sells."""

    shipping_methods: tuple[Any, ...] = ()
    seller: Any = None


class OneHow(Answer, frozen=True):
    """The API's answer."""

    selling: HowItSells


class NextStep(NamedTuple):
    """Something that a new shop needs: where it is done, what it is called, what it is good for, and whether it is
    done."""

    address: str
    words: str
    why: str
    is_done: bool


async def _steps(visit: Visit, stock: StockNumbers | None) -> tuple[NextStep, ...]:
    selling = (await visit.api.get("/selling", OneHow)).selling
    has_goods = stock is not None and stock.total_products_tracked > 0
    has_methods, has_seller = bool(selling.shipping_methods), selling.seller is not None
    is_live = not visit.renderer.settings.sandbox
    products, how, mails = "/console/products", "/console/selling", "/console/mails"
    steps = (
        ("GET /products", NextStep(products, "Add your products", "With prices, pictures and stock.", has_goods)),
        ("PUT /selling", NextStep(how, "Say how you ship", "Zones, and the ways to them.", has_methods)),
        ("PUT /selling", NextStep(how, "Say who sells", "Invoices need your name and address.", has_seller)),
        ("GET /auth/admin/staff", NextStep("/console", "Connect Stripe", _STRIPE, is_live)),
        ("GET /mails", NextStep(mails, "Look at your mails", "Set MAIL_URL, so that buyers get them.", False)),
        ("GET /orders/admin/all", NextStep("/", "Buy something yourself", "As your buyers will.", False)),
    )
    return tuple(step for endpoint, step in steps if visit.may(endpoint))


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
    called: Mapping[str, str]
    """What the orders are called that these are about."""


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
    waiting = tuple(waiting for each in known for waiting in each.waiting)
    disputed = tuple(each for each in disputes.disputes if each.answer_by) if disputes else ()
    return Failing(
        waiting=waiting,
        notices=payments.notices if payments else (),
        unclaimed=unclaimed.unclaimed if unclaimed else (),
        parked=events.events if events else (),
        parked_total=events.pagination.total if events else 0,
        disputes=disputed,
        stopped=tuple(each for each in told.endpoints if each.was_stopped) if told else (),
        has_more=any(each.pagination.next_cursor for each in known),
        called=await labels(visit, [each.order_id for each in waiting[:_NAMED]] + [each.order_id for each in disputed]),
    )


CONSOLE_OVERVIEW: tuple[Any, ...] = (overview,)
