"""The API's answers, as far as the pages read them. Unknown members are ignored, so that the API may grow."""

from datetime import datetime
from decimal import Decimal

import msgspec

from kassa.kit.money import major


class Answer(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Common ground of all answers: camelCase on the wire."""


class Pagination(Answer, frozen=True):
    total: int = 0
    limit: int = 0
    skip: int | None = 0
    next_cursor: str | None = None


class Product(Answer, frozen=True):
    id: str
    name: str
    price_minor: int
    currency: str
    sku: str | None = None
    description: str = ""
    category: str = ""
    images: tuple[str, ...] = ()
    is_active: bool = True
    stock: int | None = None
    updated_at: datetime | None = None
    compare_at_price_minor: int | None = None
    prior_price_minor: int | None = None

    @property
    def is_reduced(self) -> bool:
        """Whether the shop may say so: what is announced is reckoned from the prior price and from no other (Directive
        98/6/EC, Article 6a; Court of Justice, C-330/23), and beside that one some reductions are none."""
        return self.prior_price_minor is not None and self.prior_price_minor > self.price_minor

    @property
    def is_sold_out(self) -> bool:
        return self.stock is not None and self.stock <= 0


class Products(Answer, frozen=True):
    products: tuple[Product, ...]
    pagination: Pagination = Pagination()


class Category(Answer, frozen=True):
    category: str
    products: int = 0


class Categories(Answer, frozen=True):
    categories: tuple[Category, ...]


class OneProduct(Answer, frozen=True):
    product: Product


class Stock(Answer, frozen=True):
    product_id: str
    stock: int


class OrderItem(Answer, frozen=True):
    product_id: str
    name: str
    quantity: int
    price_snapshot_minor: int

    @property
    def amount_minor(self) -> int:
        return self.price_snapshot_minor * self.quantity


class Order(Answer, frozen=True):
    id: str
    items: tuple[OrderItem, ...]
    total_amount_minor: int
    currency: str
    status: str
    created_at: datetime
    user_id: str = ""
    reason: str | None = None
    expires_at: datetime | None = None
    updated_at: datetime | None = None

    @property
    def is_final(self) -> bool:
        return self.status != "PENDING"


class OneOrder(Answer, frozen=True):
    order: Order


class Orders(Answer, frozen=True):
    orders: tuple[Order, ...]
    pagination: Pagination = Pagination()


class Checkout(Answer, frozen=True):
    checkout_url: str
    session_id: str = ""


class PaymentDispute(Answer, frozen=True):
    status: str
    amount_minor: int
    currency: str


class PaymentStatus(Answer, frozen=True):
    status: str
    currency: str
    amount_minor: int
    stage: str = ""
    refunded_minor: int = 0
    disputes: tuple[PaymentDispute, ...] = ()


class Refund(Answer, frozen=True):
    """Money that goes back; `failure` is why it does not."""

    id: str
    status: str
    failure: str | None = None


class OneRefund(Answer, frozen=True):
    refund: Refund


class ReturnedItem(Answer, frozen=True):
    product_id: str
    quantity: int


class Refunds(Answer, frozen=True):
    """What is left of an order's payment and of its goods."""

    left_minor: int
    currency: str
    left_items: tuple[ReturnedItem, ...] = ()

    @property
    def left_text(self) -> str:
        """The amount that is left, as it is typed."""
        return str(major(self.left_minor, self.currency))

    def can_come_back(self, product_id: str) -> int:
        """How many pieces of a product."""
        return sum(each.quantity for each in self.left_items if each.product_id == product_id)


class Entry(Answer, frozen=True):
    at: datetime
    text: str = ""
    kind: str = ""
    service: str = ""


class Timeline(Answer, frozen=True):
    entries: tuple[Entry, ...]


class DayCount(Answer, frozen=True):
    date: str
    count: int


class OrderNumbers(Answer, frozen=True):
    total_orders: int
    orders_by_status: dict[str, int]
    daily_order_trend: tuple[DayCount, ...] = ()
    average_order_value: Decimal = Decimal(0)


class DayRevenue(Answer, frozen=True):
    date: str
    revenue: Decimal


class RevenueNumbers(Answer, frozen=True):
    total_revenue: Decimal
    currency: str
    daily_revenue: tuple[DayRevenue, ...] = ()
    payment_success_rate: float | None = None
    total_payments: int = 0
    successful_payments: int = 0


class PaymentNumbers(Answer, frozen=True):
    success: int = 0
    failed: int = 0
    initiated: int = 0
    failure_reasons: dict[str, int] = {}


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
