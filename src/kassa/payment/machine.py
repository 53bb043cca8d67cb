"""What news is to a payment, and what becomes of the payment. Pure: no I/O, no clock, no chance."""

from typing import Any

import msgspec

from kassa.contracts.order import OrderForPayment
from kassa.kit import inputs
from kassa.kit.audit import Cause
from kassa.kit.clock import MINUTE, SECOND, Millis, from_unix
from kassa.kit.effects import Effect, planned
from kassa.kit.inputs import payment_id_of
from kassa.kit.machine import Machine
from kassa.kit.money import InvalidMoney, from_stripe, to_stripe
from kassa.payment.domain import STATUS, TRANSITIONS, UNSETTLED, Input, Kind, Payment, Stage, Todo
from kassa.payment.processor import SessionState

_REASONS = {Kind.EXPIRED: "expired", Kind.FAILED: "payment_failed", Kind.MISMATCH: "amount_mismatch"}
_AT_STRIPE = (Stage.INITIATED, Stage.PROCESSING, Stage.SUCCESS)


def created(
    order: OrderForPayment, cause: Cause, now: Millis, params: dict[str, Any], coupon: dict[str, Any] | None = None
) -> Payment:
    """A new payment, with what Stripe is asked with: for a session, and for its coupon."""
    key = inputs.session_key(payment_id_of(order.id))
    payment = _first(order, now, stage=Stage.CREATED, params=params, coupon=coupon, key=key, keyed_at=now)
    return MACHINE.begin(payment, Input(Kind.CREATED, cause), now)


def never_asked(order: OrderForPayment, cause: Cause, now: Millis) -> Payment:
    """The payment that takes the place of one, so that no session can be made for the order any more."""
    payment = _first(order, now, stage=Stage.CLOSED, reason="closed_before_payment")
    return MACHINE.begin(payment, Input(Kind.NEVER_ASKED, cause), now)


def _first(order: OrderForPayment, now: Millis, *, stage: Stage, **members: Any) -> Payment:
    return Payment(
        id=payment_id_of(order.id),
        order_id=order.id,
        user_id=order.user_id,
        amount_minor=order.total_minor,
        currency=order.currency,
        stage=stage,
        status=STATUS[stage],
        created_at=now,
        updated_at=now,
        is_tax_open=order.sale is not None and order.sale.parts.is_tax_open,
        **members,
    )


def kind_of(payment: Payment, session: SessionState) -> Kind:
    """What a fetched session says. Completed is not paid: `payment_status` decides (docs: checkout/fulfillment)."""
    if session.status == "open":
        return Kind.OPENED
    if session.status == "expired":
        return Kind.EXPIRED
    if session.payment_status in ("paid", "no_payment_required"):
        return Kind.PAID if _is_right(payment, session) else Kind.MISMATCH
    return Kind.FAILED if session.intent_status in ("requires_payment_method", "canceled") else Kind.PROCESSING


def _is_right(payment: Payment, session: SessionState) -> bool:
    """Whether a paid session is of the payment's amount. Where Stripe reckons the tax, that is the amount before it,
    and what is added to that can be no more than the tax."""
    expected = to_stripe(payment.amount_minor - payment.added_tax_minor, payment.currency)
    if session.currency != payment.currency:
        return False
    if not payment.is_tax_open:
        return session.amount_total == expected
    return session.before_tax == expected and 0 <= session.added_tax <= session.tax


MOST_DECLINES = 100
"""So many are noted of a payment: somebody tries cards, and its document must not grow with them."""


def interpret(payment: Payment, news: Input) -> Input | None:
    """What the news is to this payment; None if it is none."""
    session = news.session
    if session is None:
        return news
    kind = kind_of(payment, session)
    if news.kind is Kind.FETCHED:
        cause = msgspec.structs.replace(news.cause, id=inputs.fetched(news.cause.id, kind))
        news = msgspec.structs.replace(news, kind=kind, cause=cause, reason=_REASONS.get(kind, ""))
    elif session.status != "open":
        return None  # The card was declined, but the session has been paid since with another one, or has ended.
    elif len(payment.declines) >= MOST_DECLINES:
        return None
    if payment.session_id in (None, session.id):
        return news
    # Of a session that is not its own only money counts: the first as any other, what comes after it goes back.
    if kind not in (Kind.PAID, Kind.MISMATCH):
        return None
    return msgspec.structs.replace(news, kind=Kind.PAID_AGAIN, reason="") if payment.taken_minor else news


def next_look_up(payment: Payment, now: Millis) -> Millis:
    """When to ask Stripe about an unsettled payment: 2 and 15 minutes after it was opened, after it expired, and from
    then on every hour (a delayed method can take days)."""
    after_expiry = payment.session_expires_at + MINUTE
    times = (payment.created_at + 2 * MINUTE, payment.created_at + 15 * MINUTE, after_expiry)
    return next((time for time in sorted(times) if time > now + SECOND), now + 60 * MINUTE)


def _noted(payment: Payment, news: Input, _: Stage, now: Millis) -> dict[str, Any]:
    noted: dict[str, Any] = {"reason": _reason(payment, news), "user_id": news.user_id or payment.user_id}
    if news.kind is Kind.PAID:
        noted["paid_at"] = now
    if news.decline is not None:
        noted["declines"] = (*payment.declines, news.decline)
    session = news.session
    if session is None or news.kind is Kind.PAID_AGAIN:
        return noted
    noted |= {
        "session_id": session.id,
        "session_url": session.url,
        "session_expires_at": from_unix(session.expires_at),
        "intent_id": session.intent_id or payment.intent_id,
    }
    if news.kind in (Kind.PAID, Kind.MISMATCH):
        noted["taken_minor"] = _taken(payment, session)
    if news.kind is Kind.PAID and payment.is_tax_open:
        noted |= _with_tax(payment, session)
    return noted


def _with_tax(payment: Payment, session: SessionState) -> dict[str, int]:
    """What Stripe has reckoned, and the amount with what of it came on top."""
    added, tax = (from_stripe(each, payment.currency) for each in (session.added_tax, session.tax))
    before = payment.amount_minor - payment.added_tax_minor
    return {"added_tax_minor": added, "tax_minor": tax, "amount_minor": before + added}


def _reason(payment: Payment, news: Input) -> str:
    # A session that is expired because a card was declined tells nothing new.
    if news.kind is Kind.EXPIRED and payment.reason:
        return payment.reason
    return "" if news.kind is Kind.PAID else news.reason or payment.reason


def _taken(payment: Payment, session: SessionState) -> int:
    if session.payment_status == "no_payment_required":
        return 0
    try:
        return from_stripe(session.amount_total, payment.currency)
    except InvalidMoney:
        return session.amount_total


def _planned(payment: Payment, todo: Todo, news: Input, now: Millis) -> Effect:
    if todo is Todo.LOOK_UP:
        return planned(payment, todo, now, at=next_look_up(payment, now))
    if todo is Todo.REFUND_SECOND and news.session is not None:
        second = news.session
        return planned(payment, todo, now, intent=str(second.intent_id), amount=str(second.amount_total))
    return planned(payment, todo, now)


MACHINE = Machine(
    table=TRANSITIONS,
    shown=STATUS,
    timers={Todo.LOOK_UP: UNSETTLED},
    interpret=interpret,
    noted=_noted,
    planned=_planned,
    invariants={
        "a payment that is at Stripe has a session there": lambda payment: (
            payment.stage not in _AT_STRIPE or payment.session_id is not None
        ),
        "a payment that succeeded has taken exactly its amount": lambda payment: (
            payment.stage is not Stage.SUCCESS or payment.taken_minor == payment.amount_minor
        ),
        "refunds do not exceed what was taken": lambda payment: (
            sum(each.amount_minor for each in payment.refunds if each.status == "succeeded") <= payment.taken_minor
        ),
    },
)
