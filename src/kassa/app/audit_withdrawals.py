"""The part of the audit that is about withdrawals: that nobody withdraws more than was ordered, that each is
acknowledged, and that somebody is told where one is not refunded in time."""

from collections.abc import Iterator

from kassa.app.difference import Difference
from kassa.contracts.inventory import summed
from kassa.kit.clock import MINUTE, Millis
from kassa.kit.effects import MOST_DONE
from kassa.order.domain import Kind, Order, Todo
from kassa.order.owing import owed, settled
from kassa.order.parcels import less, lines
from kassa.order.withdrawing import excluded
from kassa.payment.balance import back_by_amount_minor, back_minor, shipping_back_minor
from kassa.payment.domain import Payment

_NAME = "I19: withdrawals"
_LATE: Millis = 10 * MINUTE
"""So long the relay may take to come by."""


def withdrawals_differences(
    order: Order, payment: Payment | None, now: Millis, *, is_at_rest: bool
) -> Iterator[Difference]:
    """Where an order's withdrawals, its goods, its mails and its refunds do not go together."""
    if not order.parcels or not order.parcels.withdrawals:
        return
    for text in (*_of_goods(order), *_of_mails(order), *_of_money(order, now)):
        yield Difference(_NAME, order.id, text)
    if is_at_rest and payment is not None:
        told = order.sending.back_minor, order.sending.by_amount_minor, order.sending.shipping_back_minor
        is_so = back_minor(payment), back_by_amount_minor(payment), shipping_back_minor(payment)
        if told != is_so:
            yield Difference(_NAME, order.id, f"it was told of refunds of {told}, its payment says {is_so}")


def _of_goods(order: Order) -> Iterator[str]:
    ordered = {item.product_id: item.quantity for item in order.items}
    for product_id, count in order.sending.withdrawn.items():
        if count > ordered.get(product_id, 0):
            yield f"{count} of {product_id} are withdrawn, {ordered.get(product_id, 0)} were ordered"
    for item in excluded(order.items, order.sending.withdrawn):
        yield f"{item.product_id} is withdrawn, and cannot be: {item.withdrawal_excluded}"
    sent = order.sending.sent
    kept = summed(line for each in order.sending.withdrawals for line in each.withheld)
    for product_id, count in ordered.items():
        if sent.get(product_id, 0) + kept.get(product_id, 0) > count:
            yield f"{product_id} was sent though it had been withdrawn"
    # What a refund keeps that brings no money back is on the shelf.
    shelved = summed(line for each in order.sending.aside if not each.refunded for line in each.withheld)
    ended = less(summed((*lines(order.sending.refunded), *lines(order.sending.withdrawn))), settled(order))
    for product_id, count in less(order.sending.withheld, shelved).items():
        if count > ended.get(product_id, 0):
            yield f"{count} of {product_id} are not sent, and {ended.get(product_id, 0)} withdrawn or refunded"


def _of_mails(order: Order) -> Iterator[str]:
    """Each has the mail that acknowledges it; of what was done long ago the effects are not kept."""
    asked = {each.args["withdrawal"] for each in order.effects if each.kind == Todo.MAIL_WITHDRAWN}
    told = [entry for entry in order.audit if entry.what == Kind.WITHDRAWN]
    if len(told) != len(order.sending.withdrawals):
        yield f"it has {len(order.sending.withdrawals)} withdrawals, its audit tells of {len(told)}"
    for each in order.sending.withdrawals:
        if str(each.number) not in asked and len(order.effects) < MOST_DONE:
            yield f"withdrawal {each.number} was never acknowledged"


def _of_money(order: Order, now: Millis) -> Iterator[str]:
    due = owed(order)
    timers = [each for each in order.effects if each.kind == Todo.REFUND_DUE and each.done_at is None]
    if due.refund_by is not None and [each.args["by"] for each in timers] != [str(due.refund_by)]:
        yield f"{due.amount_minor} is owed for withdrawals, and nobody will be told when it is overdue"
    elif due.refund_by is not None and due.refund_by + _LATE < now and not order.needs_attention:
        yield f"{due.amount_minor} is owed for withdrawals and overdue, and nobody is told"
