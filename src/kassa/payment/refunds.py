"""Refunds: held by compare-and-set before Stripe is called, then followed to their end. Pure."""

from collections.abc import Sequence
from types import MappingProxyType
from typing import NamedTuple

import msgspec

from kassa.contracts.inventory import Line
from kassa.contracts.payment import NotRefundable, RefundTooLarge, TooManyRefunds
from kassa.kit import effects, inputs
from kassa.kit.audit import Cause, entry
from kassa.kit.clock import HOUR, Millis
from kassa.kit.effects import Effect, has_seen, planned
from kassa.kit.money import from_stripe
from kassa.kit.problem import Invalid
from kassa.payment import pieces
from kassa.payment.balance import GIVEN_BACK, followed, held_minor, lost_minor, owed_minor
from kassa.payment.debts import owed_again, pause_after_refusal, second_returned
from kassa.payment.domain import MoneyBack, Payment, Refund, Todo
from kassa.payment.pieces import Pieces
from kassa.payment.processor import RefundState

REQUESTED = "requested"
# A state never goes back to one of a lower rank: answers about one refund may be applied out of order. A refund
# that succeeded can still fail (Stripe docs: refunds).
RANK = {REQUESTED: 0, "pending": 1, "requires_action": 2, "succeeded": 3, "failed": 4, "canceled": 4}

# Stripe forgets an idempotency key after a day at the earliest (docs: idempotent_requests).
KEY_IS_OLD_AFTER: Millis = 20 * HOUR
MOST_REFUNDS, MOST_KNOWN = 100, 1_000
"""How many refunds of a payment may be asked for, and how many are taken in, with those made at Stripe: its document
must not grow without end."""

WAITS, AGAIN = "waits for the end of the dispute", "the dispute has ended"
REFUSED = "is refused and owed"


class Refusal(NamedTuple):
    """Stripe's no to a refund. `is_disputed`: because a dispute is not won; `is_back`: because the money went back
    already."""

    message: str
    is_disputed: bool = False
    is_back: bool = False


def new_refund(
    refund_id: str,
    amount_minor: int,
    reason: str,
    now: Millis,
    *,
    restock: bool = False,
    items: Sequence[Line] = (),
) -> Refund:
    """A refund that is asked for here, of an amount or of all that is left (0)."""
    return Refund(
        id=refund_id,
        amount_minor=amount_minor,
        reason=reason,
        restock=restock,
        items=tuple(items),
        status=REQUESTED,
        origin="kassa",
        key=inputs.refund_key(refund_id),
        created_at=now,
        updated_at=now,
    )


def owed_refund(refund_id: str, reason: str, now: Millis) -> Refund:
    """A refund of all that is left, because no order has the money."""
    return msgspec.structs.replace(new_refund(refund_id, 0, reason, now), is_owed=True)


def owed(payment: Payment, refund: Refund, cause: Cause) -> Payment:
    """The payment with a refund of all that is left of it, now and whenever some of that comes back: it has no
    order."""
    changed = payment if payment.owes_all else msgspec.structs.replace(payment, owes_all=True)
    return requested(changed, refund, cause) if owed_minor(changed) else changed


def requested(payment: Payment, refund: Refund, cause: Cause, sold: Pieces = MappingProxyType({})) -> Payment:
    """The payment with a new refund that holds its amount, and the effect that makes it at Stripe.

    An amount of 0 means all that is left; `restock`, with that only, all pieces that are left of those `sold`.
    RefundTooLarge, NotRefundable, TooManyRefunds, TooManyPieces and Invalid: nothing is changed.
    """
    if has_seen(payment, cause.id):
        return payment
    if payment.taken_minor == 0:
        raise NotRefundable("the order was not paid")
    if not refund.is_owed and sum(each.origin == "kassa" for each in payment.refunds) >= MOST_REFUNDS:
        raise TooManyRefunds(f"it has {MOST_REFUNDS}: refund what is left at once in Stripe's dashboard")
    # A lost dispute has taken its part back; and more may have gone back at Stripe than was left.
    left = owed_minor(payment) if refund.is_owed else max(0, payment.taken_minor - held_minor(payment))
    amount = refund.amount_minor or left
    if left == 0 or amount > left:
        raise RefundTooLarge(f"{left} minor units are left", leftMinor=left)
    if refund.restock and amount < left:
        raise Invalid.field("restock", "needs all that is left of the payment; name the pieces in `items` instead")
    items = pieces.lines(pieces.left(payment, sold)) if refund.restock else pieces.checked(refund.items, payment, sold)
    is_of_all = refund.amount_minor == 0
    sized = msgspec.structs.replace(refund, amount_minor=amount, is_of_all=is_of_all, items=items, restock=False)
    now = refund.created_at
    changed = msgspec.structs.replace(
        payment,
        refunds=(*payment.refunds, sized),
        updated_at=now,
        audit=(*payment.audit, entry(cause, f"refund {refund.id}", payment.stage, payment.stage, now)),
    )
    return _followed(changed, MoneyBack.REQUESTED, refund, now)


def observed(payment: Payment, state: RefundState, cause: Cause, now: Millis) -> Payment:
    """The payment after Stripe told the state of a refund: one of ours by its metadata, or one made at Stripe.
    TooManyRefunds: it is not taken in."""
    if state.intent_id not in (None, payment.intent_id):
        return second_returned(payment, state, now)
    known = _match(payment, state)
    if known is None:
        if len(payment.refunds) >= MOST_KNOWN:
            raise TooManyRefunds(f"it has {MOST_KNOWN}, and no more are taken in")
        known = _from_stripe(payment, state, now)
        payment = msgspec.structs.replace(payment, refunds=(*payment.refunds, known))
    elif RANK.get(state.status, 0) <= RANK.get(known.status, 0):
        return payment
    seen = msgspec.structs.replace(
        known, status=state.status, stripe_id=state.id, failure=state.failure_reason, updated_at=now
    )
    return owed_again(_replaced(payment, known, seen, cause, now), seen, now)


def refused(
    payment: Payment, refund_id: str, refusal: Refusal, cause: Cause, now: Millis, made: Sequence[RefundState] = ()
) -> Payment:
    """The payment after Stripe refused to make the refund, and told all that were `made`: its amount is given back.

    One of all that was left is asked for again when less is left than was known: somebody had made one at Stripe. One
    that is owed is asked for again later, unless the money went back already; or when a dispute has ended.
    """
    for state in made:
        payment = observed(payment, state, Cause(inputs.state(cause.id, state.id, state.status), "stripe"), now)
    known = find(payment, refund_id)
    if known is None or known.status != REQUESTED:
        return payment
    lost = lost_minor(payment) if known.is_owed else 0
    left = payment.taken_minor - held_minor(payment) + known.amount_minor - lost
    if known.is_of_all and 0 < left < known.amount_minor:
        what = f"refund {known.id}: {known.amount_minor} -> {left}"
        shrunk = msgspec.structs.replace(known, amount_minor=left)
        return _asked_again(payment, MoneyBack.SHRUNK, shrunk, what, cause, now)
    if known.is_owed and not refusal.is_back and left > 0:
        if refusal.is_disputed and not _has_missed_end(payment):
            waiting = msgspec.structs.replace(known, failure=WAITS, updated_at=now)
            return _noted(payment, waiting, f"refund {known.id}: {WAITS}", cause, now)
        return _asked_later(payment, known, refusal.message, cause, now)
    failed = msgspec.structs.replace(known, status="failed", failure=refusal.message)
    changed = _replaced(payment, known, failed, cause, now)
    return changed if refusal.is_back else owed_again(changed, failed, now)


def after_dispute(payment: Payment, cause: Cause, now: Millis) -> Payment:
    """The payment after a dispute has ended: what waited for that is asked for again."""
    for refund in payment.refunds:
        if refund.status == REQUESTED and refund.failure == WAITS:
            again = msgspec.structs.replace(refund, failure=None)
            input = Cause(inputs.again(cause.id, refund.id), cause.who)
            payment = _asked_again(payment, MoneyBack.RESUMED, again, f"refund {refund.id}: {AGAIN}", input, now)
    return payment


def rekeyed(payment: Payment, looked_for: Refund, key: str, now: Millis) -> Payment:
    """The payment with a new idempotency key for one refund; only after looking that the old one made nothing, and
    if it is the old one still: two processes with a new key each would make two refunds."""
    known = find(payment, looked_for.id)
    if known is None or (known.key, known.status) != (looked_for.key, REQUESTED):
        return payment
    return _with(payment, msgspec.structs.replace(known, key=key, updated_at=now))


def find(payment: Payment, refund_id: str) -> Refund | None:
    """The refund by its id."""
    return next((refund for refund in payment.refunds if refund.id == refund_id), None)


def _asked_again(
    payment: Payment, happened: MoneyBack, refund: Refund, what: str, cause: Cause, now: Millis
) -> Payment:
    changed = _noted(payment, _rekeyed(payment, refund, now), what, cause, now)
    return _followed(changed, happened, refund, now)


def _followed(payment: Payment, happened: MoneyBack, refund: Refund, now: Millis) -> Payment:
    return followed(payment, happened, lambda current, todo: planned(current, todo, now, refund=refund.id))


def _asked_later(payment: Payment, refund: Refund, words: str, cause: Cause, now: Millis) -> Payment:
    times = refund.refusals + 1
    renewed = msgspec.structs.replace(_rekeyed(payment, refund, now), failure=words, refusals=times)
    changed = _with(payment, renewed)
    if times == 1:  # What is asked for ever must not fill the audit for ever.
        told = msgspec.structs.replace(cause, why=words)
        changed = _noted(payment, renewed, f"refund {refund.id}: {REFUSED}", told, now)
    at = now + pause_after_refusal(times)

    def again(current: Payment, todo: Todo) -> Effect:
        return effects.refused(current, todo, words, now, at=at, attempts=times, refund=refund.id)

    return followed(changed, MoneyBack.REFUSED, again)


def _has_missed_end(payment: Payment) -> bool:
    """Whether a refusal for a dispute is noted when no more end of one is to be told: it had ended before; or the
    refusal is for a later one, not yet told of."""
    known = {each.status for each in payment.disputes if each.intent_id in (None, payment.intent_id)}
    return bool(known & {"won", "prevented", "lost"}) and not known & {"needs_response", "under_review"}


def _rekeyed(payment: Payment, refund: Refund, now: Millis) -> Refund:
    """Under a new key, for Stripe has saved its refusal under the old one."""
    return msgspec.structs.replace(refund, key=inputs.refund_key(refund.id, payment.version + 1), updated_at=now)


def _with(payment: Payment, refund: Refund) -> Payment:
    """The payment with a refund in place of the one with the same id."""
    kept = tuple(refund if each.id == refund.id else each for each in payment.refunds)
    return msgspec.structs.replace(payment, refunds=kept)


def _noted(payment: Payment, refund: Refund, what: str, cause: Cause, now: Millis) -> Payment:
    """The payment with a refund in place of the one with the same id, and an audit entry that says what happened."""
    return msgspec.structs.replace(
        _with(payment, refund),
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
    is_on = seen.status not in GIVEN_BACK
    brings = bool(seen.items) and is_on and not seen.is_restocked
    seen = msgspec.structs.replace(seen, is_restocked=True) if brings else seen
    changed = _noted(payment, seen, f"refund {seen.id}: {known.status} -> {seen.status}", cause, now)
    restock, refund = "yes" if seen.restock and is_on else "no", seen.id if brings else ""

    def told(current: Payment, todo: Todo) -> Effect:
        return planned(current, todo, now, restock=restock, refund=refund)

    return followed(changed, MoneyBack.TOLD, told)
