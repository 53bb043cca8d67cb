"""Refunds: held by compare-and-set before Stripe is called, and asked for again where that is wanted. Pure."""

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
from kassa.kit.problem import Invalid
from kassa.payment import pieces
from kassa.payment.balance import REQUESTED, followed, left_minor, owed_minor
from kassa.payment.debts import owed_again, pause_after_refusal
from kassa.payment.domain import MoneyBack, Payment, Refund, Todo
from kassa.payment.paid_parts import Goods, Reckoned
from kassa.payment.pieces import Pieces
from kassa.payment.processor import RefundState
from kassa.payment.refund_states import find, noted, observed, rekeyed, told, with_refund

# Stripe forgets an idempotency key after a day at the earliest (docs: idempotent_requests).
KEY_IS_OLD_AFTER: Millis = 20 * HOUR
MOST_REFUNDS = 100
"""How many refunds of a payment may be asked for: its document must not grow without end."""

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


def refund_of_goods(
    refund_id: str, goods: Goods, reckoned: Reckoned, amount_minor: int, reason: str, now: Millis
) -> Refund:
    """A refund of what was paid for some goods, or of less. Invalid if that is nothing, or it is more."""
    if not reckoned.amount_minor:
        raise Invalid.field("lines", "nothing was paid for these: there is nothing to give back")
    if amount_minor > reckoned.amount_minor:
        raise Invalid.field("amount", "is more than was paid for these: leave it out, or give less")
    plain = new_refund(refund_id, amount_minor or reckoned.amount_minor, reason, now, items=goods.shelved)
    return msgspec.structs.replace(
        plain, lines=reckoned.lines, shipping_minor=reckoned.shipping_minor, return_id=goods.return_id
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
    # A lost dispute has taken its part back.
    left = owed_minor(payment) if refund.is_owed else left_minor(payment)
    amount = refund.amount_minor or left
    refuse_if_nothing_is_left(payment, left)
    if not refund.is_owed and sum(each.origin == "kassa" for each in payment.refunds) >= MOST_REFUNDS:
        raise TooManyRefunds(f"it has {MOST_REFUNDS}: refund what is left at once in Stripe's dashboard")
    if refund.restock and amount < left:
        raise Invalid.field("restock", "needs all that is left of the payment; name the pieces in `items` instead")
    items = pieces.lines(pieces.left(payment, sold)) if refund.restock else pieces.checked(refund.items, payment, sold)
    # After the pieces: of more than can come back their price may be too large, and says less.
    if amount > left:
        raise _too_large(left)
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


def refuse_if_nothing_is_left(payment: Payment, left: int) -> None:
    """NotRefundable if nothing was paid; RefundTooLarge if nothing of it is `left`."""
    if payment.taken_minor == 0:
        raise NotRefundable("the order was not paid")
    if left == 0:
        raise _too_large(left)


def refused(
    payment: Payment, asked: Refund, refusal: Refusal, cause: Cause, now: Millis, made: Sequence[RefundState] = ()
) -> Payment:
    """The payment after Stripe refused to make the refund as it was `asked` for, and told all that were `made`.

    One that has shrunk meanwhile is asked for again: somebody had made one at Stripe. One that is owed is asked for
    again later, unless the money went back already, or when a dispute has ended. Of any other the amount is given back.
    """
    payment = observed(payment, made, Cause(cause.id, "stripe"), now)
    known = find(payment, asked.id)
    if known is None or known.status != REQUESTED:
        return payment
    if known.amount_minor != asked.amount_minor:
        return _followed(payment, MoneyBack.SHRUNK, known, now)
    if known.is_owed and not refusal.is_back:
        if refusal.is_disputed and not _has_missed_end(payment):
            waiting = msgspec.structs.replace(known, failure=WAITS, updated_at=now)
            return noted(payment, waiting, WAITS, cause, now)
        return _asked_later(payment, known, refusal.message, cause, now)
    failed = msgspec.structs.replace(known, status="failed", failure=refusal.message)
    changed = told(payment, known, failed, cause, now)
    return changed if refusal.is_back else owed_again(changed, failed, now)


def after_dispute(payment: Payment, cause: Cause, now: Millis) -> Payment:
    """The payment after a dispute has ended: what waited for that is asked for again."""
    for refund in payment.refunds:
        if refund.status == REQUESTED and refund.failure == WAITS:
            again = rekeyed(payment, msgspec.structs.replace(refund, failure=None), now)
            payment = noted(payment, again, AGAIN, Cause(inputs.again(cause.id, refund.id), cause.who), now)
            payment = _followed(payment, MoneyBack.RESUMED, again, now)
    return payment


def newly_keyed(payment: Payment, looked_for: Refund, key: str, now: Millis) -> Payment:
    """The payment with a new idempotency key for one refund; only after looking that the old one made nothing, and
    if it is the old one still: two processes with a new key each would make two refunds."""
    known = find(payment, looked_for.id)
    if known is None or (known.key, known.status) != (looked_for.key, REQUESTED):
        return payment
    return with_refund(payment, msgspec.structs.replace(known, key=key, updated_at=now))


def _too_large(left: int) -> RefundTooLarge:
    return RefundTooLarge(f"{left} minor units are left", leftMinor=left)


def _followed(payment: Payment, happened: MoneyBack, refund: Refund, now: Millis) -> Payment:
    return followed(payment, happened, lambda current, todo: planned(current, todo, now, refund=refund.id))


def _asked_later(payment: Payment, refund: Refund, words: str, cause: Cause, now: Millis) -> Payment:
    times = refund.refusals + 1
    renewed = msgspec.structs.replace(rekeyed(payment, refund, now), failure=words, refusals=times)
    changed = with_refund(payment, renewed)
    if times == 1:  # What is asked for ever must not fill the audit for ever.
        changed = noted(payment, renewed, REFUSED, msgspec.structs.replace(cause, why=words), now)
    at = now + pause_after_refusal(times)

    def again(current: Payment, todo: Todo) -> Effect:
        return effects.refused(current, todo, words, now, at=at, attempts=times, refund=refund.id)

    return followed(changed, MoneyBack.REFUSED, again)


def _has_missed_end(payment: Payment) -> bool:
    """Whether a refusal for a dispute is noted when no more end of one is to be told: it had ended before; or the
    refusal is for a later one, not yet told of."""
    known = {each.status for each in payment.disputes if each.intent_id in (None, payment.intent_id)}
    return bool(known & {"won", "prevented", "lost"}) and not known & {"needs_response", "under_review"}
