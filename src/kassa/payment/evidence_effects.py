"""Sending answers to disputes: each is carried out until Stripe has taken it or refused it, and twice without harm."""

from typing import Any

from kassa.contracts.payment import StripeKeyRefused
from kassa.kit import inputs
from kassa.kit.audit import Cause
from kassa.kit.clock import Clock, from_unix
from kassa.kit.documents import Collection, change
from kassa.kit.effects import Effect
from kassa.kit.outbox import Step
from kassa.kit.problem import Unavailable
from kassa.payment.disputes import WANTS_ANSWER
from kassa.payment.domain import Evidence, Payment
from kassa.payment.evidence import REQUESTED, is_inquiry, newly_keyed, refused, sent
from kassa.payment.metadata import EVIDENCE_KEY, of_evidence
from kassa.payment.processor import DisputeState, Processor, Refused, SavedFailure
from kassa.payment.refunds import KEY_IS_OLD_AFTER

NAME = "payment-service"


class _MayNot(Exception):
    """The key lacks the right. Nothing is done; who confirmed the answer is told."""


class EvidenceEffects:
    """Carries out what payments want to be answered."""

    def __init__(self, payments: Collection[Payment], processor: Processor, clock: Clock, shop_id: str) -> None:
        self._payments = payments
        self._processor = processor
        self._clock = clock
        self._shop_id = shop_id

    async def answer(self, payment: Payment, effect: Effect) -> Step[Payment] | None:
        """Send one answer. Looked at first: Stripe may take a second answer to a dispute, and counts it then; so
        nothing is sent for a dispute that was answered, by the last try or in the dashboard."""
        evidence = next((each for each in payment.evidence if each.id == effect.args["evidence"]), None)
        if evidence is None or evidence.status != REQUESTED:
            return None
        cause, now = Cause(effect.id, NAME), self._clock.now
        try:
            state = await self._processor.dispute_state(evidence.dispute_id)
            if _is_in(state, evidence):
                return lambda current: sent(current, evidence.id, state, cause, now())
            if words := self._why_not(state, evidence):
                return lambda current: refused(current, evidence.id, words, cause, now(), state)
            after = await self._send(payment, evidence)
        except (Refused, _MayNot) as refusal:
            answer = str(refusal)
            return lambda current: refused(current, evidence.id, answer, cause, now())
        return lambda current: sent(current, evidence.id, after, cause, now())

    async def _send(self, payment: Payment, evidence: Evidence) -> DisputeState:
        params: dict[str, Any] = {
            "evidence": dict(evidence.fields),
            "metadata": of_evidence(self._shop_id, payment.order_id, payment.id, evidence.id),
            "submit": True,
        }
        try:
            if self._clock.now() - evidence.keyed_at > KEY_IS_OLD_AFTER:
                raise SavedFailure
            return await self._processor.answer_dispute(evidence.dispute_id, params, evidence.key)
        except SavedFailure:
            # By that key nothing is sent any more. The next try looks whether something was, and if not has a new one.
            key = inputs.evidence_key(evidence.id, payment.version + 1)
            await change(self._payments, payment.id, lambda now: newly_keyed(now, evidence, key, self._clock.now()))
            raise Unavailable("Stripe has not said whether it took the answer: it is asked once more") from None
        except StripeKeyRefused as refused_key:
            raise _MayNot(
                f"The shop's Stripe key may not answer disputes: give it the right Disputes (write) and confirm once "
                f"more, or answer in Stripe's dashboard. {refused_key.detail}"
            ) from refused_key

    def _why_not(self, state: DisputeState, evidence: Evidence) -> str:
        if state.status not in WANTS_ANSWER or is_inquiry(state.status) != evidence.of_inquiry:
            words = state.status.replace("_", " ")
            return (
                f"Nothing was sent: the dispute is {words} at Stripe. It was answered in the dashboard, or has moved on"
            )
        if not state.answer_by or from_unix(state.answer_by) <= self._clock.now():
            return "Nothing was sent: the time to answer was over before Stripe could be reached"
        if state.has_evidence and not state.submissions:
            return (
                "Nothing was sent: an answer was begun in Stripe's dashboard, and would have been sent with this one. "
                "Send it there, or empty it there and confirm once more"
            )
        return ""


def _is_in(state: DisputeState, evidence: Evidence) -> bool:
    """Whether Stripe has taken this very answer: it is written on the dispute together with it."""
    return state.metadata.get(EVIDENCE_KEY) == evidence.id
