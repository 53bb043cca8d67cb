"""Order: what a buyer asked for, at the prices of then; it decides what becomes of it."""

from collections.abc import Sequence
from typing import Any, Literal, Protocol

import msgspec

from kassa.contracts.inventory import Line
from kassa.contracts.payment import PaymentRecord
from kassa.kit.money import major
from kassa.kit.problem import Problem
from kassa.kit.text import counted
from kassa.kit.wire import get, patch, post


class OrderItem(msgspec.Struct, frozen=True, rename="camel"):
    """One line of an order; the price of one piece in minor units, as it was when the order was placed."""

    product_id: str
    name: str
    quantity: int
    price_minor: int


class OrderForPayment(msgspec.Struct, frozen=True, rename="camel"):
    """What the payment service must know of an order. `is_payable`: it is PENDING and not closing."""

    id: str
    user_id: str
    items: list[OrderItem]
    total_minor: int
    currency: str
    status: str
    is_payable: bool
    expires_at: int


class StatusChange(msgspec.Struct, frozen=True, rename="camel"):
    """News of a payment. CONFIRMED: it was paid in full. CANCELLED: no money comes from it. DECLINED: a card was
    declined and the order is to end, but its session could still be paid: the order has it closed before it lets go of
    its stock.

    `input_id` names the news: the same one changes nothing twice. CANCELLED with `session_is_open` is how an older
    version says DECLINED.
    """

    status: Literal["CONFIRMED", "CANCELLED", "DECLINED"]
    input_id: str
    payment_id: str
    reason: str
    session_is_open: bool = False


class RefundNews(msgspec.Struct, frozen=True, rename="camel"):
    """How much of a payment was refunded in its `version`. `items` are the pieces that come back on the shelf with the
    refund `refund_id`. `restock`: all of the order's goods come back, once: earlier versions say so. `status` is the
    state of the refund that this is about, at Stripe."""

    input_id: str
    version: int
    is_full: bool
    restock: bool
    refund_id: str = ""
    items: list[Line] = []
    status: str = ""


class WantedReservation(msgspec.Struct, frozen=True, rename="camel"):
    """What an order wants one of its reservations to be. `is_under_way`: it has yet to have that done itself."""

    reservation_id: str
    lines: list[Line]
    state: Literal["held", "committed", "released"]
    is_under_way: bool = False


class WantedPage(msgspec.Struct, frozen=True, rename="camel"):
    """Some of them; `after` is what the next page is asked with, empty behind the last one."""

    reservations: list[WantedReservation]
    after: str


class OrderNotCancellable(Problem):
    """Paid, or being paid."""

    code, title, status = "order_not_cancellable", "The order cannot be cancelled any more", 409


class PriceChanged(Problem):
    """The order would cost another amount than its buyer has agreed to; nothing was held."""

    code, title, status = "price_changed", "The price has changed", 409

    def __init__(self, expected_minor: int, total_minor: int, currency: str, items: Sequence[OrderItem]) -> None:
        super().__init__(
            f"the order would cost {major(total_minor, currency)} {currency}, not {major(expected_minor, currency)}; "
            "show the new prices and ask again",
            expectedTotalMinor=expected_minor,
            totalAmountMinor=total_minor,
            currency=currency,
            items=[msgspec.to_builtins(item) for item in items],
        )


class OverQuantityLimit(Problem):
    """More pieces of one product than the shop takes in one order; nothing was held."""

    code, title, status = "over_quantity_limit", "Too many pieces of one product", 409

    def __init__(self, product_id: str, limit: int) -> None:
        super().__init__(
            f"an order may have at most {limit} of product {product_id}; order fewer", productId=product_id, limit=limit
        )


class TooManyOpenOrders(Problem):
    """As many unpaid orders as a buyer, or all buyers of one address, may have at once; nothing was held.

    `per` is `buyer` or `address`; `order_ids` are those of the buyer's own orders that can be paid or cancelled.
    """

    code, title, status = "too_many_open_orders", "Too many orders wait to be paid", 409

    def __init__(self, limit: int, per: Literal["buyer", "address"], order_ids: Sequence[str]) -> None:
        most = f"no more than {counted(limit, 'order')}"
        own = f"{most} of yours may wait to be paid at once; pay or cancel one, then order again"
        all_of_them = (
            f"{most} from your network address may wait to be paid at once; pay or cancel one of yours, or order again "
            "when another one is paid or has ended"
        )
        super().__init__(own if per == "buyer" else all_of_them, limit=limit, per=per, orderIds=list(order_ids))


class TooManyOpenPieces(Problem):
    """More pieces than may wait to be paid, over all open orders of a buyer, or of all of one address; nothing was
    held. `per` and `order_ids` are those of TooManyOpenOrders."""

    code, title, status = "too_many_open_pieces", "Too many pieces wait to be paid", 409

    def __init__(self, limit: int, per: Literal["buyer", "address"], order_ids: Sequence[str]) -> None:
        whose = "all orders of yours" if per == "buyer" else "all orders from your network address"
        super().__init__(
            f"no more than {counted(limit, 'piece')} may wait to be paid at once, over {whose}; order fewer, or again "
            "when an order is paid or has ended",
            limit=limit,
            per=per,
            orderIds=list(order_ids),
        )


class OrderRecord(msgspec.Struct, frozen=True, rename="camel"):
    """All that is stored of one order: as its buyer is shown it, its payment, and what happened to it."""

    order: dict[str, Any]
    payment: PaymentRecord | None
    timeline: list[dict[str, Any]]


class OrderRecords(msgspec.Struct, frozen=True, rename="camel"):
    """Some of a buyer's orders; `after` is what the next page is asked with, empty behind the last one."""

    records: list[OrderRecord]
    after: str


class Orders(Protocol):
    """The orders."""

    @get("/orders/{order_id}/internal", callers=("payment",))
    async def for_payment(self, order_id: str) -> OrderForPayment:
        """The order; NotFound if there is none."""

    @patch("/orders/{order_id}/status", callers=("payment",))
    async def set_status(self, order_id: str, change: StatusChange) -> None:
        """Take note of a payment's news. Afterwards the order has it, with its effects; NotFound if there is none."""

    @post("/orders/{order_id}/refunded", callers=("payment",))
    async def note_refund(self, order_id: str, news: RefundNews) -> None:
        """Take note of what is refunded: CONFIRMED becomes REFUNDED when all is, and back when a refund fails. News of
        an older version than was known is not believed any more, but for the restocking."""

    # A stock that has lost its last writes asks what it should have.

    @post("/orders/reservations/since", callers=("inventory",))
    async def reservations_since(self, since: int, after: str) -> WantedPage:
        """The reservations, of each generation, of orders that changed at `since` (ms) or later, a page at a time;
        `after` is empty for the first one. An order that changes meanwhile may come in either state."""

    @post("/orders/reservations/of", callers=("inventory",))
    async def reservations_of(self, ids: list[str]) -> list[WantedReservation]:
        """All reservations of the orders that these reservations belong to; those without an order are left out.
        Invalid for more than 500."""

    # What auth asks for a customer who wants to know, or to be forgotten.

    @post("/orders/buyers/records", callers=("auth",))
    async def records_of(self, user_id: str, after: str) -> OrderRecords:
        """All that is stored of the user's orders, a page at a time, the oldest first; `after` is empty for the first
        one."""

    @post("/orders/buyers/erase", callers=("auth",))
    async def erase_of(self, user_id: str) -> None:
        """Cancel what the user has not paid, and forget what names the user in all of their orders and payments. The
        orders stay. Asking again is a no-op."""

    @post("/orders/buyers/known", callers=("auth",))
    async def buyers_among(self, user_ids: list[str]) -> list[str]:
        """Those of the users who have an order. Invalid for more than 500."""
