"""How much those of the staff refund who may not refund any amount: so much at once, and so much a day."""

from contextlib import suppress
from decimal import Decimal

import msgspec

from kassa.contracts.payment import RefundOverLimit
from kassa.kit import inputs
from kassa.kit.clock import DAY, Clock, day_of
from kassa.kit.documents import Collection, CollectionSpec, Document, Duplicate, change, remove_due
from kassa.kit.money import major, minor
from kassa.payment.balance import GIVEN_BACK
from kassa.payment.domain import Payment


class Refunded(Document, frozen=True, kw_only=True):
    """What one of the staff has refunded on one UTC day, in minor units, by refund; and of which payments."""

    amounts: dict[str, int]
    payments: tuple[str, ...] = ()


ALLOWANCES = CollectionSpec("refund_allowances", Refunded)


class Allowances:
    """What may be refunded at once, and on one UTC day by one of the staff, given in whole major units."""

    def __init__(
        self,
        days: Collection[Refunded],
        payments: Collection[Payment],
        clock: Clock,
        currency: str,
        at_once: int,
        a_day: int,
    ) -> None:
        self._days = days
        self._payments = payments
        self._clock = clock
        self._currency = currency
        self._at_once = minor(Decimal(at_once), currency)
        self._a_day = minor(Decimal(a_day), currency)

    async def take(self, who: str, payment_id: str, refund_id: str, amount_minor: int) -> str:
        """Hold the amount for this refund, once, also where several ask at the same time; returns what to give it back
        by. What Stripe has not refunded after all is held no longer. RefundOverLimit, and nothing is held."""
        if amount_minor > self._at_once:
            raise RefundOverLimit(f"you may refund up to {self._shown(self._at_once)} at once: ask an administrator")
        now = self._clock.now()
        id = inputs.refund_day(who, day_of(now))
        with suppress(Duplicate):
            await self._days.insert(Refunded(id=id, amounts={}, due_at=now + 2 * DAY))
        failed = await self._failed(id)

        def step(day: Refunded) -> Refunded:
            if refund_id in day.amounts:
                return day
            amounts = {key: amount for key, amount in day.amounts.items() if key not in failed}
            left = self._a_day - sum(amounts.values())
            if amount_minor > left:
                told = f"{self._shown(max(0, left))} is left of {self._shown(self._a_day)}"
                raise RefundOverLimit(f"of what you may refund a day {told}: ask an administrator")
            payments = tuple(dict.fromkeys((*day.payments, payment_id)))
            return msgspec.structs.replace(day, amounts={**amounts, refund_id: amount_minor}, payments=payments)

        await change(self._days, id, step)
        return id

    async def give_back(self, id: str, refund_id: str) -> None:
        """The refund came to nothing: it does not count."""

        def step(day: Refunded) -> Refunded:
            kept = {key: amount for key, amount in day.amounts.items() if key != refund_id}
            return msgspec.structs.replace(day, amounts=kept)

        await change(self._days, id, step)

    async def remove_old(self) -> int:
        """Remove the days that are over; return how many."""
        return await remove_due(self._days, self._clock)

    async def _failed(self, id: str) -> set[str]:
        """The refunds of the day's payments that came to nothing; none of them can be made any more."""
        day = await self._days.get(id)
        payments = await self._payments.many(day.payments) if day else []
        return {refund.id for payment in payments for refund in payment.refunds if refund.status in GIVEN_BACK}

    def _shown(self, amount_minor: int) -> str:
        return f"{major(amount_minor, self._currency)} {self._currency}"
