"""Evidence: what somebody of the staff has confirmed to be sent for a dispute, once, and what became of it. Pure."""

from collections.abc import Mapping

import msgspec

from kassa.contracts.payment import DisputeNotAnswerable
from kassa.kit import inputs
from kassa.kit.audit import Cause, entry
from kassa.kit.clock import Millis, rfc3339
from kassa.kit.effects import Effect, has_seen, planned, with_todos
from kassa.payment.disputes import WANTS_ANSWER, observed
from kassa.payment.domain import ANSWERING, Answering, Dispute, Evidence, Payment, Todo
from kassa.payment.evidence_fields import named
from kassa.payment.processor import DisputeState

REQUESTED, SENT, REFUSED = "requested", "sent", "refused"
RANK = {REQUESTED: 0, SENT: 1, REFUSED: 1}
"""An answer goes from one state to one further down, once."""
MOST_ATTEMPTS = 20
"""How often an answer to one dispute may be confirmed: each leaves an entry in the audit."""


def is_inquiry(status: str) -> bool:
    """Whether a dispute in this state is an inquiry, before any money is taken back (Stripe docs: disputes)."""
    return status.startswith("warning_")


def dispute_of(payment: Payment, dispute_id: str) -> Dispute | None:
    """The dispute by its id."""
    return next((each for each in payment.disputes if each.id == dispute_id), None)


def evidence_of(payment: Payment, dispute_id: str) -> Evidence | None:
    """The last answer that was confirmed for a dispute."""
    return next((each for each in payment.evidence if each.dispute_id == dispute_id), None)


def why_not(payment: Payment, dispute: Dispute, now: Millis) -> str:
    """Why the dispute cannot be answered (any more); empty if it can."""
    known = evidence_of(payment, dispute.id)
    if known is not None and known.status == REQUESTED:
        return "an answer is confirmed already, and on its way to Stripe"
    if dispute.status not in WANTS_ANSWER:
        return f"the dispute is {dispute.status.replace('_', ' ')}, and takes no answer"
    if known is not None and known.status == SENT and known.of_inquiry == is_inquiry(dispute.status):
        return "it was answered, and can be answered once"
    if not dispute.answer_by:
        return "the buyer's bank takes no answer to it"
    if dispute.answer_by <= now:
        return f"the time to answer was over at {rfc3339(dispute.answer_by)}"
    if known is not None and known.attempt >= MOST_ATTEMPTS:
        return f"an answer was refused {MOST_ATTEMPTS} times: answer it in Stripe's dashboard"
    return ""


def confirmed(
    payment: Payment, dispute_id: str, evidence_id: str, fields: Mapping[str, str], cause: Cause, now: Millis
) -> Payment:
    """The payment with an answer to a dispute, and the effect that sends it. DisputeNotAnswerable: nothing is changed.
    One that was refused before gives way to it; that it was confirmed stays in the audit."""
    if has_seen(payment, cause.id):
        return payment
    dispute, known = dispute_of(payment, dispute_id), evidence_of(payment, dispute_id)
    if dispute is None or (why := why_not(payment, dispute, now)):
        raise DisputeNotAnswerable(why if dispute is not None else "the payment has no such dispute")
    evidence = Evidence(
        id=evidence_id,
        dispute_id=dispute_id,
        of_inquiry=is_inquiry(dispute.status),
        fields=dict(fields),
        who=cause.who,
        key=inputs.evidence_key(evidence_id),
        keyed_at=now,
        status=REQUESTED,
        attempt=known.attempt + 1 if known is not None else 1,
        asked_at=now,
        updated_at=now,
    )
    told = msgspec.structs.replace(cause, why=named(fields))
    before = known.status if known is not None else "new"
    changed = _with(payment, evidence, told, f"{before} -> {REQUESTED}", now)

    def plan(current: Payment, todo: Todo) -> Effect:
        return planned(current, todo, now, evidence=evidence_id)

    return with_todos(changed, ANSWERING[Answering.CONFIRMED], plan)


def sent(payment: Payment, evidence_id: str, state: DisputeState, cause: Cause, now: Millis) -> Payment:
    """The payment after Stripe has taken the answer on, with the state of the dispute that it told."""
    return observed(_ended(payment, evidence_id, SENT, "", cause, now), [state], Cause(cause.id, "stripe"), now)


def refused(
    payment: Payment, evidence_id: str, words: str, cause: Cause, now: Millis, state: DisputeState | None = None
) -> Payment:
    """The payment after it came out that the answer is not taken: it has no effect, and may be confirmed anew."""
    changed = _ended(payment, evidence_id, REFUSED, words, cause, now)
    return changed if state is None else observed(changed, [state], Cause(cause.id, "stripe"), now)


def newly_keyed(payment: Payment, looked_for: Evidence, key: str, now: Millis) -> Payment:
    """The payment with a new idempotency key for the answer; only after looking that nothing was sent by the old one,
    and if it is the old one still."""
    known = _find(payment, looked_for.id)
    if known is None or (known.key, known.status) != (looked_for.key, REQUESTED):
        return payment
    return _replaced(payment, msgspec.structs.replace(known, key=key, keyed_at=now))


def without_texts(payment: Payment) -> tuple[Evidence, ...]:
    """The payment's answers without what they tell of the buyer. What is still to be sent is sent as it was confirmed,
    and forgotten with that."""
    return tuple(
        msgspec.structs.replace(each, is_forgotten=True, fields=each.fields if each.status == REQUESTED else {})
        for each in payment.evidence
    )


def _ended(payment: Payment, evidence_id: str, status: str, words: str, cause: Cause, now: Millis) -> Payment:
    known = _find(payment, evidence_id)
    if known is None or known.status != REQUESTED:
        return payment
    fields = {} if known.is_forgotten else known.fields
    after = msgspec.structs.replace(known, status=status, failure=words[:500], fields=fields, updated_at=now)
    told = msgspec.structs.replace(cause, why=words[:500])
    return _with(payment, after, told, f"{REQUESTED} -> {status}", now)


def _with(payment: Payment, evidence: Evidence, cause: Cause, what: str, now: Millis) -> Payment:
    told = entry(cause, f"evidence {evidence.dispute_id}: {what}", payment.stage, payment.stage, now)
    changed = _replaced(payment, evidence)
    return msgspec.structs.replace(changed, updated_at=now, audit=(*payment.audit, told))


def _replaced(payment: Payment, evidence: Evidence) -> Payment:
    others = (each for each in payment.evidence if each.dispute_id != evidence.dispute_id)
    return msgspec.structs.replace(payment, evidence=(*others, evidence))


def _find(payment: Payment, evidence_id: str) -> Evidence | None:
    return next((each for each in payment.evidence if each.id == evidence_id), None)
