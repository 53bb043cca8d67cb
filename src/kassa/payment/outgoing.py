"""What is told of payments, their refunds and disputes to whoever listens. Pure."""

import re
from typing import Any

from kassa.contracts.events import NewEvent
from kassa.kit.audit import AuditEntry
from kassa.kit.inputs import outgoing_id
from kassa.payment.domain import STATUS, Kind, Payment, Stage

TYPES: dict[Kind, str] = {
    Kind.CREATED: "payment.created",
    Kind.OPENED: "payment.opened",
    Kind.PROCESSING: "payment.processing",
    Kind.PAID: "payment.succeeded",
    Kind.MISMATCH: "payment.failed",
    Kind.EXPIRED: "payment.failed",
    Kind.FAILED: "payment.failed",
    Kind.NEVER_OPENED: "payment.failed",
    Kind.NEVER_ASKED: "payment.failed",
    Kind.DECLINED: "payment.declined",
    Kind.DECLINED_ONCE: "payment.declined",
    Kind.PAID_AGAIN: "payment.paid_again",
    Kind.CLAIMED: "payment.changed",
    Kind.FETCHED: "payment.changed",
    Kind.UNCHANGED: "payment.changed",
}
"""What each thing that happens to a payment is told as."""

OF_OTHERS = "payment.changed"
OF_REFUNDS = "refund.updated"
OPENED, UPDATED, CLOSED = "dispute.opened", "dispute.updated", "dispute.closed"
_ENDED = ("prevented", "won", "lost", "warning_closed")
# As refund_states.py, disputes.py and evidence.py write them: what it is about, and its state before and after.
_ABOUT = re.compile(r"(refund|dispute|evidence) ([^ :]+)(?:: (\S+) -> (\S+))?")


def told(payment: Payment) -> list[NewEvent]:
    """The events of all that has happened to the payment and was not told yet."""
    if payment.untold_from is None:
        return []
    return [
        _event(payment, number + 1, entry)
        for number, entry in enumerate(payment.audit)
        if number >= payment.untold_from
    ]


def _event(payment: Payment, sequence: int, entry: AuditEntry) -> NewEvent:
    type, more = _meant(entry)
    stage = Stage(entry.to_state)
    data = {
        "orderId": payment.order_id,
        "paymentId": payment.id,
        "status": STATUS.get(stage, str(stage)),
        "amountMinor": payment.amount_minor,
        "currency": payment.currency,
        **more,
        **_amount(payment, more),
    }
    event_id = outgoing_id(payment.id, sequence)
    return NewEvent(event_id, type, entry.at, payment.id, sequence, payment.order_id, data)


def _meant(entry: AuditEntry) -> tuple[str, dict[str, Any]]:
    if entry.what in list(Kind):
        return TYPES[Kind(entry.what)], {}
    about = _ABOUT.match(entry.what)
    if about is None:
        return OF_OTHERS, {}
    what, name, before, after = about.groups()
    if what == "refund":
        return OF_REFUNDS, {"refundId": name, "refundStatus": after or "requested"}
    if what == "evidence":
        return UPDATED, {"disputeId": name, "evidenceStatus": after}
    type = CLOSED if after in _ENDED else OPENED if before == "new" else UPDATED
    return type, {"disputeId": name, "disputeStatus": after or ""}


def _amount(payment: Payment, more: dict[str, Any]) -> dict[str, int]:
    """How much the refund or dispute is about."""
    refund = next((each for each in payment.refunds if each.id == more.get("refundId")), None)
    if refund is not None:
        return {"refundMinor": refund.amount_minor}
    dispute = next((each for each in payment.disputes if each.id == more.get("disputeId")), None)
    return {"disputeMinor": dispute.amount_minor} if dispute is not None else {}
