"""The API's answers about the shop as a whole, as far as the console reads them."""

from datetime import datetime
from decimal import Decimal

import msgspec

from kassa.pages.models import Answer, Pagination


class DayCount(Answer, frozen=True):
    date: str
    count: int


class OrderNumbers(Answer, frozen=True):
    total_orders: int
    orders_by_status: dict[str, int]
    daily_order_trend: tuple[DayCount, ...] = ()
    average_order_value: Decimal = Decimal(0)


class PaymentNumbers(Answer, frozen=True):
    success: int = 0
    failed: int = 0
    initiated: int = 0
    failure_reasons: dict[str, int] = msgspec.field(default_factory=dict)


class StockNumbers(Answer, frozen=True):
    total_products_tracked: int = 0
    low_stock: int = 0
    out_of_stock: int = 0
    total_stock: int = 0
    low_stock_threshold: int = 0


class Event(Answer, frozen=True):
    """A message from Stripe, as the payment service keeps it."""

    id: str
    type: str = ""
    status: str = ""
    received_at: datetime | None = None
    note: str = ""
    attempts: int = 0
    order_id: str | None = None


class Waiting(Answer, frozen=True):
    """Something that must happen because of an order or a payment, and fails and fails."""

    order_id: str
    kind: str
    attempts: int
    next_at: datetime
    error: str = ""


class Dispute(Answer, frozen=True):
    """Money that a buyer's bank asks about or has taken back."""

    id: str
    order_id: str
    status: str
    amount: Decimal
    currency: str
    reason: str = ""
    answer_by: datetime | None = None


class Disputes(Answer, frozen=True):
    disputes: tuple[Dispute, ...]
    pagination: Pagination = Pagination()


class Unclaimed(Answer, frozen=True):
    """A session that was paid at Stripe and that no order knows."""

    session_id: str
    amount: Decimal
    currency: str
    paid_at: datetime


class UnclaimedMoney(Answer, frozen=True):
    unclaimed: tuple[Unclaimed, ...]


class Notice(Answer, frozen=True):
    text: str
    advice: str


class Attention(Answer, frozen=True):
    waiting: tuple[Waiting, ...]
    notices: tuple[Notice, ...] = ()
    pagination: Pagination = Pagination()
    overdue: int = 0


class Events(Answer, frozen=True):
    events: tuple[Event, ...]
    pagination: Pagination = Pagination()


class Act(Answer, frozen=True):
    """What staff or an API key did, or was refused."""

    at: datetime
    name: str
    role: str
    address: str
    what: str
    subject: str = ""
    outcome: str = ""
    status: int = 0


class Acts(Answer, frozen=True):
    acts: tuple[Act, ...]
    pagination: Pagination = Pagination()
