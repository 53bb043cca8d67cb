"""The part of the audit that is about parcels and refunds by item: that what was sent was paid, is no more than was
ordered, and is not what was refunded instead; and that no part of an order goes back more than once."""

from collections.abc import Iterator

from kassa.app.difference import Difference
from kassa.contracts.inventory import Line, summed
from kassa.order.domain import Order
from kassa.order.parcels import broken
from kassa.order.sending import PAID, for_payment
from kassa.payment.domain import Payment
from kassa.payment.paid_parts import is_held, paid_parts

_SENT = "I15: what is sent is paid"
_REFUNDED = "I16: refunds by item"


def parcels_differences(order: Order, payment: Payment | None, *, is_at_rest: bool) -> Iterator[Difference]:
    """Where an order's parcels, its goods and its refunds do not go together."""
    if order.parcels:
        if order.sending.sent and order.stage not in PAID:
            yield Difference(_SENT, order.id, f"it is {order.stage}, and some of it was sent")
        if words := broken(order.items, order.sending):
            yield Difference(_SENT, order.id, words)
    if payment is None:
        return
    for text in _too_much(order, payment):
        yield Difference(_REFUNDED, order.id, text)
    if is_at_rest:
        held = {each.id for each in payment.refunds if each.lines and is_held(each)}
        aside = {each.refund_id for each in order.sending.aside if each.refunded}
        for refund_id in sorted(held ^ aside):
            what = "sets nothing aside" if refund_id in held else "is not there, and has goods set aside"
            yield Difference(_REFUNDED, order.id, f"refund {refund_id} {what}")


def _too_much(order: Order, payment: Payment) -> Iterator[str]:
    held = [each for each in payment.refunds if is_held(each)]
    lines = [line for each in held for line in each.lines]
    if not lines and not any(each.shipping_minor for each in held):
        return
    parts = paid_parts(for_payment(order, order.updated_at))
    ordered = {item.product_id: item.quantity for item in order.items}
    for product_id, count in summed(Line(line.product_id, line.quantity) for line in lines).items():
        if count > ordered.get(product_id, 0):
            yield f"{count} of {product_id} are refunded, {ordered.get(product_id, 0)} were ordered"
        back = sum(line.amount_minor for line in lines if line.product_id == product_id)
        if back > parts.lines.get(product_id, 0):
            yield f"{back} goes back for {product_id}, {parts.lines.get(product_id, 0)} was paid for it"
    if (shipping := sum(each.shipping_minor for each in held)) > parts.shipping_minor:
        yield f"{shipping} goes back for the shipping, {parts.shipping_minor} was paid for it"
