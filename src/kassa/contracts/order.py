"""Order: what a buyer asked for, at the prices of then; it decides what becomes of it."""

from collections.abc import Sequence
from typing import Any, Literal, Protocol

import msgspec

from kassa.contracts.inventory import Line
from kassa.contracts.parcels import Aside
from kassa.contracts.parcels import RefundNews as RefundNews
from kassa.contracts.parts import Address, Parts
from kassa.contracts.payment import PaymentRecord
from kassa.kit.money import major
from kassa.kit.problem import Problem
from kassa.kit.text import counted
from kassa.kit.wire import get, patch, post


class OrderItem(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """One line of an order; the price of one piece in minor units, as it was when the order was placed. One that
    `is_digital` is not sent; `withdrawal_excluded`: see contracts.withdrawals."""

    product_id: str
    name: str
    quantity: int
    price_minor: int
    is_digital: bool = False
    withdrawal_excluded: str = ""


class Sale(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """What an order has besides its lines: the parts of its total, whom to write to, where it goes, where the bill
    goes, what the buyer wants to be said."""

    parts: Parts
    email: str = ""
    destination: Address | None = None
    billing: Address | None = None
    note: str = ""


class OrderForPayment(msgspec.Struct, frozen=True, rename="camel"):
    """What the payment service must know of an order. `is_payable`: PENDING, and not closing. `sale` is what it has
    besides its lines; `unsent` what is to be sent yet, `shelved` what returns have brought back. `withdrawn`: so many
    pieces, with all that are refunded before them, have their refunds for being withdrawn. `number`: see Order."""

    id: str
    user_id: str
    items: list[OrderItem]
    total_minor: int
    currency: str
    status: str
    is_payable: bool
    expires_at: int
    sale: Sale | None = None
    unsent: list[Line] = []
    shelved: list[Line] = []
    withdrawn: list[Line] = []
    number: int | None = None


class StripeTax(msgspec.Struct, frozen=True, rename="camel"):
    """The tax that Stripe has reckoned, in minor units: all of it, and what of it came on top of the prices."""

    amount_minor: int
    added_minor: int


class StatusChange(msgspec.Struct, frozen=True, rename="camel"):
    """News of a payment. CONFIRMED: it was paid in full. CANCELLED: no money comes from it. DECLINED: a card was
    declined and the order is to end, but its session could still be paid: the order has it closed before it lets go of
    its stock.

    `input_id` names the news: the same one changes nothing twice. CANCELLED with `session_is_open` is how an older
    version says DECLINED. `tax` is what Stripe has reckoned, where it was to.
    """

    status: Literal["CONFIRMED", "CANCELLED", "DECLINED"]
    input_id: str
    payment_id: str
    reason: str
    session_is_open: bool = False
    tax: StripeTax | None = None


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


class NotGivenUp(Problem):
    """Giving it up would break a promise, about money or goods: it is tried until it is done."""

    code, title, status = "not_given_up", "Only mails can be given up", 409


class PriceChanged(Problem):
    """The order would cost another amount than agreed; nothing was held. `quote` is what a quote says now."""

    code, title, status = "price_changed", "The price has changed", 409

    def __init__(
        self, expected_minor: int, total_minor: int, currency: str, items: Sequence[OrderItem], quote: Any = None
    ) -> None:
        super().__init__(
            f"the order would cost {major(total_minor, currency)} {currency}, not {major(expected_minor, currency)}; "
            "show the new prices and ask again",
            expectedTotalMinor=expected_minor,
            totalAmountMinor=total_minor,
            currency=currency,
            items=[msgspec.to_builtins(item) for item in items],
            quote=quote,
        )


class DiscountRefused(Problem):
    """The discount code does not apply; nothing was held."""

    code, title, status = "discount_not_valid", "The discount code does not apply", 422

    def __init__(self, discount_code: str, why: str) -> None:
        super().__init__(
            f"the code {discount_code} {why}; leave it out, or give another one", discountCode=discount_code
        )


class DiscountUsedUp(Problem):
    """The discount was used as often as it may be, in all or by this buyer; nothing was held. `discount` is its code,
    or its name if it has none."""

    code, title, status = "discount_used_up", "The discount is used up", 409

    def __init__(self, discount: str, discount_id: str, per: Literal["all", "buyer"] = "all") -> None:
        by = "" if per == "all" else " by you"
        super().__init__(
            f"the discount {discount} was used{by} as often as it may be; order without it",
            discount=discount,
            discountId=discount_id,
            per=per,
        )


class CodeTaken(Problem):
    """Another discount has this code."""

    code, title, status = "discount_code_taken", "Another discount has this code", 409

    def __init__(self, discount_code: str) -> None:
        super().__init__(f"another discount has the code {discount_code}; choose one", discountCode=discount_code)


class SellingChanged(Problem):
    """Somebody else has changed how the shop sells since it was read; nothing was changed."""

    code, title, status = "selling_changed", "How the shop sells has been changed meanwhile", 409

    def __init__(self, updated_at: str) -> None:
        super().__init__(f"it was changed at {updated_at}; read it again", updatedAt=updated_at)


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
    """All that is stored of one order: as its buyer is shown it, its payment, what happened to it, its invoices."""

    order: dict[str, Any]
    payment: PaymentRecord | None
    timeline: list[dict[str, Any]]
    invoices: list[dict[str, Any]] = []


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

    @post("/orders/{order_id}/set-aside", callers=("payment",))
    async def set_aside(self, order_id: str, refund_id: str, aside: Aside) -> None:
        """Before money of goods goes back: what was not sent of them will not be. TooManyToRefund, ReturnFixed."""

    @post("/orders/{order_id}/set-free", callers=("payment",))
    async def set_free(self, order_id: str, refund_id: str, shelved: list[Line]) -> None:
        """The refund has come to nothing: so has what was set aside for it, but for what is on the shelf again."""

    # A stock that has lost its last writes asks what it should have.

    @post("/orders/reservations/since", callers=("inventory",))
    async def reservations_since(self, since: int, after: str) -> WantedPage:
        """The reservations, of each generation, of orders that changed at `since` (ms) or later, a page at a time;
        `after` is empty for the first one. An order that changes meanwhile may come in either state."""

    @post("/orders/reservations/of", callers=("inventory",))
    async def reservations_of(self, ids: list[str]) -> list[WantedReservation]:
        """All reservations of the orders that these belong to, where there is one. Invalid for more than 500."""

    # What auth asks for a customer who wants to know, or to be forgotten.

    @post("/orders/buyers/records", callers=("auth",))
    async def records_of(self, user_id: str, after: str) -> OrderRecords:
        """All that is stored of the user's orders, a page at a time, the oldest first; the first is after nothing."""

    @post("/orders/buyers/erase", callers=("auth",))
    async def erase_of(self, user_id: str) -> None:
        """Cancel what the user has not paid, forget who that is in their orders and payments. Again: a no-op."""

    @post("/orders/guests/records", callers=("auth",))
    async def records_of_guests(self, email: str, after: str) -> OrderRecords:
        """All that is stored of the orders that guests have made with this e-mail address, like `records_of`."""

    @post("/orders/guests/erase", callers=("auth",))
    async def erase_guests(self, email: str) -> None:
        """Do for the orders that guests have made with this e-mail address what `erase_of` does for a user's."""

    @post("/orders/guests/claim", callers=("auth",))
    async def claim_of(self, email: str, user_id: str) -> None:
        """Make all orders the user's that guests have made with this address, which is the user's. Again: a no-op."""

    @post("/orders/buyers/known", callers=("auth",))
    async def buyers_among(self, user_ids: list[str]) -> list[str]:
        """Those of the users who have an order. Invalid for more than 500."""
