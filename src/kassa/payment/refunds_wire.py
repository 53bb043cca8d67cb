"""Refunds over the wire: what is sent and what is answered."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Annotated

import msgspec
from msgspec import UNSET, UnsetType

from kassa.contracts.order import OrderForPayment
from kassa.kit.clock import Timestamp, rfc3339
from kassa.kit.lists import Id
from kassa.kit.money import major
from kassa.payment.balance import left_minor
from kassa.payment.domain import Payment, Refund, RefundedLine
from kassa.payment.paid_parts import left_by_item
from kassa.payment.pieces import left, lines, sold
from kassa.payment.refund_states import failure_of


class ReturnedItem(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """So many pieces of a product come back on the shelf."""

    product_id: Id
    quantity: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]


class RefundedPieces(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """So many pieces of a product whose money goes back; with `restock` they come back on the shelf."""

    product_id: Id
    quantity: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
    restock: bool = False


class NewRefund(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A refund. `items` are the pieces that come back on the shelf with it. Without an amount their price goes back;
    without `items` too, all that is left. `restock` brings all pieces that are left back, with all that is left.

    Or a refund by item: of `lines`, of the `shipping`, or of both, as it was paid, with its share of discounts and its
    tax; or of less, with an `amount`. What was not sent of it will not be. `returnId`: it is what a return brought.
    """

    amount: Decimal | None = None
    reason: Annotated[str, msgspec.Meta(max_length=500)] = ""
    restock: bool = False
    items: Annotated[list[ReturnedItem], msgspec.Meta(max_length=100)] = []
    lines: Annotated[list[RefundedPieces], msgspec.Meta(max_length=100)] = []
    shipping: bool = False
    return_id: Id | None = None


class RefundedLineOut(msgspec.Struct, frozen=True, rename="camel"):
    """So many pieces of a product whose money goes back, and what was paid for them."""

    product_id: str
    quantity: int
    amount: Decimal
    amount_minor: int


class RefundOut(msgspec.Struct, frozen=True, rename="camel"):
    """A refund as the wire shows it; `status` is Stripe's, `pending` until it has told one. `items` come back on the
    shelf with it; `restock`: any, or in earlier versions all. `failure`: why it failed or waits, in Stripe's words. One
    by item has `lines`, `shipping` and `returnId`, as far as it is of them."""

    id: str
    status: str
    amount: Decimal
    amount_minor: int
    currency: str
    reason: str
    restock: bool
    items: list[ReturnedItem]
    failure: str | None
    created_at: Timestamp
    lines: list[RefundedLineOut] | UnsetType = UNSET
    shipping: Decimal | UnsetType = UNSET
    shipping_minor: int | UnsetType = UNSET
    return_id: str | UnsetType = UNSET


class RefundAnswer(msgspec.Struct, frozen=True):
    """One refund."""

    refund: RefundOut


class RefundsAnswer(msgspec.Struct, frozen=True, rename="camel"):
    """The refunds of an order, the oldest first; what is left of the payment, and the pieces that can come back yet.
    `leftLines` are those that can be refunded by item yet, with what was paid for them, and `leftShipping` what was for
    the shipping."""

    refunds: list[RefundOut]
    left: Decimal
    left_minor: int
    currency: str
    left_items: list[ReturnedItem]
    left_lines: list[RefundedLineOut]
    left_shipping: Decimal
    left_shipping_minor: int


def shown(refund: Refund, payment: Payment) -> RefundOut:
    """A refund of the payment as the wire shows it."""
    plain = RefundOut(
        id=refund.id,
        status="pending" if refund.status == "requested" else refund.status,
        amount=major(refund.amount_minor, payment.currency),
        amount_minor=refund.amount_minor,
        currency=payment.currency,
        reason=refund.reason,
        restock=refund.restock or bool(refund.items),
        items=[ReturnedItem(line.product_id, line.quantity) for line in refund.items],
        failure=failure_of(payment, refund),
        created_at=rfc3339(refund.created_at),
    )
    if not refund.lines and not refund.shipping_minor:
        return plain
    return msgspec.structs.replace(
        plain,
        lines=shown_lines(refund.lines, payment.currency),
        shipping=major(refund.shipping_minor, payment.currency),
        shipping_minor=refund.shipping_minor,
        return_id=refund.return_id or UNSET,
    )


def shown_lines(refunded: Iterable[RefundedLine], currency: str) -> list[RefundedLineOut]:
    """Lines of a refund as the wire shows them."""
    return [
        RefundedLineOut(line.product_id, line.quantity, major(line.amount_minor, currency), line.amount_minor)
        for line in refunded
    ]


def shown_refunds(payment: Payment, order: OrderForPayment) -> RefundsAnswer:
    """The payment's refunds, and what can still go and come back."""
    pieces_left, by_item = left(payment, sold(order, payment)), left_by_item(order, payment)
    return RefundsAnswer(
        refunds=[shown(refund, payment) for refund in payment.refunds],
        left=major(left_minor(payment), payment.currency),
        left_minor=left_minor(payment),
        currency=payment.currency,
        left_items=[ReturnedItem(line.product_id, line.quantity) for line in lines(pieces_left)],
        left_lines=shown_lines(by_item.lines, payment.currency),
        left_shipping=major(by_item.shipping_minor, payment.currency),
        left_shipping_minor=by_item.shipping_minor,
    )
