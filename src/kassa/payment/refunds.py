"""Refunds: held by compare-and-set before Stripe is called, then followed to their end. Pure."""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from kassa.contracts.payment import NotRefundable, RefundTooLarge
from kassa.kit.audit import Cause, entry
from kassa.kit.clock import HOUR, Millis
from kassa.kit.effects import has_seen, planned, with_effects
from kassa.kit.money import from_stripe
from kassa.payment.domain import Payment, Refund, Todo
from kassa.payment.processor import RefundState

REQUESTED = "requested"
# A state never goes back to one of a lower rank: answers about one refund may be applied out of order. A refund
# that succeeded can still fail (Stripe docs: refunds).
RANK = {REQUESTED: 0, "pending": 1, "requires_action": 2, "succeeded": 3, "failed": 4, "canceled": 4}
_GIVEN_BACK = ("failed", "canceled")

# Stripe forgets an idempotency key after a day at the earliest (docs: idempotent_requests).
KEY_IS_OLD_AFTER: Millis = 20 * HOUR
AGAIN_AFTER: Millis = HOUR
"""How long after a refusal that no dispute known of explains."""

WAITS, AGAIN = "waits for the end of the dispute", "the dispute has ended"


class Refusal(NamedTuple):
    """Stripe's no to a refund; `is_disputed`: because a dispute is not won."""

    message: str
    is_disputed: bool = False


def held_minor(payment: Payment) -> int:
    """What is refunded or on its way, in minor units."""
    return sum(refund.amount_minor for refund in payment.refunds if refund.status not in _GIVEN_BACK)


def refunded_minor(payment: Payment) -> int:
    """What Stripe says was refunded, in minor units."""
    return sum(refund.amount_minor for refund in payment.refunds if refund.status == "succeeded")


def is_fully_refunded(payment: Payment) -> bool:
    """Whether all that was taken went back."""
    return payment.taken_minor > 0 and refunded_minor(payment) >= payment.taken_minor


def requested(payment: Payment, refund: Refund, cause: Cause) -> Payment:
    """The payment with a new refund that holds its amount, and the effect that makes it at Stripe.

    An amount of 0 means all that is left. RefundTooLarge and NotRefundable: nothing is changed.
    """
    if has_seen(payment, cause.id):
        return payment
    if payment.taken_minor == 0:
        raise NotRefundable("the order was not paid")
    left = payment.taken_minor - held_minor(payment)
    amount = refund.amount_minor or left
    if left == 0 or amount > left:
        raise RefundTooLarge(f"{left} minor units are left", leftMinor=left)
    sized = msgspec.structs.replace(refund, amount_minor=amount, is_of_all=refund.amount_minor == 0)
    now = refund.created_at
    changed = msgspec.structs.replace(
        payment,
        refunds=(*payment.refunds, sized),
        updated_at=now,
        audit=(*payment.audit, entry(cause, f"refund {refund.id}", payment.stage, payment.stage, now)),
    )
    effect = planned(changed, Todo.REFUND, now, refund=refund.id)
    return with_effects(changed, (*changed.effects, effect))


def observed(payment: Payment, state: RefundState, cause: Cause, now: Millis) -> Payment:
    """The payment after Stripe told the state of a refund: one of ours by its metadata, or one made at Stripe."""
    if state.intent_id not in (None, payment.intent_id):
        return payment  # Of a second payment, which is no money of this one.
    known = _match(payment, state)
    if known is None:
        known = _from_stripe(payment, state, now)
        payment = msgspec.structs.replace(payment, refunds=(*payment.refunds, known))
    elif RANK.get(state.status, 0) <= RANK.get(known.status, 0):
        return payment
    seen = msgspec.structs.replace(
        known, status=state.status, stripe_id=state.id, failure=state.failure_reason, updated_at=now
    )
    return _replaced(payment, known, seen, cause, now)


def refused(
    payment: Payment, refund_id: str, refusal: Refusal, cause: Cause, now: Millis, made: Sequence[RefundState] = ()
) -> Payment:
    """The payment after Stripe refused to make the refund, and told all that were `made`: its amount is given back.

    One of all that was left is asked for again when less is left than was known: somebody had made one at Stripe. One
    that is owed waits for the end of a dispute, unless that has taken the money back for good.
    """
    for state in made:
        payment = observed(payment, state, Cause(f"{cause.id}:{state.id}:{state.status}", "stripe"), now)
    known = find(payment, refund_id)
    if known is None or known.status != REQUESTED:
        return payment
    left = payment.taken_minor - held_minor(payment) + known.amount_minor
    if known.is_of_all and 0 < left < known.amount_minor:
        what = f"refund {known.id}: {known.amount_minor} -> {left}"
        return _asked_again(payment, msgspec.structs.replace(known, amount_minor=left), what, cause, now)
    disputes = {each.status for each in payment.disputes if each.intent_id in (None, payment.intent_id)}
    if refusal.is_disputed and known.is_owed and "lost" not in disputes:
        waiting = msgspec.structs.replace(known, failure=WAITS, updated_at=now)
        payment = _noted(payment, waiting, f"refund {known.id}: {WAITS}", cause, now)
        # One that ended before the refusal is noted wakes nothing any more; or the refusal is of a later one, not yet
        # told of.
        has_missed_end = disputes & {"won", "prevented"} and not disputes & {"needs_response", "under_review"}
        return after_dispute(payment, cause, now, now + AGAIN_AFTER) if has_missed_end else payment
    failed = msgspec.structs.replace(known, status="failed", failure=refusal.message)
    return _replaced(payment, known, failed, cause, now)


def after_dispute(payment: Payment, cause: Cause, now: Millis, at: Millis | None = None) -> Payment:
    """The payment after a dispute has ended: what waited for that is asked for again, now or at a time."""
    for refund in payment.refunds:
        if refund.status == REQUESTED and refund.failure == WAITS:
            again = msgspec.structs.replace(refund, failure=None)
            input = Cause(f"{cause.id}:{refund.id}", cause.who)
            payment = _asked_again(payment, again, f"refund {refund.id}: {AGAIN}", input, now, at)
    return payment


def rekeyed(payment: Payment, looked_for: Refund, key: str, now: Millis) -> Payment:
    """The payment with a new idempotency key for one refund; only after looking that the old one made nothing, and
    if it is the old one still: two processes with a new key each would make two refunds."""
    known = find(payment, looked_for.id)
    if known is None or (known.key, known.status) != (looked_for.key, REQUESTED):
        return payment
    changed = msgspec.structs.replace(known, key=key, updated_at=now)
    refunds = tuple(changed if refund.id == known.id else refund for refund in payment.refunds)
    return msgspec.structs.replace(payment, refunds=refunds)


def find(payment: Payment, refund_id: str) -> Refund | None:
    """The refund by its id."""
    return next((refund for refund in payment.refunds if refund.id == refund_id), None)


def _asked_again(
    payment: Payment, refund: Refund, what: str, cause: Cause, now: Millis, at: Millis | None = None
) -> Payment:
    """Under a new key, for Stripe has saved its refusal under the old one."""
    renewed = msgspec.structs.replace(refund, key=f"{refund.id}-{payment.version + 1}", updated_at=now)
    changed = _noted(payment, renewed, what, cause, now)
    return with_effects(changed, (*changed.effects, planned(changed, Todo.REFUND, now, at=at, refund=refund.id)))


def _noted(payment: Payment, refund: Refund, what: str, cause: Cause, now: Millis) -> Payment:
    """The payment with a refund in place of the one with the same id, and an audit entry that says what happened."""
    return msgspec.structs.replace(
        payment,
        refunds=tuple(refund if each.id == refund.id else each for each in payment.refunds),
        updated_at=now,
        audit=(*payment.audit, entry(cause, what, payment.stage, payment.stage, now)),
    )


def _match(payment: Payment, state: RefundState) -> Refund | None:
    ours = find(payment, state.metadata.get("refundId", ""))
    return ours or next((refund for refund in payment.refunds if refund.stripe_id == state.id), None)


def _from_stripe(payment: Payment, state: RefundState, now: Millis) -> Refund:
    return Refund(
        id=state.id,
        amount_minor=from_stripe(state.amount, payment.currency),
        reason="made at Stripe",
        restock=False,
        status=REQUESTED,
        origin="stripe",
        key="",
        stripe_id=state.id,
        created_at=now,
        updated_at=now,
    )


def _replaced(payment: Payment, known: Refund, seen: Refund, cause: Cause, now: Millis) -> Payment:
    changed = _noted(payment, seen, f"refund {seen.id}: {known.status} -> {seen.status}", cause, now)
    restock = "yes" if seen.restock and seen.status not in _GIVEN_BACK else "no"
    effect = planned(changed, Todo.NOTE_REFUND, now, restock=restock)
    return with_effects(changed, (*changed.effects, effect))
