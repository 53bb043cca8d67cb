"""Making refunds at Stripe: each effect is carried out until it is done, and twice without harm."""

from typing import Any

from kassa.contracts.inventory import Line
from kassa.contracts.order import Orders
from kassa.contracts.parcels import Aside
from kassa.contracts.payment import StripeRefused
from kassa.kit import inputs
from kassa.kit.audit import Cause
from kassa.kit.clock import Clock
from kassa.kit.documents import Collection, change
from kassa.kit.effects import Effect
from kassa.kit.ids import REFUND, Ids
from kassa.kit.money import to_stripe
from kassa.kit.outbox import Step
from kassa.kit.problem import Problem, Unavailable
from kassa.payment.balance import REQUESTED
from kassa.payment.debts import second_refused
from kassa.payment.domain import Payment, Refund
from kassa.payment.metadata import of_refund, of_second_refund
from kassa.payment.processor import Processor, RefundState, Refused, SavedFailure
from kassa.payment.refund_states import find, observed
from kassa.payment.refunds import KEY_IS_OLD_AFTER, Refusal, newly_keyed, owed, owed_refund, refused

NAME = "payment-service"
GONE_BACK = ("charge_already_refunded",)
"""Refusals that say that the money went back already (Stripe docs: error-codes)."""


class RefundEffects:
    """Carries out what payments want to be given back."""

    def __init__(
        self,
        payments: Collection[Payment],
        orders: Orders,
        processor: Processor,
        ids: Ids,
        clock: Clock,
        shop_id: str,
    ) -> None:
        self._orders = orders
        self._shop_id = shop_id
        self._payments = payments
        self._processor = processor
        self._ids = ids
        self._clock = clock

    async def carry_refund_all(self, payment: Payment, effect: Effect) -> Step[Payment]:
        """No order has the money, or not any more: all that is left of it goes back."""
        reason = next((each.reason for each in payment.refunds if each.is_owed), payment.reason)
        refund, cause = owed_refund(self._ids.new(REFUND), reason, self._clock.now()), Cause(effect.id, NAME, reason)
        return lambda current: owed(current, refund, cause)

    async def carry_refund_second(self, payment: Payment, effect: Effect) -> Step[Payment] | None:
        """Money came a second time: what is left of it goes back. Looked for first, so that a lost answer does no
        harm; and more than all cannot be refunded. A lost dispute has given it back already."""
        intent_id = effect.args["intent"]
        made = await self._made(intent_id)
        held = sum(state.amount for state in made if state.status not in ("failed", "canceled"))
        left = int(effect.args["amount"]) - held
        if left <= 0 or ("lost", intent_id) in {(each.status, each.intent_id) for each in payment.disputes}:
            return None
        metadata = of_second_refund(self._shop_id, payment.order_id)
        params = {"payment_intent": intent_id, "amount": left, "metadata": metadata}
        try:
            await self._processor.refund(params, inputs.second_refund_key(effect.id, effect.attempts))
        except Refused as refusal:
            if refusal.code not in GONE_BACK:
                words = str(refusal)
                return lambda current: second_refused(current, effect, words, self._clock.now())
        return None

    async def carry_refund(self, payment: Payment, effect: Effect) -> Step[Payment] | None:
        """Make one requested refund at Stripe; one of goods after they are set aside."""
        refund = find(payment, effect.args["refund"])
        if refund is None or refund.status != REQUESTED:
            return None
        cause = Cause(effect.id, NAME, "refund made at Stripe")
        clock = self._clock
        if (no := await self._set_aside(payment, refund)) is not None:
            answer = Refusal(str(no))
            return lambda current: refused(current, refund, answer, cause, clock.now())
        try:
            if clock.now() - refund.updated_at > KEY_IS_OLD_AFTER:
                raise SavedFailure
            state = await self._processor.refund(self._params(payment, refund), refund.key)
        except SavedFailure:
            return await self._look_then_rekey(payment, refund, cause)
        except Refused as refusal:
            made = await self._made(str(payment.intent_id))
            answer = Refusal(str(refusal), refusal.code == "charge_disputed", refusal.code in GONE_BACK)
            return lambda current: refused(current, refund, answer, cause, clock.now(), made)
        return lambda current: observed(current, [state], cause, clock.now())

    async def _set_aside(self, payment: Payment, refund: Refund) -> Problem | None:
        """Why the order does not set its goods aside, if it does not."""
        if not refund.lines:
            return None
        pieces = [Line(line.product_id, line.quantity) for line in refund.lines]
        unsent = [Line(line.product_id, line.unsent) for line in refund.lines if line.unsent]
        try:
            await self._orders.set_aside(payment.order_id, refund.id, Aside(pieces, unsent, refund.return_id))
        except Unavailable:
            raise
        except Problem as problem:
            return problem
        return None

    async def _look_then_rekey(self, payment: Payment, refund: Refund, cause: Cause) -> Step[Payment]:
        """The stored call does not work any more: look what it made; only if nothing, store a new key and go on."""
        found = await self._find(payment, refund)
        clock = self._clock
        if found is None:
            key = inputs.refund_key(refund.id, payment.version + 1)
            renewed = await change(self._payments, payment.id, self._rekey_step(refund, key))
            if renewed is None or not any(each.key == key for each in renewed.refunds):
                raise Unavailable("another process is making this refund")
            found = await self._processor.refund(self._params(payment, refund), key)
        state = found
        return lambda current: observed(current, [state], cause, clock.now())

    def _rekey_step(self, refund: Refund, key: str) -> Step[Payment]:
        return lambda current: newly_keyed(current, refund, key, self._clock.now())

    async def _find(self, payment: Payment, refund: Refund) -> RefundState | None:
        made = await self._made(str(payment.intent_id))
        return next((state for state in made if state.metadata.get("refundId") == refund.id), None)

    async def _made(self, intent_id: str) -> list[RefundState]:
        try:
            return await self._processor.refunds(intent_id)
        except Refused as refusal:
            raise StripeRefused(str(refusal)) from refusal

    def _params(self, payment: Payment, refund: Refund) -> dict[str, Any]:
        return {
            "payment_intent": payment.intent_id,
            "amount": to_stripe(refund.amount_minor, payment.currency),
            "metadata": of_refund(self._shop_id, payment.order_id, payment.id, refund.id),
        }
