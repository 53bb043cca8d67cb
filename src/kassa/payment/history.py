"""A payment's part of the timeline: its audit, its declines and what is still to be done, in words."""

import re
from collections.abc import Iterable, Iterator

from kassa.kit.audit import TimelineEntry
from kassa.kit.clock import MINUTE, rfc3339
from kassa.kit.money import major
from kassa.kit.text import counted, ended
from kassa.payment.domain import Kind, Payment, Todo
from kassa.payment.refund_states import GONE, LESS
from kassa.payment.refunds import AGAIN, REFUSED, WAITS
from kassa.payment.store import StripeEvent

SERVICE = "payment"

_WORDS: dict[str, str] = {
    Kind.CREATED: "The buyer asked to pay.",
    Kind.OPENED: "A checkout session was opened at Stripe.",
    Kind.PAID: "Stripe says that the session is paid.",
    Kind.MISMATCH: "Stripe took another amount than the order's: all of it goes back.",
    Kind.PROCESSING: "The buyer has paid by a method that takes its time; Stripe will say how that ends.",
    Kind.EXPIRED: "The session has expired: no money can come by it any more.",
    Kind.FAILED: "The payment failed.",
    Kind.DECLINED: "A card was declined; the shop ends the order for it.",
    Kind.DECLINED_ONCE: "A card was declined; the buyer may try another one.",
    Kind.PAID_AGAIN: "Stripe has taken money for the order a second time: it goes back.",
    Kind.CLAIMED: "The payment was handed over to the account that took the order.",
    Kind.NEVER_ASKED: "The order was closed before the buyer asked to pay: no session can be made any more.",
    Kind.NEVER_OPENED: "No session was ever opened, and none can be any more.",
}
_EFFECTS = {
    Todo.LOOK_UP: "ask Stripe how the payment stands",
    Todo.CONFIRM_ORDER: "tell the order that it is paid",
    Todo.CANCEL_ORDER: "tell the order that no money comes",
    Todo.CLOSE_ORDER: "have the order closed",
    Todo.REFUND_ALL: "give all of the money back",
    Todo.REFUND: "make a refund at Stripe",
    Todo.NOTE_REFUND: "tell the order what is refunded",
    Todo.REFUND_SECOND: "give back the money that came a second time",
    Todo.SET_FREE: "free the goods that were set aside for a refund",
    Todo.ANSWER_DISPUTE: "send the answer to a dispute",
}


def history(payment: Payment, events: Iterable[StripeEvent]) -> list[TimelineEntry]:
    """All that happened to the payment, and when Stripe told of it, the earliest first."""
    entries = [*_audit(payment), *_declines(payment), *_waiting(payment), *_told(events)]
    return sorted(entries, key=lambda entry: entry.at)


def _told(events: Iterable[StripeEvent]) -> Iterator[TimelineEntry]:
    for event in events:
        late = (event.received_at - event.created_at) // MINUTE
        text = f"Stripe's event {event.type} came" + (f", {counted(late, 'minute')} late." if late else ".")
        data = {"event": event.id, "object": event.object_id, "happened": rfc3339(event.created_at)}
        yield TimelineEntry(event.received_at, SERVICE, "stripe event", text, data)


REFUNDS = {
    "requested": "A refund was asked for.",
    "pending": "Stripe has taken the refund on; the money is on its way back.",
    "requires_action": "The refund waits for something that the buyer must do; Stripe tells them what.",
    "succeeded": "Stripe says that the refund has succeeded.",
    "failed": "The refund failed: its amount can be refunded again.",
    "canceled": "The refund was cancelled: its amount can be refunded again.",
}
DISPUTES = {
    "warning_needs_response": "The buyer's bank asks about the payment; an answer can avert a dispute.",
    "warning_under_review": "The buyer's bank looks at the answer to its question.",
    "warning_closed": "The buyer's bank has no more questions: no dispute came of it.",
    "needs_response": "The buyer disputes the payment: Stripe has taken the money back, and evidence can be given.",
    "under_review": "The buyer's bank looks at the evidence.",
    "prevented": "The dispute was averted.",
    "won": "The dispute is won: the money is back.",
    "lost": "The dispute is lost: the money stays with the buyer.",
}
EVIDENCE = {
    "requested": "An answer to the dispute was confirmed, and is on its way to Stripe.",
    "sent": "Stripe has taken the answer to the dispute: the buyer's bank gets it.",
    "refused": "The answer to the dispute was not taken; another one can be confirmed.",
}
_DELAYS = {
    REFUSED: "Stripe refuses the refund; what is owed is asked for again until it is made.",
    WAITS: "Stripe makes no refund while the payment is disputed: it is asked again when the dispute has ended.",
    AGAIN: "The dispute has ended: Stripe is asked for the refund again.",
    LESS: "Some of the money has gone back otherwise: the refund is of what is left now.",
    GONE: "The money has gone back otherwise: the refund is not needed any more, and Stripe is not asked for it.",
}
_NEWS = re.compile(r"(refund|dispute|evidence) (\S+?)(?:: (\w+) -> (\w+))?")


def _words(what: str) -> str:
    """An audit entry in words. `refund rfd_1: requested -> succeeded` says what it is about, and its states."""
    if known := _WORDS.get(what):
        return known
    if news := _NEWS.fullmatch(what):
        words = {"refund": REFUNDS, "dispute": DISPUTES, "evidence": EVIDENCE}[news[1]]
        if text := words.get(news[4] or "requested"):
            return text
    delay = what.partition(": ")[2]
    if delay.replace(" -> ", "").isdigit():  # as earlier versions told that it has shrunk, in minor units
        delay = LESS
    return _DELAYS.get(delay, f"{what[:1].upper()}{what[1:]}.")


def _audit(payment: Payment) -> Iterator[TimelineEntry]:
    for entry in payment.audit:
        text = _words(entry.what)
        data = {
            "by": entry.who,
            "why": entry.why,
            "from": entry.from_state,
            "to": entry.to_state,
            "input": entry.input_id,
            "request": entry.request_id,
        }
        if news := _NEWS.fullmatch(entry.what):
            data |= {news[1]: news[2], "from": news[3] or "", "to": news[4] or ""} | _amount(payment, news[2])
            text = _with_reason(text, payment, news[2], news[4])
            if news[1] == "evidence" and entry.why:
                text = f"{text} {'It says' if news[4] == 'requested' else 'The reason'}: {ended(entry.why)}"
        if entry.what == Kind.PAID:
            data["amount"] = f"{major(payment.taken_minor, payment.currency)} {payment.currency}"
        yield TimelineEntry(entry.at, SERVICE, str(entry.what), text, {key: each for key, each in data.items() if each})


def _with_reason(text: str, payment: Payment, id: str, status: str | None) -> str:
    """Why a refund has failed, in the words of Stripe or its reason code."""
    failed = (each.failure for each in payment.refunds if each.id == id and each.status == status and each.failure)
    return next((f"{text} The reason: {ended(failure)}" for failure in failed), text)


def _amount(payment: Payment, id: str) -> dict[str, str]:
    sums = {each.id: each.amount_minor for each in payment.refunds}
    sums |= {each.id: each.amount_minor for each in payment.disputes}
    return {"amount": f"{major(sums[id], payment.currency)} {payment.currency}"} if id in sums else {}


def _declines(payment: Payment) -> Iterator[TimelineEntry]:
    for decline in payment.declines:
        yield TimelineEntry(decline.at, SERVICE, "decline", decline.message, {"code": decline.code})


def _waiting(payment: Payment) -> Iterator[TimelineEntry]:
    for effect in payment.effects:
        if effect.done_at is None and effect.attempts:
            tried = counted(effect.attempts, "time")
            text = f"Still to {_EFFECTS[Todo(effect.kind)]}: tried {tried}, the last: {ended(effect.error)}"
            yield TimelineEntry(effect.due_at, SERVICE, "waiting", text, {"effect": effect.id, "todo": effect.kind})
