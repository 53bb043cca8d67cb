"""The console's list of orders: looked for, filtered, as a file, and what is printed of several at once."""

import asyncio
import re
from collections.abc import Iterator
from typing import Any

from litestar import Response, get

from kassa.pages.admins import require_staff
from kassa.pages.client import path_of
from kassa.pages.destinations import KnowingDestinations
from kassa.pages.formats import major_text
from kassa.pages.listed_models import FoundOrders, ListedOrder
from kassa.pages.models import OneOrder, Order
from kassa.pages.spreadsheet import plain, written
from kassa.pages.storefront import paging
from kassa.pages.visit import Visit, Visiting, number

_SHOWN, _PAGE = 25, 100
MOST_ROWS, MOST_ROWS_BY_WORDS = 5_000, 500
"""A file has at most so many orders. To find the next page by words means to look through all orders again."""
MOST_SLIPS = _SHOWN
_FILTERS = ("q", "status", "only", "since", "until", "email", "userId")
_LONGEST_FILTER = 200
_DAY = re.compile(r"2[0-9]{3}-(0[1-9]|1[0-2])-[0-3][0-9]")
_COLUMNS = (
    "number", "id", "made", "status", "money", "goods", "name", "email", "items", "pieces", "currency", "total",
    "refunded",
)  # fmt: skip
CHOICES = (
    ("", "", "All"),
    ("only", "to_ship", "To send"),
    ("status", "PENDING", "Not paid yet"),
    ("only", "ending_soon", "Ending soon"),
    ("only", "on_hold", "On hold"),
    ("only", "returns", "Returns"),
    ("only", "disputed", "Disputed"),
    ("only", "refunded", "Refunded"),
    ("status", "CONFIRMED", "Paid"),
    ("status", "CANCELLED", "Cancelled"),
    ("status", "FAILED", "Failed"),
)
"""What is filtered by: the parameter, its value, and what it is called."""


def _filters(visit: Visit) -> dict[str, str]:
    """What is looked for; a day that is none is left out, so that half a date in an address is no error."""
    asked = visit.request.query_params
    given = {name: asked.get(name, "").strip()[:_LONGEST_FILTER] for name in _FILTERS}
    return given | {name: given[name] if _DAY.fullmatch(given[name]) else "" for name in ("since", "until")}


@get("/console/orders", include_in_schema=False)
async def all_orders(visit: Visiting) -> Response[str]:
    await require_staff(visit)
    filters, skip = _filters(visit), max(0, number(visit.request.query_params.get("skip")))
    found = await visit.api.get("/orders/admin/all", FoundOrders, {**filters, "limit": _SHOWN, "skip": skip})
    rows = min(found.pagination.total, MOST_ROWS_BY_WORDS if filters["q"] else MOST_ROWS)
    return visit.page(
        "console/orders.html",
        orders=found.orders,
        looked_back_to=found.looked_back_to,
        filters=filters,
        choices=_choices(filters),
        rows=rows,
        paging=paging(skip, _SHOWN, found.pagination.total),
    )


def _choices(filters: dict[str, str]) -> list[tuple[dict[str, str], bool, str]]:
    """For each choice what is looked for with it, whether it is the present one, and what it is called."""
    kind = {name: filters[name] for name in ("status", "only")}
    choices = []
    for name, value, word in CHOICES:
        chosen = {"status": "", "only": ""} | ({name: value} if name else {})
        choices.append((filters | chosen, chosen == kind, word))
    return choices


@get("/console/orders/file", include_in_schema=False)
async def orders_file(visit: Visiting) -> Response[str]:
    """What is filtered, the newest first, for a spreadsheet."""
    await require_staff(visit)
    filters = _filters(visit)
    content = written(_COLUMNS, _lines(await _all(visit, filters)))
    return visit.file(content, "text/csv", 'attachment; filename="orders.csv"')


async def _all(visit: Visit, filters: dict[str, str]) -> list[ListedOrder]:
    found: list[ListedOrder] = []
    cursor: str | None = None
    most = MOST_ROWS_BY_WORDS if filters["q"] else MOST_ROWS
    while len(found) < most:
        asked = {**filters, "limit": _PAGE, "cursor": cursor}
        page = await visit.api.get("/orders/admin/all", FoundOrders, asked)
        found += page.orders
        cursor = page.pagination.next_cursor
        if cursor is None:
            break
    return found[:most]


def _lines(orders: list[ListedOrder]) -> Iterator[list[str]]:
    for order in orders:
        goods = order.goods_badge
        yield [
            str(order.number or ""), order.id, order.created_at.isoformat(), order.status, order.money_badge.word,
            goods.word if goods else "", plain(order.buyer), plain(order.email),
            plain("; ".join(f"{each.quantity} × {each.name}" for each in order.items)),
            str(sum(each.quantity for each in order.items)), order.currency,
            major_text(order.total_amount_minor, order.currency), major_text(order.refunded_minor, order.currency),
        ]  # fmt: skip


@get("/console/orders/slips", include_in_schema=False)
async def slips(visit: Visiting, destinations: KnowingDestinations) -> Response[str]:
    """The packing slips of the orders that were ticked, to be printed at once: nothing of them is changed."""
    await require_staff(visit)
    chosen = visit.request.query_params.getall("order", [])[:MOST_SLIPS]
    found = await asyncio.gather(*(_order(visit, each) for each in dict.fromkeys(chosen)))
    return visit.page("console/slips.html", orders=found, country=await destinations.names(visit.api))


async def _order(visit: Visit, order_id: str) -> Order:
    return (await visit.api.get(path_of("orders", order_id), OneOrder)).order


CONSOLE_ORDER_LIST: tuple[Any, ...] = (all_orders, orders_file, slips)
