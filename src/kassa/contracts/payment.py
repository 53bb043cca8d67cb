"""Payment: one attempt to be paid for one order, and all that Stripe ever said about it."""

from typing import Any, Literal, Protocol

import msgspec

from kassa.kit.audit import TimelineEntry
from kassa.kit.problem import Problem, Unavailable
from kassa.kit.wire import get, post


class Closing(msgspec.Struct, frozen=True, rename="camel"):
    """How closing ended. `closed`: no money can come any more. `paid`: it has come, the order will hear of it.
    `processing`: it is on its way (a delayed method); the order will hear how that ends."""

    outcome: Literal["closed", "paid", "processing"]


class OrderNotPayable(Problem):
    """The order is not PENDING, or it is closing."""

    code, title, status = "order_not_payable", "The order cannot be paid", 400


class StripeUnreachable(Unavailable):
    """Stripe did not answer, or could not: nothing is lost, try again."""

    code, title, status = "stripe_unreachable", "The payment provider cannot be reached; try again", 503


class StripeKeyRefused(Problem):
    """Stripe does not accept the shop's key: an operator has to mend it."""

    code, title, status = "stripe_key_refused", "The payment provider refuses the shop's key", 502


class StripeRefused(Problem):
    """Stripe says no to this very request."""

    code, title, status = "stripe_refused", "The payment provider refused the request", 502


class RefundTooLarge(Problem):
    """More than is left of the payment."""

    code, title, status = "refund_too_large", "More than is left of the payment", 409


class RefundOverLimit(Problem):
    """More than who asks may refund at once, or in a day."""

    code, title, status = "refund_over_limit", "More than you may refund", 403


class NotRefundable(Problem):
    """The order was not paid."""

    code, title, status = "not_refundable", "There is nothing to refund", 409


class TooManyPieces(Problem):
    """More pieces of a product than were sold and have not come back yet."""

    code, title, status = "too_many_pieces", "More pieces than can come back", 422

    def __init__(self, product_id: str, asked: int, left: int) -> None:
        super().__init__(
            f"{asked} of product {product_id} are to come back, {left} of those that were sold are left",
            productId=product_id,
            asked=asked,
            left=left,
        )


class TooManyRefunds(Problem):
    """A payment has as many refunds as it may have."""

    code, title, status = "too_many_refunds", "The payment has too many refunds", 409


class DisputeNotAnswerable(Problem):
    """The dispute was answered, or takes no answer (any more)."""

    code, title, status = "dispute_not_answerable", "The dispute cannot be answered", 409


class PaymentRecord(msgspec.Struct, frozen=True, rename="camel"):
    """All that is stored of one payment: as its buyer is shown it, its refunds, disputes and declined cards, what
    it is called at Stripe, and what its disputes were answered."""

    status: dict[str, Any]
    refunds: list[dict[str, Any]]
    disputes: list[dict[str, Any]]
    declines: list[dict[str, Any]]
    at_stripe: list[str]
    evidence: list[dict[str, Any]] = []


class DisputedOrder(msgspec.Struct, frozen=True, rename="camel"):
    """An order whose payment is disputed, by the dispute that was told of last: Stripe's status of it, the amount in
    minor units, and until when it can be answered."""

    order_id: str
    status: str
    amount_minor: int
    answer_by: int | None


class DisputedPage(msgspec.Struct, frozen=True, rename="camel"):
    """Some of the orders with disputes, and how many there are; `after` is what the next page is asked with, empty
    behind the last one."""

    orders: list[DisputedOrder]
    total: int
    after: str


class Payments(Protocol):
    """The payments."""

    @post("/payments/{order_id}/close", callers=("order",))
    async def close(self, order_id: str) -> Closing:
        """See to it that no money can come for the order any more. Unavailable: unknown, ask again."""

    @post("/payments/{order_id}/refund-late", callers=("order",))
    async def refund_late(self, order_id: str, reason: str) -> None:
        """Refund all that is left of the payment, and follow that to its end. Asking again is a no-op."""

    @post("/payments/{order_id}/hand-over", callers=("order",))
    async def hand_over(self, order_id: str, user_id: str) -> None:
        """The order is this user's from now on, and so is its payment, if there is one. Asking again is a no-op."""

    @get("/payments/{order_id}/history", callers=("order",))
    async def history(self, order_id: str) -> list[TimelineEntry]:
        """What happened to the order's payment, the earliest first; nothing, if there is none."""

    @get("/payments/{order_id}/record", callers=("order",))
    async def record(self, order_id: str) -> PaymentRecord | None:
        """All that is stored of the order's payment; None, if there is none."""

    @post("/payments/{order_id}/erase", callers=("order",))
    async def erase(self, order_id: str) -> None:
        """Forget what names the buyer: the words in which refunds were asked for, the way to the session, and what
        earlier versions stored of Stripe's events. Sums, ids and states stay. Asking again is a no-op."""

    # What lists of orders are asked for.

    @get("/payments/found/{stripe_id}", callers=("order",))
    async def order_of(self, stripe_id: str) -> str:
        """The order whose session or payment intent has this id at Stripe; empty, if there is none."""

    @post("/payments/disputed", callers=("order",))
    async def disputed(self, limit: int, skip: int, after: str) -> DisputedPage:
        """The orders whose payments are or were disputed, those of the newest first. Invalid for more than 100."""

    @post("/payments/disputed/among", callers=("order",))
    async def disputed_among(self, order_ids: list[str]) -> list[DisputedOrder]:
        """Those of these orders whose payments are or were disputed. Invalid for more than 100."""
