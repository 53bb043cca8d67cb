"""What goes back for some pieces of an order: exact, so that all that goes back is never more than was paid, and in the
end exactly that. Pure, in whole minor units."""

from collections.abc import Sequence
from typing import NamedTuple

from kassa.contracts.inventory import Line, summed
from kassa.contracts.order import OrderForPayment
from kassa.contracts.paid_parts import PaidParts as PaidParts
from kassa.contracts.paid_parts import of_first
from kassa.contracts.paid_parts import paid_parts as paid_parts
from kassa.contracts.parcels import TooManyToRefund
from kassa.kit.problem import Invalid, Unavailable
from kassa.payment.balance import GIVEN_BACK
from kassa.payment.domain import Payment, Refund, RefundedLine
from kassa.payment.pieces import ENDED


class Goods(NamedTuple):
    """What is to be refunded: pieces, the shipping too if that is said, what a return has brought; `shelved` of the
    pieces come back on the shelf."""

    lines: tuple[Line, ...]
    shipping: bool = False
    return_id: str = ""
    shelved: tuple[Line, ...] = ()


class Reckoned(NamedTuple):
    """What goes back: for each product, and for the shipping."""

    lines: tuple[RefundedLine, ...]
    shipping_minor: int

    @property
    def amount_minor(self) -> int:
        """All of it."""
        return sum(line.amount_minor for line in self.lines) + self.shipping_minor


NOTHING = Reckoned((), 0)


def is_held(refund: Refund) -> bool:
    """Whether the refund has its money, or may have it yet."""
    return refund.status not in GIVEN_BACK


def reckon(order: OrderForPayment, payment: Payment, goods: Goods) -> Reckoned:
    """What goes back for these, after all that went back before. TooManyToRefund; Invalid for what is not in the order,
    or was refunded already; Unavailable while the order does not know what was paid."""
    if order.total_minor != payment.taken_minor:
        raise Unavailable("the order has not heard yet of what was paid")
    paid, held = paid_parts(order), [each for each in payment.refunds if is_held(each)]
    quantities, unsent = {item.product_id: item.quantity for item in order.items}, summed(order.unsent)
    withdrawn = summed(order.withdrawn)
    found = []
    for product_id, quantity in summed(goods.lines).items():
        if product_id not in quantities:
            raise Invalid.field("lines", f"product {product_id[:64]} is not in this order")
        before = [line for each in held for line in each.lines if line.product_id == product_id]
        count, amount = sum(line.quantity for line in before), sum(line.amount_minor for line in before)
        left = quantities[product_id] - count - _by_price(held, product_id)
        if quantity > left:
            raise TooManyToRefund(product_id, quantity, max(0, left))
        whole = paid.lines[product_id]
        up_to = of_first(whole, count + quantity, quantities[product_id], order.currency)
        # Never less than nothing: of pieces that cost unlike amounts some may have been given back.
        # What was withdrawn is not sent already, or comes back: its refund keeps no other piece from being sent.
        others = count + quantity - max(count, withdrawn.get(product_id, 0))
        kept = 0 if goods.return_id else min(max(0, others), unsent.get(product_id, 0))
        found.append(RefundedLine(product_id, quantity, max(0, up_to - amount), kept))
    of_shipping = 0
    if goods.shipping:
        of_shipping = _left_of_shipping(paid, held)
        if not of_shipping:
            raise Invalid.field("shipping", "nothing of the shipping is left to refund")
    return Reckoned(tuple(found), of_shipping)


def left_by_item(order: OrderForPayment, payment: Payment) -> Reckoned:
    """All that can be refunded by item yet; nothing, if the order is not paid or has ended."""
    if payment.taken_minor != order.total_minor or order.status in ENDED:
        return NOTHING
    held = [each for each in payment.refunds if is_held(each)]
    gone = summed(Line(line.product_id, line.quantity) for each in held for line in each.lines)
    left = {
        item.product_id: item.quantity - gone.get(item.product_id, 0) - _by_price(held, item.product_id)
        for item in order.items
    }
    wanted = [Line(product_id, quantity) for product_id, quantity in left.items() if quantity > 0]
    found = reckon(order, payment, Goods(tuple(wanted)))
    return found._replace(shipping_minor=_left_of_shipping(paid_parts(order), held))


def _left_of_shipping(paid: PaidParts, held: Sequence[Refund]) -> int:
    return max(0, paid.shipping_minor - sum(each.shipping_minor for each in held))


def _by_price(held: Sequence[Refund], product_id: str) -> int:
    """How many pieces went back by their price alone, as refunds that put goods on the shelf say it."""
    return sum(line.quantity for each in held if not each.lines for line in each.items if line.product_id == product_id)
