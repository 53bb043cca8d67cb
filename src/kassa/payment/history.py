"""A payment's part of the timeline: its audit, its declines and what is still to be done, in words."""

from collections.abc import Iterator

from kassa.kit.audit import TimelineEntry
from kassa.kit.money import major
from kassa.payment.domain import Kind, Payment, Todo

SERVICE = "payment"

_WORDS = {
    "create": "The buyer asked to pay.",
    Kind.OPENED: "A checkout session was opened at Stripe.",
    Kind.PAID: "Stripe says that the session is paid.",
    Kind.MISMATCH: "Stripe took another amount than the order's: all of it goes back.",
    Kind.PROCESSING: "The buyer has paid by a method that takes its time; Stripe will say how that ends.",
    Kind.EXPIRED: "The session has expired: no money can come by it any more.",
    Kind.FAILED: "The payment failed.",
    Kind.DECLINED: "A card was declined; the shop ends the order for it.",
    Kind.DECLINED_ONCE: "A card was declined; the buyer may try another one.",
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
}


def history(payment: Payment) -> list[TimelineEntry]:
    """All that happened to the payment, the earliest first."""
    return sorted([*_audit(payment), *_declines(payment), *_waiting(payment)], key=lambda entry: entry.at)


def _audit(payment: Payment) -> Iterator[TimelineEntry]:
    for entry in payment.audit:
        text = _WORDS.get(entry.what) or f"{entry.what[:1].upper()}{entry.what[1:]}."
        data = {
            "by": entry.who,
            "why": entry.why,
            "from": entry.from_state,
            "to": entry.to_state,
            "input": entry.input_id,
            "request": entry.request_id,
        }
        if entry.what == Kind.PAID:
            data["amount"] = f"{major(payment.taken_minor, payment.currency)} {payment.currency}"
        yield TimelineEntry(entry.at, SERVICE, str(entry.what), text, {key: each for key, each in data.items() if each})


def _declines(payment: Payment) -> Iterator[TimelineEntry]:
    for decline in payment.declines:
        yield TimelineEntry(decline.at, SERVICE, "decline", decline.message, {"code": decline.code})


def _waiting(payment: Payment) -> Iterator[TimelineEntry]:
    for effect in payment.effects:
        if effect.done_at is None and effect.attempts:
            text = f"Still to {_EFFECTS[Todo(effect.kind)]}: tried {effect.attempts} times, the last: {effect.error}."
            yield TimelineEntry(effect.due_at, SERVICE, "waiting", text, {"effect": effect.id})
