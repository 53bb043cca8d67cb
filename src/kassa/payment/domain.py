"""The payment's states, as data, and the one function that applies them. Pure: no I/O, no clock, no chance."""

from enum import StrEnum
from typing import Any

import msgspec

from kassa.kit.audit import Cause, entry
from kassa.kit.clock import MINUTE, SECOND, Millis
from kassa.kit.effects import Aggregate, has_seen, planned, with_effects, without_timers
from kassa.kit.ids import PAYMENT
from kassa.kit.money import InvalidMoney, from_stripe, to_stripe
from kassa.payment.processor import SessionState


class Stage(StrEnum):
    """Where a payment stands. Append only."""

    CREATED = "CREATED"  # stored, not yet known to be at Stripe
    INITIATED = "INITIATED"
    PROCESSING = "PROCESSING"  # the buyer has paid by a delayed method
    SUCCESS = "SUCCESS"
    FAILED = "FAILED"
    CLOSED = "CLOSED"  # ended before it was at Stripe


STATUS = {Stage.CREATED: "INITIATED", Stage.PROCESSING: "INITIATED", Stage.CLOSED: "FAILED"}
"""How stages show on the wire; the others show as they are."""

UNSETTLED = (Stage.CREATED, Stage.INITIATED, Stage.PROCESSING)


class Kind(StrEnum):
    """What can happen to a payment. Append only."""

    OPENED = "opened"
    PAID = "paid"
    MISMATCH = "paid another amount"
    PROCESSING = "processing"
    EXPIRED = "expired"
    FAILED = "failed"
    DECLINED = "declined"  # and the shop ends the order for it
    DECLINED_ONCE = "declined, may try again"
    NEVER_OPENED = "never opened"
    PAID_AGAIN = "paid a second time"  # by another session, which should not be there


class Todo(StrEnum):
    """The effects of a payment. Append only."""

    LOOK_UP = "look_up"
    CONFIRM_ORDER = "confirm_order"
    CANCEL_ORDER = "cancel_order"
    CLOSE_ORDER = "close_order"
    REFUND_ALL = "refund_all"
    REFUND = "refund"
    NOTE_REFUND = "note_refund"
    REFUND_SECOND = "refund_second"


class Move(msgspec.Struct, frozen=True):
    """One transition: the next stage and what must be done because of it."""

    to: Stage
    effects: tuple[Todo, ...] = ()


TRANSITIONS: dict[tuple[Stage, Kind], Move] = {
    (Stage.CREATED, Kind.OPENED): Move(Stage.INITIATED, (Todo.LOOK_UP,)),
    (Stage.CREATED, Kind.NEVER_OPENED): Move(Stage.CLOSED),
    (Stage.CREATED, Kind.PROCESSING): Move(Stage.PROCESSING, (Todo.LOOK_UP,)),
    (Stage.INITIATED, Kind.PROCESSING): Move(Stage.PROCESSING, (Todo.LOOK_UP,)),
    (Stage.CREATED, Kind.DECLINED): Move(Stage.CREATED, (Todo.CLOSE_ORDER,)),
    (Stage.INITIATED, Kind.DECLINED): Move(Stage.INITIATED, (Todo.CLOSE_ORDER,)),
    (Stage.CREATED, Kind.DECLINED_ONCE): Move(Stage.CREATED),
    (Stage.INITIATED, Kind.DECLINED_ONCE): Move(Stage.INITIATED),
    **{(stage, Kind.EXPIRED): Move(Stage.FAILED, (Todo.CANCEL_ORDER,)) for stage in UNSETTLED},
    **{(stage, Kind.FAILED): Move(Stage.FAILED, (Todo.CANCEL_ORDER,)) for stage in UNSETTLED},
    # Money that Stripe has taken counts in every state, late or not.
    **{
        (stage, Kind.PAID): Move(Stage.SUCCESS, (Todo.CONFIRM_ORDER,))
        for stage in (*UNSETTLED, Stage.FAILED, Stage.CLOSED)
    },
    **{
        (stage, Kind.MISMATCH): Move(Stage.FAILED, (Todo.REFUND_ALL, Todo.CANCEL_ORDER))
        for stage in (*UNSETTLED, Stage.FAILED, Stage.CLOSED)
    },
    **{(stage, Kind.PAID_AGAIN): Move(stage, (Todo.REFUND_SECOND,)) for stage in (Stage.SUCCESS, Stage.FAILED)},
}
"""Every pair that is not here changes nothing: the news comes late, twice, or for another state."""


def payment_id_of(order_id: str) -> str:
    """The id of an order's one payment: made of the order's own, so that a second one cannot be stored anywhere."""
    return f"{PAYMENT}_{order_id.partition('_')[2]}"


class Decline(msgspec.Struct, frozen=True):
    """One refused attempt: when, and in the words of the card network."""

    at: Millis
    code: str
    message: str


class Refund(msgspec.Struct, frozen=True, kw_only=True):
    """Money going back. `status`: requested, then Stripe's. `origin` is kassa, or stripe for one made there.
    `is_of_all`: of all that was left when it was asked for. `is_owed`: of money that has no order; a dispute only
    delays it."""

    id: str
    amount_minor: int
    reason: str
    restock: bool
    status: str
    origin: str
    key: str
    is_of_all: bool = False
    is_owed: bool = False
    stripe_id: str | None = None
    failure: str | None = None
    created_at: Millis
    updated_at: Millis


class Dispute(msgspec.Struct, frozen=True, kw_only=True):
    """A dispute, or an inquiry before one, as Stripe last told of it. `status` is Stripe's; `answer_by` is until when
    evidence is taken; `intent_id` whose money it is about."""

    id: str
    intent_id: str | None = None
    amount_minor: int
    reason: str
    status: str
    answer_by: Millis | None
    created_at: Millis
    updated_at: Millis


class Payment(Aggregate, frozen=True, kw_only=True):
    """One attempt to be paid for one order. `params` and `key` are what Stripe was asked with; `keyed_at` when the
    key was made. `taken_minor` is what Stripe took, in minor units. `wants_evidence`: a dispute waits for an answer."""

    order_id: str
    user_id: str
    amount_minor: int
    currency: str
    stage: Stage
    status: str
    reason: str = ""
    params: dict[str, Any] = msgspec.field(default_factory=dict)
    key: str = ""
    keyed_at: Millis = 0
    session_id: str | None = None
    session_url: str | None = None
    session_expires_at: Millis = 0
    intent_id: str | None = None
    taken_minor: int = 0
    declines: tuple[Decline, ...] = ()
    refunds: tuple[Refund, ...] = ()
    disputes: tuple[Dispute, ...] = ()
    is_disputed: bool = False
    wants_evidence: bool = False
    paid_at: Millis | None = None
    created_at: Millis
    updated_at: Millis


class Input(msgspec.Struct, frozen=True):
    """Something that happened to a payment, with its cause; `session` as fetched, `decline` if that is the news."""

    kind: Kind
    cause: Cause
    session: SessionState | None = None
    decline: Decline | None = None
    reason: str = ""


def created(payment: Payment, cause: Cause) -> Payment:
    """A new payment as it is first stored."""
    return msgspec.structs.replace(payment, audit=(entry(cause, "create", "", payment.stage, payment.created_at),))


def kind_of(payment: Payment, session: SessionState) -> Kind:
    """What a fetched session says. Completed is not paid: `payment_status` decides (docs: checkout/fulfillment)."""
    if session.status == "open":
        return Kind.OPENED
    if session.status == "expired":
        return Kind.EXPIRED
    if session.payment_status in ("paid", "no_payment_required"):
        expected = (to_stripe(payment.amount_minor, payment.currency), payment.currency)
        return Kind.PAID if (session.amount_total, session.currency) == expected else Kind.MISMATCH
    return Kind.FAILED if session.intent_status in ("requires_payment_method", "canceled") else Kind.PROCESSING


def apply(payment: Payment, news: Input, now: Millis) -> Payment:
    """The payment after the news; the very same object if the news changes nothing."""
    seen = _seen_by(payment, news)
    move = TRANSITIONS.get((payment.stage, seen.kind)) if seen else None
    if seen is None or move is None or has_seen(payment, news.cause.id):
        return payment
    news = seen
    moved = msgspec.structs.replace(
        _with_session(payment, news),
        stage=move.to,
        status=STATUS.get(move.to, str(move.to)),
        reason=_reason(payment, news),
        declines=(*payment.declines, news.decline) if news.decline else payment.declines,
        paid_at=now if news.kind is Kind.PAID else payment.paid_at,
        updated_at=now,
        audit=(*payment.audit, entry(news.cause, news.kind, payment.stage, move.to, now)),
    )
    if move.to not in UNSETTLED:
        moved = without_timers(moved, frozenset({Todo.LOOK_UP}), now)
    for todo in move.effects:
        at = next_look_up(moved, now) if todo is Todo.LOOK_UP else None
        args = _second(news.session) if todo is Todo.REFUND_SECOND and news.session else {}
        moved = with_effects(moved, (*moved.effects, planned(moved, todo, now, at=at, **args)))
    return moved


def _seen_by(payment: Payment, news: Input) -> Input | None:
    """What the news is to this payment. Of a session that is not its own only money counts: the first as any other,
    what comes after it goes back."""
    if news.session is None or payment.session_id in (None, news.session.id):
        return news
    if news.kind not in (Kind.PAID, Kind.MISMATCH):
        return None
    return msgspec.structs.replace(news, kind=Kind.PAID_AGAIN) if payment.taken_minor else news


def _second(session: SessionState) -> dict[str, str]:
    return {"intent": str(session.intent_id), "amount": str(session.amount_total)}


def next_look_up(payment: Payment, now: Millis) -> Millis:
    """When to ask Stripe about an unsettled payment: 2 and 15 minutes after it was opened, after it expired, and from
    then on every hour (a delayed method can take days)."""
    after_expiry = payment.session_expires_at + MINUTE
    times = (payment.created_at + 2 * MINUTE, payment.created_at + 15 * MINUTE, after_expiry)
    return next((time for time in sorted(times) if time > now + SECOND), now + 60 * MINUTE)


def _reason(payment: Payment, news: Input) -> str:
    # A session that is expired because a card was declined tells nothing new.
    if news.kind is Kind.EXPIRED and payment.reason:
        return payment.reason
    return "" if news.kind is Kind.PAID else news.reason or payment.reason


def _with_session(payment: Payment, news: Input) -> Payment:
    session = news.session
    if session is None or news.kind is Kind.PAID_AGAIN:
        return payment
    took_money = news.kind in (Kind.PAID, Kind.MISMATCH)
    return msgspec.structs.replace(
        payment,
        session_id=session.id,
        session_url=session.url,
        session_expires_at=session.expires_at * SECOND,
        intent_id=session.intent_id or payment.intent_id,
        taken_minor=_taken(payment, session) if took_money else payment.taken_minor,
    )


def _taken(payment: Payment, session: SessionState) -> int:
    if session.payment_status == "no_payment_required":
        return 0
    try:
        return from_stripe(session.amount_total, payment.currency)
    except InvalidMoney:
        return session.amount_total
