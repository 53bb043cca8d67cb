"""What is owed for the withdrawals of an order. Pure.

Directive 2011/83/EU, Art. 13: the refund is due within 14 days; the shop may wait for the goods, or for the proof that
they were sent.
"""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from kassa.contracts.inventory import summed
from kassa.contracts.order import OrderForPayment
from kassa.contracts.paid_parts import of_first, paid_parts
from kassa.kit.clock import Millis
from kassa.order.domain import Order, Stage
from kassa.order.parcels import Pieces, ReturnState, Withdrawal, less, lines
from kassa.order.sending import for_payment


class Owed(NamedTuple):
    """What of all withdrawals is to be refunded yet: pieces, the amount, and until when the first of it."""

    pieces: Pieces
    amount_minor: int
    refund_by: Millis | None


NOTHING = Owed({}, 0, None)


def owed(order: Order) -> Owed:
    """What is to be refunded yet for all withdrawals together. What goes back counts for the oldest first: refunds of
    their goods, whatever their amount, and money that went back for no goods in particular."""
    counted = _counted(order)
    if not counted or order.stage is not Stage.CONFIRMED:
        return NOTHING
    pieces, amount = _left(order, counted)
    amount = min(amount, not_back(order))
    if amount <= 0:
        return NOTHING
    first = next(each for number, each in enumerate(counted, 1) if _left(order, counted[:number])[1] > 0)
    return Owed(pieces, amount, first.refund_by)


def for_refunds(order: Order, now: Millis) -> OrderForPayment:
    """The order as the payment service is told of it, with what refunds are for withdrawals."""
    if not order.sending.withdrawals:
        return for_payment(order, now)
    refunded, due = order.sending.refunded, owed(order).pieces
    up_to = {each: refunded.get(each, 0) + quantity for each, quantity in due.items() if quantity}
    return msgspec.structs.replace(for_payment(order, now), withdrawn=list(lines(up_to)))


def settled(order: Order) -> Pieces:
    """The pieces of withdrawals whose money went back as theirs."""
    counted = _counted(order)
    return less(summed(line for each in counted for line in each.lines), _pieces_left(order, counted))


def settled_by(order: Order, made: Withdrawal) -> tuple[Pieces, int]:
    """What has gone back for one withdrawal, all older ones first: pieces, and money for none in particular."""
    counted = _counted(order)
    place = next(number for number, each in enumerate(counted) if each.number == made.number)
    older, with_it = counted[:place], counted[: place + 1]
    left = less(_pieces_left(order, with_it), _pieces_left(order, older))
    so_far = _asked(order, older) if older else 0
    for_it = min(_asked(order, with_it) - so_far, max(0, _by_amount(order, with_it) - so_far))
    return less(summed(made.lines), left), max(0, for_it)


def _counted(order: Order) -> list[Withdrawal]:
    """All withdrawals, as what goes back counts for them: one that is closed wants no more than it had got by then."""
    return [
        each if each.closed_at is None else msgspec.structs.replace(each, lines=each.settled, shipping_minor=0)
        for each in order.sending.withdrawals
    ]


def _pieces_left(order: Order, counted: Sequence[Withdrawal]) -> Pieces:
    level: Pieces = {}
    for each in counted:
        before = summed(each.refunded_before)
        for line in each.lines:
            reached = max(level.get(line.product_id, 0), before.get(line.product_id, 0))
            level[line.product_id] = reached + line.quantity
    refunded, of = order.sending.refunded, summed(line for each in counted for line in each.lines)
    return {each: min(of[each], max(0, level[each] - refunded.get(each, 0))) for each in of}


def _left(order: Order, counted: Sequence[Withdrawal]) -> tuple[Pieces, int]:
    return _pieces_left(order, counted), _asked(order, counted) - _by_amount(order, counted)


def _asked(order: Order, counted: Sequence[Withdrawal]) -> int:
    """What the pieces that are left, and the shipping, come to."""
    shipping = min(sum(each.shipping_minor for each in counted), shipping_left(order))
    return value(order, _pieces_left(order, counted)) + shipping


def _by_amount(order: Order, counted: Sequence[Withdrawal]) -> int:
    """What has gone back for no goods in particular since the first of them, and for none that is closed."""
    since = order.sending.by_amount_minor - counted[0].by_amount_before
    return max(0, since - sum(each.settled_minor for each in order.sending.withdrawals))


def value(order: Order, pieces: Pieces, but: Pieces | None = None) -> int:
    """What was paid for the next pieces of each product, behind those that are refunded, and these others."""
    whole, refunded = paid_parts(for_payment(order, order.updated_at)).lines, order.sending.refunded
    quantities = {item.product_id: item.quantity for item in order.items}
    value = 0
    for product_id, quantity in pieces.items():
        of = quantities[product_id]
        first = min(of - quantity, refunded.get(product_id, 0) + (but or {}).get(product_id, 0))
        paid = [of_first(whole[product_id], count, of, order.currency) for count in (first, first + quantity)]
        value += paid[1] - paid[0]
    return value


def not_back(order: Order) -> int:
    """What was paid for the order and has not gone back: no more is owed for anything."""
    return max(0, order.total_minor - order.sending.back_minor)


def shipping_left(order: Order) -> int:
    """What was paid for the shipping and has not gone back."""
    paid = paid_parts(for_payment(order, order.updated_at)).shipping_minor
    return max(0, paid - order.sending.shipping_back_minor)


def has_returned(order: Order, pieces: Pieces) -> bool:
    """Whether the goods are back, as far as they were sent: until then the shop may wait with the refund (Art. 13
    (3))."""
    waiting = [each for each in order.sending.returns if each.state is ReturnState.APPROVED]
    return not any(line.product_id in pieces and pieces[line.product_id] for each in waiting for line in each.lines)


def pieces_shown(order: Order, pieces: Pieces) -> str:
    """So many pieces of what, in words."""
    names = {item.product_id: item.name for item in order.items}
    return ", ".join(f"{quantity} × {names.get(each, each)}" for each, quantity in pieces.items() if quantity)
