"""Orders over the wire: what is sent and what is answered."""

from decimal import Decimal
from typing import Annotated

import msgspec

from kassa.kit.clock import Date, Timestamp, rfc3339
from kassa.kit.lists import Id, Pagination, documented
from kassa.kit.money import major
from kassa.order.domain import MAX_LINES, MAX_QUANTITY, Order

STATUSES = ("PENDING", "CONFIRMED", "CANCELLED", "FAILED", "REFUNDED")
OneStatus = Annotated[str, documented("Where it stands", enum=STATUSES)]


class NewOrder(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """What a buyer asks for. With `expected_total_minor`, what the buyer has seen, no other total is taken."""

    items: Annotated[list["NewLine"], documented("Each product once, or merged", minItems=1, maxItems=MAX_LINES)]
    expected_total_minor: Annotated[int, msgspec.Meta(ge=0, le=10**15)] | None = None


class NewLine(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """So many pieces of one product."""

    product_id: Id
    quantity: Annotated[int, documented("Pieces", minimum=1, maximum=MAX_QUANTITY)]


class ItemOut(msgspec.Struct, frozen=True, rename="camel"):
    """A line of an order; `price_snapshot` is the price of one piece when the order was placed."""

    product_id: str
    name: str
    quantity: int
    price_snapshot: Decimal
    price_snapshot_minor: int


class OrderOut(msgspec.Struct, frozen=True, rename="camel"):
    """An order as the wire shows it. `reason` says why it ended as it did."""

    id: str
    user_id: str
    items: list[ItemOut]
    total_amount: Decimal
    total_amount_minor: int
    currency: str
    status: OneStatus
    reason: str | None
    expires_at: Timestamp
    created_at: Timestamp
    updated_at: Timestamp


class OrderAnswer(msgspec.Struct, frozen=True):
    """One order."""

    order: OrderOut


class OrdersAnswer(msgspec.Struct, frozen=True):
    """A page of orders, the newest first."""

    orders: list[OrderOut]
    pagination: Pagination


class EntryOut(msgspec.Struct, frozen=True):
    """One thing that happened. `data` is for looking further, for administrators."""

    at: Timestamp
    service: str
    kind: str
    text: str
    data: dict[str, str]


class TimelineAnswer(msgspec.Struct, frozen=True):
    """All that ever happened to one order, the earliest first."""

    entries: list[EntryOut]


class DayCount(msgspec.Struct, frozen=True):
    """So many on one UTC day."""

    date: Date
    count: int


class OrderAnalytics(msgspec.Struct, frozen=True, rename="camel"):
    """Orders in numbers; the average is over those that were paid, the trend over the last 30 days."""

    total_orders: int
    orders_by_status: dict[str, int]
    daily_order_trend: list[DayCount]
    average_order_value: Decimal
    currency: str


def shown(order: Order) -> OrderOut:
    """The order as the wire shows it."""
    currency = order.currency
    return OrderOut(
        id=order.id,
        user_id=order.user_id,
        items=[
            ItemOut(item.product_id, item.name, item.quantity, major(item.price_minor, currency), item.price_minor)
            for item in order.items
        ],
        total_amount=major(order.total_minor, currency),
        total_amount_minor=order.total_minor,
        currency=currency,
        status=order.status,
        reason=str(order.reason) or None,
        expires_at=rfc3339(order.expires_at),
        created_at=rfc3339(order.created_at),
        updated_at=rfc3339(order.updated_at),
    )
