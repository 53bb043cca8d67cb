"""The public endpoints of orders that staff alone is let in to: all orders, what fails, figures."""

from typing import Annotated, Any

from litestar import Request, Response, get
from litestar.params import FromQuery, QueryParameter

from kassa.kit.clock import DAY, Date, Millis, day_of, from_rfc3339, rfc3339, start_of_day
from kassa.kit.documents import Between, In, Where
from kassa.kit.email import one_spelling
from kassa.kit.lists import AttentionAnswer, attention, paging
from kassa.kit.money import major
from kassa.kit.problem import Invalid
from kassa.kit.web import JsonResponse, principal_of
from kassa.order.domain import Stage
from kassa.order.finding import LONGEST_QUERY, Only, Wanted, disputes_of, find, of_days, query_of
from kassa.order.numbers import LARGEST
from kassa.order.personal import of_address
from kassa.order.sales import MOST_READ, Sold, sold
from kassa.order.service import OrderService
from kassa.order.wire import (
    STATUSES,
    DayCount,
    DaySales,
    FoundOrders,
    OrderAnalytics,
    Period,
    Sales,
    SoldGoods,
    for_staff,
)

WantedStatus = Annotated[str | None, QueryParameter(schema_extra={"enum": STATUSES})]
OnlyOrders = Annotated[
    str | None,
    QueryParameter(
        schema_extra={"enum": tuple(str(each) for each in Only)},
        description="Only orders with goods to be sent, held back, with returns that are not done, of which money went "
        "back, with disputes, that end within ten minutes unpaid, or with withdrawals to be refunded",
    ),
]
Query = Annotated[
    str | None,
    QueryParameter(
        schema_extra={"maxLength": LONGEST_QUERY},
        description="An order's number or id, a session's or payment intent's at Stripe, an e-mail address; or words "
        "of a buyer's name or address, or of what was ordered, for which the newest 5,000 orders are looked through",
    ),
]
_Day = QueryParameter(schema_extra={"format": "date"}, description="A UTC day")
MOST_IDS = 50
_Ids = QueryParameter(name="id", schema_extra={"maxItems": MOST_IDS}, description="Only orders with these ids")
_Number = QueryParameter(schema_extra={"minimum": 1, "maximum": LARGEST}, description="Only the order with this number")
TREND_DAYS = 30
MOST_DAYS = 366


@get("/orders/admin/all", tags=["orders"])
async def all_orders(
    request: Request[Any, Any, Any],
    status: WantedStatus = None,
    user_id: Annotated[str | None, QueryParameter(name="userId")] = None,
    email: Annotated[str | None, QueryParameter(description="Only orders with exactly this e-mail address")] = None,
    ids: Annotated[list[str] | None, _Ids] = None,
    number: Annotated[int | None, _Number] = None,
    only: OnlyOrders = None,
    q: Query = None,
    since: Annotated[Date | None, _Day] = None,
    until: Annotated[Date | None, _Day] = None,
    limit: FromQuery[int] = 20,
    skip: FromQuery[int] = 0,
    cursor: FromQuery[str | None] = None,
) -> Response[FoundOrders]:
    """All orders, or those that are looked for, the newest first. `since` and `until` are the first and the last day on
    which they were made."""
    await principal_of(request)
    where: Where = of_days(_day(since, "since"), _day(until, "until"))
    if status is not None:
        if status not in STATUSES:
            raise Invalid.field("status", f"must be one of {', '.join(STATUSES)}")
        where = {**where, "status": status}
    where = {**where, **(of_address(one_spelling(email)) if email else {}), **({"user_id": user_id} if user_id else {})}
    where = where if not ids else {**where, **_of_ids(ids, where)}
    where = where if number is None else {**where, "number": _number(number)}
    wanted = Wanted(where, _only(only, status), query_of(q))
    service = _service(request)
    page = paging(limit, skip, cursor)
    found = await find(service.orders, service.payments, wanted, page, service.figures, service.now())
    disputes = await disputes_of(service.payments, found.orders)
    orders = [for_staff(order, disputes.get(order.id)) for order in found.orders]
    back_to = None if found.looked_back_to is None else rfc3339(found.looked_back_to)
    return JsonResponse(FoundOrders(orders, found.pagination, back_to), media_type="application/json")


def _of_ids(ids: list[str], where: Where) -> Where:
    if len(ids) > MOST_IDS:
        raise Invalid.field("id", f"must be given at most {MOST_IDS} times")
    days = where.get("id")
    return {"id": In(tuple(each for each in ids if not isinstance(days, Between) or days.holds(each)))}


def _number(number: int) -> int:
    if not 1 <= number <= LARGEST:
        raise Invalid.field("number", f"must be from 1 to {LARGEST}")
    return number


def _only(text: str | None, status: str | None) -> Only | None:
    if not text:
        return None
    if text not in Only.__members__.values():
        raise Invalid.field("only", f"must be one of {', '.join(Only)}")
    if text == Only.ENDING_SOON and status not in (None, Stage.PENDING):
        raise Invalid.field("only", f"orders that end soon are {Stage.PENDING}: leave the status out")
    return Only(text)


def _day(text: str | None, field: str) -> int | None:
    if text is None:
        return None
    try:
        return from_rfc3339(f"{text}T00:00:00Z")
    except ValueError:
        raise Invalid.field(field, "must be a day such as 2026-01-31") from None


@get("/orders/admin/attention", tags=["orders"])
async def order_attention(
    request: Request[Any, Any, Any],
    limit: FromQuery[int] = 20,
    skip: FromQuery[int] = 0,
    cursor: FromQuery[str | None] = None,
) -> Response[AttentionAnswer]:
    """What follows from orders, failed many times and still is tried."""
    await principal_of(request)
    service, asked = _service(request), paging(limit, skip, cursor)
    answer = await attention(service.orders, asked, service.figures, lambda order: order.id)
    return JsonResponse(answer, media_type="application/json")


@get("/orders/admin/analytics/sales", tags=["orders"])
async def order_sales(
    request: Request[Any, Any, Any],
    since: Annotated[Date | None, _Day] = None,
    until: Annotated[Date | None, _Day] = None,
) -> Response[Sales]:
    """What was sold from a day to another, beside as many days before; without them in the last 30 days."""
    await principal_of(request)
    service = _service(request)
    today = start_of_day(service.now())
    last = _day(until, "until")
    last = today if last is None else min(last, today)
    first = _day(since, "since")
    first = last - (TREND_DAYS - 1) * DAY if first is None else first
    if not last - MOST_DAYS * DAY < first <= last:
        raise Invalid.field("since", f"must be at most {MOST_DAYS} days before the last day, and not after it")
    count = (last - first) // DAY + 1
    now, then = [await sold(service.orders, service.figures, first - ago, last - ago) for ago in (0, count * DAY)]
    answer = Sales(
        currency=service.currency,
        period=_period(now, first, last, service.currency),
        before=_period(then, first - count * DAY, last - count * DAY, service.currency),
        days=[_day_sold(now, first + number * DAY, service.currency) for number in range(count)],
        best=[
            SoldGoods(
                each.product_id, each.name, each.pieces, major(each.amount_minor, service.currency), each.amount_minor
            )
            for each in now.best
        ],
        best_of=now.read if now.read >= MOST_READ else None,
    )
    return JsonResponse(answer, media_type="application/json")


def _period(sales: Sold, first: Millis, last: Millis, currency: str) -> Period:
    return Period(
        since=day_of(first),
        until=day_of(last),
        orders=sales.orders,
        net=major(sales.net_minor, currency),
        net_minor=sales.net_minor,
        refunded=major(sales.refunded_minor, currency),
        refunded_minor=sales.refunded_minor,
    )


def _day_sold(sales: Sold, day: Millis, currency: str) -> DaySales:
    count, amount = sales.days.get(day, (0, 0))
    return DaySales(day_of(day), count, major(amount, currency), amount)


@get("/orders/admin/analytics/orders", tags=["orders"])
async def order_analytics(request: Request[Any, Any, Any]) -> Response[OrderAnalytics]:
    """Orders in numbers."""
    await principal_of(request)
    service = _service(request)
    get, totals = service.figures.get, service.orders.totals
    by_status = {str(each.key): each for each in await get("value", lambda: totals({}, "status", sum_of="total_minor"))}
    recent: Where = {"status": In(STATUSES), "created_at": Between(service.now() - TREND_DAYS * DAY)}
    days = await get("days", lambda: totals(recent, "created_at", per=DAY))
    paid = [by_status[each] for each in (Stage.CONFIRMED, Stage.REFUNDED) if each in by_status]
    for_nothing: Where = {"status": str(Stage.CONFIRMED), "total_minor": 0}
    free = await get("free", lambda: totals(for_nothing, "status"))
    count = sum(total.count for total in paid) - sum(total.count for total in free)
    amount = sum(total.sum for total in paid)
    answer = OrderAnalytics(
        total_orders=sum(total.count for total in by_status.values()),
        orders_by_status={status: by_status[status].count if status in by_status else 0 for status in STATUSES},
        daily_order_trend=[DayCount(day_of(int(total.key or 0) * DAY), total.count) for total in days],
        average_order_value=major(round(amount / count) if count else 0, service.currency),
        currency=service.currency,
    )
    return JsonResponse(answer, media_type="application/json")


def _service(request: Request[Any, Any, Any]) -> OrderService:
    service: OrderService = request.app.state["order"]
    return service


HANDLERS = (all_orders, order_attention, order_analytics, order_sales)
