"""What Stripe keeps of payments. It is asked when somebody of the staff looks, and never on the way of an order; what
it has said once stays as it is, and is remembered."""

import asyncio

from kassa.contracts.payment import StripeUnreachable
from kassa.kit.money import EXPONENTS, InvalidMoney, from_stripe
from kassa.payment.processor import FeeState, Processor

MOST = 1_000
PATIENCE_SECONDS = 3.0
"""A page waits for it, which has more to show."""


class Fees:
    """By PaymentIntent; the newest are remembered."""

    def __init__(self, processor: Processor) -> None:
        self._processor = processor
        self._known: dict[str, FeeState] = {}

    async def of(self, intent_id: str) -> FeeState | None:
        """The fee and what is left, in minor units; None until Stripe has reckoned them. StripeUnreachable,
        StripeKeyRefused."""
        if intent_id in self._known:
            return self._known[intent_id]
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                told = await self._processor.fee(intent_id)
        except TimeoutError:
            raise StripeUnreachable("Stripe takes long to say what its fee was") from None
        return None if told is None else self._remembered(intent_id, _in_minor_units(told))

    def _remembered(self, intent_id: str, fee: FeeState) -> FeeState:
        if len(self._known) >= MOST:
            del self._known[next(iter(self._known))]
        self._known[intent_id] = fee
        return fee


def _in_minor_units(told: FeeState) -> FeeState:
    try:
        if told.currency not in EXPONENTS:
            raise InvalidMoney(f"{told.currency} is no currency that is known here")
        return FeeState(from_stripe(told.fee, told.currency), from_stripe(told.net, told.currency), told.currency)
    except InvalidMoney as error:
        raise StripeUnreachable(f"Stripe's fee could not be understood: {error}") from error
