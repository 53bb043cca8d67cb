"""The pieces of an order that come back on the shelf with its refunds: each at most as often as it was sold. Pure."""

from collections.abc import Iterable, Mapping

from kassa.contracts.inventory import Line, summed
from kassa.contracts.order import OrderForPayment
from kassa.contracts.payment import TooManyPieces
from kassa.kit.problem import Invalid
from kassa.payment.balance import GIVEN_BACK, left_minor
from kassa.payment.domain import Payment, Refund, Stage

ENDED = ("CANCELLED", "FAILED")

Pieces = Mapping[str, int]
"""How many pieces, by the id of their product."""


def sold(order: OrderForPayment, payment: Payment) -> Pieces:
    """What the order has sold, or will have as soon as it hears of its payment, and returns have not brought back. One
    that has ended has sold nothing: what it held was for sale again from then on."""
    if payment.stage is not Stage.SUCCESS or order.status in ENDED:
        return {}
    shelved = summed(order.shelved)
    return {item.product_id: item.quantity - shelved.get(item.product_id, 0) for item in order.items}


def price_of(items: Iterable[Line], order: OrderForPayment) -> int:
    """What these pieces cost in the order, in minor units; those that are not in it cost nothing."""
    prices = {item.product_id: item.price_minor for item in order.items}
    return sum(prices.get(line.product_id, 0) * line.quantity for line in items)


def returned(payment: Payment, of: Pieces) -> Pieces:
    """What has come back of the pieces that were sold, or is about to."""
    found: dict[str, int] = dict.fromkeys(of, 0)
    has_all = False
    for refund in payment.refunds:
        # Earlier versions brought all goods of an order back with one refund, and once only.
        if refund.restock and not has_all and _was_made(payment, refund):
            has_all = True
            found = {product_id: found[product_id] + quantity for product_id, quantity in of.items()}
        if refund.is_restocked or refund.status not in GIVEN_BACK:
            for line in refund.items:
                found[line.product_id] = found.get(line.product_id, 0) + line.quantity
    return found


def left(payment: Payment, of: Pieces) -> Pieces:
    """How many of the pieces that were sold can still come back with a refund: none, once all of the money is back."""
    if not left_minor(payment):
        return {}
    back = returned(payment, of)
    return {product_id: max(0, quantity - back[product_id]) for product_id, quantity in of.items()}


def checked(items: Iterable[Line], payment: Payment, of: Pieces) -> tuple[Line, ...]:
    """The pieces with each product once. TooManyPieces, or Invalid for a product that the order has not sold."""
    can_come = left(payment, of)
    asked = summed(items)
    for product_id, quantity in asked.items():
        if product_id not in can_come:
            raise Invalid.field("items", f"product {product_id[:64]} is not in this order")
        if quantity > can_come[product_id]:
            raise TooManyPieces(product_id, quantity, can_come[product_id])
    return lines(asked)


def lines(pieces: Pieces) -> tuple[Line, ...]:
    """The same as lines, without those of no pieces."""
    return tuple(Line(product_id, quantity) for product_id, quantity in pieces.items() if quantity)


def _was_made(payment: Payment, refund: Refund) -> bool:
    """Whether Stripe has ever taken the refund on, or still may: then the goods are back, even if it failed later."""
    if refund.status not in GIVEN_BACK:
        return True
    moves = [entry.what for entry in payment.audit if entry.what.startswith(f"refund {refund.id}: ")]
    return any(what.rpartition(" -> ")[2] in ("pending", "requires_action", "succeeded") for what in moves)
