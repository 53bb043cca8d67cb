"""What a buyer is told of their order: a list of what concerns them, in words for them.

Nothing that staff wrote, nothing of who they are or of how the shop works inside; and what is new is not told before it
is on the list.
"""

from collections.abc import Iterator

from kassa.contracts.payment import Payments
from kassa.kit.audit import AuditEntry, TimelineEntry
from kassa.kit.problem import Unavailable
from kassa.order.domain import Kind, Order, Reason, Stage
from kassa.order.timeline import SERVICE

# In place of {} stands why, as the audit has it: which parcel or return.
_WORDS: dict[str, str] = {
    Kind.PLACED: "You placed the order. Its goods are held for you.",
    Kind.CLAIMED: "You took the order into your account.",
    Kind.GIVEN: "You placed the order. Your discount takes off all that it costs: there is nothing to pay.",
    Kind.CLOSE: "The order is being cancelled.",
    Kind.PAID: "The order is paid.",
    Kind.UNWANTED: "A payment came after you had cancelled. It goes back to you.",
    Kind.ENDED: "The order is cancelled.",
    Kind.HELD: "Your payment came late, and your goods were still there: they are yours.",
    Kind.SOLD_OUT: "Your payment came late, and the goods are sold out. The money goes back to you.",
    Kind.FULLY_REFUNDED: "All of your money was sent back to you.",
    Kind.CALLED_OFF: "The shop cancelled the order. Nothing was to be paid.",
    Kind.SHIPPED: "Goods are on their way to you: {}.",
    Kind.DELIVERED: "Goods have arrived: {}.",
    Kind.SHIPMENT_CANCELLED: "Goods were not sent after all, and are to come yet: {}.",
    Kind.REDIRECTED: "The order goes to another address.",
    Kind.RETURN_REQUESTED: "You want to send goods back: {}.",
    Kind.RETURN_APPROVED: "The shop takes goods back: {}.",
    Kind.RETURN_DECLINED: "The shop does not take goods back: {}.",
    Kind.RETURN_RECEIVED: "What you sent back has come: {}.",
    Kind.RETURN_SHELVED: "What you sent back has come: {}.",
    Kind.WITHDRAWN: "You withdrew from the contract: {}.",
    Kind.WITHDRAWAL_CLOSED: "The shop has closed your withdrawal. Ask the shop, if you have not got your money.",
    Kind.RETURN_CLOSED: "You keep what you wanted to send back: {}.",
}
_ENDS: dict[str, str] = {
    Reason.CANCELLED_BY_BUYER: "You cancelled the order.",
    Reason.CANCELLED_BY_OPERATOR: "The shop cancelled the order.",
    Reason.EXPIRED: "The order was not paid in time.",
    Reason.DECLINED: "Your card was declined, so the order ends.",
    Reason.PAYMENT_FAILED: "Your payment did not go through, so the order ends.",
    Reason.AMOUNT_MISMATCH: "Another amount was paid than the order's, so the order ends.",
}
_REFUNDS = {
    "pending": "A refund is on its way to you.",
    "requires_action": "A refund waits for you: Stripe has told you what to do.",
    "succeeded": "A part of your money was sent back to you.",
    "failed": "A refund did not reach you. The shop looks into it.",
    "canceled": "A refund was cancelled.",
}
"""By the state of the refund that was told of."""
_OF_PAYMENTS = {
    "processing": "You have paid in a way that takes its time. Your bank will confirm it.",
    "declined, may try again": "Your card was declined. You may try another one.",
    "failed": "Your payment did not go through.",
    "paid another amount": "Another amount was paid than the order's. All of it goes back to you.",
    "paid a second time": "You paid a second time. That money goes back to you.",
}
"""By the kind of the payment's entry."""


async def buyers_timeline(order: Order, payments: Payments) -> list[TimelineEntry]:
    """What the order's buyer is told of it, the earliest first. While the payment service cannot be reached, an entry
    says that its part is missing."""
    try:
        theirs = await payments.history(order.id)
    except Unavailable:
        text = "What happened to the payment cannot be told right now."
        theirs = [TimelineEntry(order.updated_at, "payment", "missing", text, {})]
    else:
        theirs = [_told(each, _OF_PAYMENTS[each.kind]) for each in theirs if each.kind in _OF_PAYMENTS]
    return sorted([*_of_order(order), *theirs], key=lambda entry: entry.at)


def _told(entry: TimelineEntry, text: str) -> TimelineEntry:
    return TimelineEntry(entry.at, entry.service, entry.kind, text, {})


def _of_order(order: Order) -> Iterator[TimelineEntry]:
    for entry in order.audit:
        if text := _words(entry):
            yield TimelineEntry(entry.at, SERVICE, str(entry.what), text, {})


def _words(entry: AuditEntry) -> str | None:
    if entry.what == Kind.PARTLY_REFUNDED:
        return _REFUNDS["failed"] if entry.from_state == Stage.REFUNDED else _REFUNDS.get(entry.why)
    if entry.what == Kind.CLOSE:
        return _ENDS.get(entry.why, _WORDS[Kind.CLOSE])
    if entry.what == Kind.ENDED and entry.why in _ENDS:
        return f"{_ENDS[entry.why]} {_WORDS[Kind.ENDED]}" if entry.from_state == Stage.PENDING else _WORDS[Kind.ENDED]
    words = _WORDS.get(entry.what)
    return words and words.format(entry.why)
