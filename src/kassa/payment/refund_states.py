"""What Stripe tells of refunds, and what becomes of the payment and of its other refunds with it. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import TypeAlias

import msgspec

from kassa.kit import inputs
from kassa.kit.audit import Cause, entry
from kassa.kit.clock import Millis
from kassa.kit.effects import Effect, planned, without
from kassa.kit.money import from_stripe
from kassa.payment.balance import GIVEN_BACK, REQUESTED, followed, held_minor, lost_minor, owed_minor
from kassa.payment.debts import owed_again, second_observed
from kassa.payment.domain import MoneyBack, Payment, Refund, Todo
from kassa.payment.processor import RefundState

# A state never goes back to one of a lower rank: answers about one refund may be applied out of order. A refund
# that succeeded can still fail (Stripe docs: refunds).
RANK = {REQUESTED: 0, "pending": 1, "requires_action": 2, "succeeded": 3, "failed": 4, "canceled": 4}

MOST_KNOWN = 1_000
"""How many refunds of a payment are taken in, with those made at Stripe: its document must not grow without end."""

LESS, GONE = "is of what is left now", "is not needed: the money has gone back otherwise"

Change: TypeAlias = tuple[Refund, Refund]
"""A refund before and after some news."""


def observed(payment: Payment, states: Sequence[RefundState], cause: Cause, now: Millis) -> Payment:
    """The payment after Stripe told the states of refunds: of ours, by their metadata, and of those made at Stripe; the
    very same object if nothing of that is news. Those that it has no room for are not taken in: see `left_out`."""
    if changes := list(_changes(payment, states, now)):
        payment = _told(payment, changes, cause, now)
    for state in states:
        if not _is_own(payment, state):
            payment = second_observed(payment, state, now)
    return payment


def news_of(payment: Payment, states: Sequence[RefundState]) -> list[RefundState]:
    """Those of the payment's own that are news to it, or that it has no room for."""
    news = {after.stripe_id for _, after in _changes(payment, states, 0)}
    news |= {state.id for state in left_out(payment, states)}
    return [state for state in states if state.id in news]


def left_out(payment: Payment, states: Sequence[RefundState]) -> list[RefundState]:
    """Those of the payment's own that it does not know: once they are observed, because it has no room for them."""
    known, by_stripe = _known(payment)
    return [each for each in states if _is_own(payment, each) and _id_of(each, known, by_stripe) not in known]


def fitted(payment: Payment, cause: Cause, now: Millis) -> Payment:
    """The payment after some of its money has gone back: what it still waits for is no more than what is left.

    A refund of all that was left, which Stripe has not made, cannot be made any more as it is: it shrinks, or ends.
    """
    for refund in payment.refunds:
        if refund.status == REQUESTED and refund.is_of_all:
            payment = _fitted(payment, refund, Cause(inputs.less(cause.id, refund.id), cause.who, cause.why), now)
    if owed_minor(payment) == 0 and any(_asks_for_all(effect) for effect in payment.effects):
        payment = without(payment, _asks_for_all, now)
    return payment


def find(payment: Payment, refund_id: str) -> Refund | None:
    """The refund by its id."""
    return next((refund for refund in payment.refunds if refund.id == refund_id), None)


def failure_of(payment: Payment, refund: Refund) -> str | None:
    """Why the refund has failed, or was refused the last time and waits; None else. For want of a right too, of which
    the refund itself does not know: that decides nothing about it."""
    waiting = (each for each in payment.effects if each.is_refused and each.done_at is None and _makes(each, refund))
    return next((each.error for each in waiting), refund.failure)


def with_refund(payment: Payment, refund: Refund) -> Payment:
    """The payment with a refund in place of the one with the same id."""
    kept = tuple(refund if each.id == refund.id else each for each in payment.refunds)
    return msgspec.structs.replace(payment, refunds=kept)


def rekeyed(payment: Payment, refund: Refund, now: Millis) -> Refund:
    """The refund under a new key, for Stripe has saved what it answered under the old one."""
    return msgspec.structs.replace(refund, key=inputs.refund_key(refund.id, payment.version + 1), updated_at=now)


def noted(payment: Payment, refund: Refund, what: str, cause: Cause, now: Millis) -> Payment:
    """The payment with a refund in place of the one with the same id, and an audit entry that says what happened."""
    told = entry(cause, f"refund {refund.id}: {what}", payment.stage, payment.stage, now)
    return msgspec.structs.replace(with_refund(payment, refund), updated_at=now, audit=(*payment.audit, told))


def told(payment: Payment, before: Refund, after: Refund, cause: Cause, now: Millis) -> Payment:
    """The payment with a refund in another state, of which the order hears."""
    changed = noted(payment, after, f"{before.status} -> {after.status}", cause, now)
    return _noting(changed, [(before, after)], now)


def _changes(payment: Payment, states: Iterable[RefundState], now: Millis) -> Iterator[Change]:
    """What of the payment's own is news to it; each looked up once, for there may be a thousand."""
    known, by_stripe = _known(payment)
    for state in states:
        if not _is_own(payment, state):
            continue
        before = known.get(_id_of(state, known, by_stripe))
        if before is None:
            if len(known) >= MOST_KNOWN:
                continue
            before = _from_stripe(payment, state, now)
        # What Stripe has not made yet, as far as is known, has no state there: whatever Stripe says is news.
        elif before.stripe_id is not None and RANK.get(state.status, 0) <= RANK.get(before.status, 0):
            continue
        after = _after(before, state, now)
        known[after.id], by_stripe[state.id] = after, after.id
        yield before, after


def _told(payment: Payment, changes: list[Change], cause: Cause, now: Millis) -> Payment:
    """The payment with these changes of its refunds, and what follows: all in one step, however many."""
    refunds = {refund.id: refund for refund in payment.refunds} | {after.id: after for _, after in changes}
    causes = [_cause_of(cause, after) for _, after in changes]
    entries = [
        entry(each, f"refund {after.id}: {before.status} -> {after.status}", payment.stage, payment.stage, now)
        for each, (before, after) in zip(causes, changes, strict=True)
    ]
    payment = msgspec.structs.replace(
        payment, refunds=tuple(refunds.values()), updated_at=now, audit=(*payment.audit, *entries)
    )
    payment = _noting(payment, changes, now)
    for _, after in changes:
        payment = owed_again(payment, after, now)
    return fitted(payment, causes[-1], now)


def _noting(payment: Payment, changes: list[Change], now: Millis) -> Payment:
    """The payment with what tells its order of these refunds: of each that brings goods back by itself, of the others
    once for each state."""
    for note in dict.fromkeys(_note_of(*change) for change in changes):
        payment = followed(payment, MoneyBack.TOLD, partial(_planned, note=note, now=now))
    for before, after in changes:
        if after.lines and after.status in GIVEN_BACK and before.status not in GIVEN_BACK:
            payment = followed(payment, MoneyBack.GOODS_FREED, partial(_freeing, refund=after, now=now))
    return payment


def _freeing(payment: Payment, todo: Todo, refund: Refund, now: Millis) -> Effect:
    return planned(payment, todo, now, refund=refund.id)


def _planned(payment: Payment, todo: Todo, note: tuple[str, str, str], now: Millis) -> Effect:
    restock, refund_id, status = note
    return planned(payment, todo, now, restock=restock, refund=refund_id, status=status)


def _note_of(before: Refund, after: Refund) -> tuple[str, str, str]:
    brings = after.is_restocked and not before.is_restocked
    restock = "yes" if after.restock and after.status not in GIVEN_BACK else "no"
    return restock, after.id if brings else "", after.status


def _after(before: Refund, state: RefundState, now: Millis) -> Refund:
    """The refund in its state at Stripe; with the first in which Stripe has taken it on its pieces come back."""
    is_restocked = before.is_restocked or (bool(before.items) and state.status not in GIVEN_BACK)
    return msgspec.structs.replace(
        before,
        status=state.status,
        stripe_id=state.id,
        failure=state.failure_reason,
        is_restocked=is_restocked,
        updated_at=now,
    )


def _fitted(payment: Payment, refund: Refund, cause: Cause, now: Millis) -> Payment:
    lost = lost_minor(payment) if refund.is_owed else 0
    left = payment.taken_minor - held_minor(payment) + refund.amount_minor - lost
    if left >= refund.amount_minor:
        return payment
    if left > 0:
        shrunk = msgspec.structs.replace(refund, amount_minor=left)
        return noted(payment, rekeyed(payment, shrunk, now), LESS, cause, now)
    ended = msgspec.structs.replace(refund, status="canceled", failure=GONE, updated_at=now)
    changed = noted(payment, ended, GONE, cause, now)
    return without(changed, lambda effect: _makes(effect, refund), now)


def _makes(effect: Effect, refund: Refund) -> bool:
    return effect.kind == Todo.REFUND and effect.args["refund"] == refund.id


def _asks_for_all(effect: Effect) -> bool:
    """Whether it waits to ask again for all that is owed."""
    return effect.kind == Todo.REFUND_ALL and effect.is_refused and effect.done_at is None


def _is_own(payment: Payment, state: RefundState) -> bool:
    return state.intent_id in (None, payment.intent_id)


def _known(payment: Payment) -> tuple[dict[str, Refund], dict[str, str]]:
    """The refunds by their ids, and these by those at Stripe."""
    by_stripe = {refund.stripe_id: refund.id for refund in payment.refunds if refund.stripe_id is not None}
    return {refund.id: refund for refund in payment.refunds}, by_stripe


def _id_of(state: RefundState, known: dict[str, Refund], by_stripe: dict[str, str]) -> str:
    ours = state.metadata.get("refundId", "")
    return ours if ours in known else by_stripe.get(state.id, "")


def _cause_of(cause: Cause, told: Refund) -> Cause:
    why = cause.why or f"refund is {told.status}"
    return msgspec.structs.replace(cause, id=inputs.state(cause.id, str(told.stripe_id), told.status), why=why)


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
