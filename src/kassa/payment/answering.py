"""Answering disputes: what can be said, from what is stored; and what somebody has confirmed, stored and then sent."""

from collections.abc import Mapping

from kassa.contracts.facts import Facts
from kassa.contracts.payment import DisputeNotAnswerable
from kassa.kit.audit import Cause
from kassa.kit.problem import Invalid, NotFound
from kassa.kit.wire import request_id
from kassa.payment.domain import Dispute, Evidence, Payment
from kassa.payment.evidence import confirmed, dispute_of, evidence_of, why_not
from kassa.payment.evidence_draft import Draft, draft
from kassa.payment.evidence_fields import checked
from kassa.payment.settling import Settling


class Answers:
    """How disputes are answered."""

    def __init__(self, settling: Settling, facts: Facts) -> None:
        self._settling = settling
        self._facts = facts

    async def drafted(self, payment: Payment, dispute_id: str) -> tuple[Draft, str]:
        """What can be said to a dispute of the payment; and why it cannot be answered, empty if it can. NotFound."""
        dispute = _dispute(payment, dispute_id)
        facts = await self._facts.facts_of(payment.order_id)
        return draft(payment, dispute, facts), why_not(payment, dispute, self._settling.clock.now())

    async def answer(
        self,
        payment: Payment,
        dispute_id: str,
        evidence_id: str,
        fields: Mapping[str, str],
        amount_minor: int,
        *,
        who: str,
    ) -> tuple[Payment, Evidence]:
        """Send these fields for the dispute, which is of so much, in minor units: once for the evidence id. They are
        stored first; Stripe is called now and, if it cannot be reached, again and again. DisputeNotAnswerable,
        Invalid, NotFound."""
        dispute = _dispute(payment, dispute_id)
        if amount_minor != dispute.amount_minor:
            raise Invalid.field("amountMinor", f"is not what the dispute is about: that is {dispute.amount_minor}")
        texts = checked(fields)
        cause, clock = Cause(evidence_id, who, "", request_id.get()), self._settling.clock

        def step(current: Payment) -> Payment:
            return confirmed(current, dispute_id, evidence_id, texts, cause, clock.now())

        after = await self._settling.outbox.see_through(payment.id, step) or payment
        made = evidence_of(after, dispute_id)
        if made is None or made.id != evidence_id:
            raise DisputeNotAnswerable("another answer was confirmed meanwhile")
        return after, made


def _dispute(payment: Payment, dispute_id: str) -> Dispute:
    dispute = dispute_of(payment, dispute_id)
    if dispute is None:
        raise NotFound(f"the payment of order {payment.order_id} has no dispute {dispute_id[:64]}")
    return dispute
