"""Orders over the wire: what is sent and what is answered."""

from decimal import Decimal
from typing import Annotated

import msgspec
from msgspec import UNSET, UnsetType

from kassa.contracts.payment import DisputedOrder
from kassa.kit.clock import Date, Timestamp, rfc3339
from kassa.kit.email import LONGEST_EMAIL
from kassa.kit.lists import Pagination, documented
from kassa.kit.money import major
from kassa.kit.text import LINES
from kassa.order.discounts import LONGEST_CODE
from kassa.order.domain import MAX_LINES, Order, subtotal_minor
from kassa.order.lines_wire import NewLine, PiecesOut
from kassa.order.parcels_wire import HoldOut, OneFulfilment, ReturnOut, ShipmentOut, parcels_shown
from kassa.order.parts_wire import AddressIn, AddressOut, PartsOut, address_shown, parts_shown
from kassa.order.withdrawals_wire import Reason, WithdrawalOut
from kassa.order.work import refunded_minor

STATUSES = ("PENDING", "CONFIRMED", "CANCELLED", "FAILED", "REFUNDED")
OneStatus = Annotated[str, documented("Where it stands", enum=STATUSES)]
LONGEST_NOTE = 1000
LONGEST_LOCALE = 200
Method = Annotated[str, documented("The id of one of the quote's shippingMethods", maxLength=64)]
Code = Annotated[str, documented("What the buyer has been told", maxLength=4 * LONGEST_CODE)]
Email = Annotated[str, documented("The buyer's e-mail address", format="email", maxLength=LONGEST_EMAIL)]


Locale = Annotated[
    str,
    documented(
        "The language of mails, as browsers say it; English where the shop has no texts in it",
        maxLength=LONGEST_LOCALE,
        examples=["de-AT,de;q=0.9"],
    ),
]


class NewOrder(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """What a buyer asks for. With `expected_total_minor`, what the buyer has seen, no other total is taken. A guest,
    who sends no token, gives an `email`."""

    items: Annotated[list[NewLine], documented("Each product once, or merged", minItems=1, maxItems=MAX_LINES)]
    expected_total_minor: Annotated[int, msgspec.Meta(ge=0, le=10**15)] | None = None
    email: Email | None = None
    destination: AddressIn | None = None
    billing: AddressIn | None = None
    shipping_method: Method | None = None
    discount_code: Code | None = None
    note: Annotated[str, documented("What the buyer wants to be said", maxLength=LONGEST_NOTE, pattern=LINES)] = ""
    locale: Locale | None = None


class Claim(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """With what a guest's order is followed."""

    guest_token: Annotated[str, documented("As the order's answer had it", maxLength=100)]


class ItemOut(msgspec.Struct, frozen=True, rename="camel"):
    """A line of an order; `price_snapshot` is the price of one piece when the order was placed."""

    product_id: str
    name: str
    quantity: int
    price_snapshot: Decimal
    price_snapshot_minor: int
    discount: Decimal | UnsetType = UNSET
    discount_minor: int | UnsetType = UNSET
    tax: Decimal | UnsetType = UNSET
    tax_minor: int | UnsetType = UNSET
    withdrawal_excluded: Reason | UnsetType = UNSET


class OrderDispute(msgspec.Struct, frozen=True, rename="camel"):
    """That a payment is or was disputed: Stripe's status of the last dispute, and until when it is answered."""

    status: str
    amount: Decimal
    amount_minor: int
    answer_by: Timestamp | None


class OrderOut(msgspec.Struct, frozen=True, rename="camel"):
    """An order as the wire shows it. `number` is what people call it by; null for one of before there were numbers.
    `reason` says why it ended as it did. What is behind `updatedAt` has only an order
    of which more was asked than goods, or in a shop with taxes or discounts that apply by themselves; from `fulfilment`
    on only one that is paid, `shipments` and `returns` one that has any. `hold` and `leftToSend` are for staff. Of the
    withdrawals `toRefundMinor` is owed yet, by `refundBy`; `withdrawUntil` is known when all has come. Lists for staff
    have what of the money went back, and the `dispute`, where there is any."""

    id: str
    number: int | None
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
    email: str | UnsetType = UNSET
    destination: AddressOut | UnsetType | None = UNSET
    billing: AddressOut | UnsetType | None = UNSET
    note: str | UnsetType = UNSET
    parts: PartsOut | UnsetType = UNSET
    fulfilment: OneFulfilment | UnsetType = UNSET
    shipments: list[ShipmentOut] | UnsetType = UNSET
    left_to_send: list[PiecesOut] | UnsetType = UNSET
    hold: HoldOut | UnsetType = UNSET
    returns: list[ReturnOut] | UnsetType = UNSET
    left_to_return: list[PiecesOut] | UnsetType = UNSET
    withdrawals: list[WithdrawalOut] | UnsetType = UNSET
    to_refund_minor: int | UnsetType = UNSET
    refund_by: Timestamp | UnsetType = UNSET
    withdraw_until: Timestamp | UnsetType = UNSET
    refunded: Decimal | UnsetType = UNSET
    refunded_minor: int | UnsetType = UNSET
    dispute: OrderDispute | UnsetType = UNSET


class OrderAnswer(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """One order. A guest's answer has the token with which the order is followed, paid and cancelled."""

    order: OrderOut
    guest_token: Annotated[str, documented("Whoever has it has the order; sent as a Bearer token")] = ""


class OrdersAnswer(msgspec.Struct, frozen=True):
    """A page of orders, the newest first."""

    orders: list[OrderOut]
    pagination: Pagination


class FoundOrders(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """A page of orders, the newest first. `lookedBackTo`: words were looked for in the orders since then, and not in
    older ones."""

    orders: list[OrderOut]
    pagination: Pagination
    looked_back_to: Timestamp | None = None


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


class DaySales(msgspec.Struct, frozen=True, rename="camel"):
    """Orders of one UTC day that were paid, and what they cost before refunds."""

    date: Date
    orders: int
    amount: Decimal
    amount_minor: int


class SoldGoods(msgspec.Struct, frozen=True, rename="camel"):
    """So many pieces of a product, and what they cost without discounts."""

    product_id: str
    name: str
    pieces: int
    amount: Decimal
    amount_minor: int


class Period(msgspec.Struct, frozen=True, rename="camel"):
    """The orders that were made from `since` to `until` and paid. `net` is what they cost less what was refunded of
    them."""

    since: Date
    until: Date
    orders: int
    net: Decimal
    net_minor: int
    refunded: Decimal
    refunded_minor: int


class Sales(msgspec.Struct, frozen=True, rename="camel"):
    """What was sold, beside the same number of days before. `bestOf`: the `best` are of so many of the newest orders;
    null: of all."""

    currency: str
    period: Period
    before: Period
    days: list[DaySales]
    best: list[SoldGoods]
    best_of: int | None


def shown(order: Order, *, is_for_staff: bool = False) -> OrderOut:
    """The order as the wire shows it to its buyer, or to staff."""
    currency = order.currency
    plain = OrderOut(
        id=order.id,
        number=order.number,
        user_id=order.user_id,
        items=[
            ItemOut(
                item.product_id,
                item.name,
                item.quantity,
                major(item.price_minor, currency),
                item.price_minor,
                withdrawal_excluded=item.withdrawal_excluded or UNSET,
            )
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
        **parcels_shown(order, is_for_staff=is_for_staff),
    )
    return plain if order.sale is None else _with_sale(plain, order)


def _with_sale(plain: OrderOut, order: Order) -> OrderOut:
    sale, currency = order.sale, order.currency
    if sale is None:
        return plain
    items = [
        msgspec.structs.replace(
            item,
            discount=major(line.discount_minor, currency),
            discount_minor=line.discount_minor,
            tax=major(line.tax_minor, currency),
            tax_minor=line.tax_minor,
        )
        for item, line in zip(plain.items, sale.parts.lines, strict=True)
    ]
    return msgspec.structs.replace(
        plain,
        items=items,
        email=sale.email,
        destination=address_shown(sale.destination),
        billing=address_shown(sale.billing),
        note=sale.note,
        parts=parts_shown(subtotal_minor(order.items), sale.parts, currency),
    )


def for_staff(order: Order, dispute: DisputedOrder | None) -> OrderOut:
    """The order as lists for staff show it: with what happened to its money."""
    plain, back = shown(order, is_for_staff=True), refunded_minor(order)
    if back:
        plain = msgspec.structs.replace(plain, refunded=major(back, order.currency), refunded_minor=back)
    if dispute is None:
        return plain
    told = OrderDispute(
        dispute.status,
        major(dispute.amount_minor, order.currency),
        dispute.amount_minor,
        None if dispute.answer_by is None else rfc3339(dispute.answer_by),
    )
    return msgspec.structs.replace(plain, dispute=told)
