"""Disputes: a buyer's bank takes money back, or asks about it (Stripe docs: disputes). Kept as Stripe tells them; the
payment's state does not change for them. Pure."""

from collections.abc import Iterable, Sequence

import msgspec

from kassa.kit import inputs
from kassa.kit.audit import Cause, entry
from kassa.kit.clock import Millis, from_unix
from kassa.kit.money import InvalidMoney, from_stripe
from kassa.payment.debts import second_looked_at
from kassa.payment.domain import Dispute, Payment
from kassa.payment.processor import DisputeState
from kassa.payment.refund_states import fitted
from kassa.payment.refunds import after_dispute

# A state never goes back to one of a lower rank: answers about one dispute may be applied out of order. An inquiry
# (warning_…) that was closed can still become a dispute (Stripe docs: disputes/how-disputes-work).
RANK = {
    "warning_needs_response": 0,
    "warning_under_review": 1,
    "warning_closed": 2,
    "needs_response": 3,
    "under_review": 4,
    "prevented": 5,
    "won": 5,
    "lost": 5,
}
WANTS_ANSWER = ("warning_needs_response", "needs_response")
"""The states in which somebody must give evidence until a certain time."""
_WITHDRAWN = ("needs_response", "under_review", "lost")
_ENDED = ("prevented", "won", "lost")


def observed(payment: Payment, states: Sequence[DisputeState], cause: Cause, now: Millis) -> Payment:
    """The payment after Stripe told the states of disputes; the very same object if nothing of that is news."""
    for state in news_of(payment, states):
        payment = _observed(payment, state, cause, now)
    return payment


def news_of(payment: Payment, states: Sequence[DisputeState]) -> list[DisputeState]:
    """Those that are news to the payment."""
    known = {each.id: each.status for each in payment.disputes}
    return [each for each in states if RANK.get(each.status, 0) > RANK.get(known.get(each.id, ""), -1)]


def _observed(payment: Payment, state: DisputeState, cause: Cause, now: Millis) -> Payment:
    known = next((each for each in payment.disputes if each.id == state.id), None)
    seen = Dispute(
        id=state.id,
        intent_id=state.intent_id,
        amount_minor=_minor(state.amount, payment.currency),
        reason=state.reason,
        status=state.status,
        answer_by=from_unix(state.answer_by) if state.answer_by is not None else None,
        created_at=from_unix(state.created),
        updated_at=now,
    )
    others = (each for each in payment.disputes if each.id != state.id)
    what = f"dispute {state.id}: {known.status if known else 'new'} -> {state.status}"
    cause = msgspec.structs.replace(cause, id=inputs.state(cause.id, state.id, state.status), why=state.reason)
    changed = msgspec.structs.replace(
        with_disputes(payment, (*others, seen)),
        updated_at=now,
        audit=(*payment.audit, entry(cause, what, payment.stage, payment.stage, now)),
    )
    return _after_end(changed, state, cause, now) if state.status in _ENDED else changed


def _after_end(payment: Payment, state: DisputeState, cause: Cause, now: Millis) -> Payment:
    if state.intent_id not in (None, payment.intent_id):
        return second_looked_at(payment, str(state.intent_id), now)
    return after_dispute(fitted(payment, cause, now), cause, now)


def withdrawn_minor(payment: Payment) -> int:
    """How much of the payment's money is with the buyer's bank, in minor units: for now, or for good."""
    own = (each for each in payment.disputes if each.intent_id in (None, payment.intent_id))
    return min(payment.taken_minor, sum(each.amount_minor for each in own if each.status in _WITHDRAWN))


def with_disputes(payment: Payment, disputes: Iterable[Dispute]) -> Payment:
    """The payment with these disputes; whether one of them wants an answer is told from them."""
    kept = tuple(sorted(disputes, key=lambda each: each.created_at))
    wants_answer = any(each.status in WANTS_ANSWER for each in kept)
    return msgspec.structs.replace(payment, disputes=kept, is_disputed=bool(kept), wants_evidence=wants_answer)


def _minor(amount: int, currency: str) -> int:
    try:
        return from_stripe(amount, currency)
    except InvalidMoney:
        return amount
