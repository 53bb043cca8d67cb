"""Money that no order knows: paid sessions at Stripe that this shop did not make, or that it has forgotten, as after a
restore. Shown until it was refunded at Stripe, or an operator says that it is not this shop's (docs/adr)."""

from collections.abc import Sequence

import msgspec
import structlog

from kassa.kit.clock import Clock, from_unix
from kassa.kit.documents import Duplicate, change
from kassa.kit.figures import Figures
from kassa.kit.ids import Ids, made_at
from kassa.kit.money import InvalidMoney, from_stripe, major
from kassa.kit.problem import NotFound
from kassa.payment.metadata import order_named, other_shop, payment_named
from kassa.payment.processor import Processor, SessionState
from kassa.payment.store import PaymentStore, UnclaimedMoney

OPEN, REFUNDED, DISMISSED = "open", "refunded", "dismissed"
_GIVEN_BACK = ("failed", "canceled")
MOST_TOLD = 20
MORE = "paid at Stripe without an order that knows of it"
"""Said of those that are not told one by one."""
MOST_REFRESHED = 100
"""Stripe is asked about no more of them at once: an account may have another trade, busier than this shop."""

log = structlog.get_logger()


class Unclaimed:
    """Keeps the list, one entry a session. `shop_id` is ours."""

    def __init__(self, store: PaymentStore, processor: Processor, ids: Ids, clock: Clock, shop_id: str) -> None:
        self.money = store.unclaimed
        self._payments = store.payments
        self._processor = processor
        self._ids = ids
        self._clock = clock
        self.figures = Figures(clock)
        self._shop_id = shop_id
        self._since = made_at(shop_id)

    async def of(self, sessions: Sequence[SessionState]) -> list[SessionState]:
        """Those of the sessions that were paid to this account, and that neither a payment nor another shop knows."""
        paid = [session for session in sessions if self._may_be(session)]
        named = {payment_id for each in paid if (payment_id := payment_named(each.metadata))}
        known = {payment.id for payment in await self._payments.many(sorted(named))}
        return [session for session in paid if payment_named(session.metadata) not in known]

    def _may_be(self, session: SessionState) -> bool:
        # What was paid before this shop was there, and names no order, was never meant for it.
        is_late = payment_named(session.metadata) is not None or from_unix(session.created) >= self._since
        is_paid = (session.mode, session.payment_status) == ("payment", "paid") and session.amount_total > 0
        return is_paid and is_late and other_shop(session.metadata, self._shop_id) is None

    async def take(self, session: SessionState) -> None:
        """Put it on the list; it stays as it is if it is there."""
        money = UnclaimedMoney(
            id=session.id,
            sequence=self._ids.new("unc"),
            intent_id=session.intent_id,
            amount=session.amount_total,
            currency=session.currency,
            order_id=order_named(session.metadata) or "",
            status=OPEN,
            paid_at=from_unix(session.created),
            changed_at=self._clock.now(),
        )
        try:
            await self.money.insert(money)
        except Duplicate:
            return
        log.warning("money that no order knows", session=session.id, amount=money.amount, currency=money.currency)

    async def look_at(self, session_id: str) -> None:
        """A session was paid that no payment is known of."""
        for session in await self.of([await self._processor.session(session_id)]):
            await self.take(session)

    async def refresh_newest(self) -> list[UnclaimedMoney]:
        """What is left on the list, the newest first; some of it may have been refunded unheard."""
        newest = await self.money.find({"status": OPEN}, limit=MOST_REFRESHED)
        return [money for each in newest if (money := await self.refresh(each)).status == OPEN]

    async def refresh(self, money: UnclaimedMoney) -> UnclaimedMoney:
        """Take it off the list if all of it was refunded at Stripe."""
        made = await self._processor.refunds(money.intent_id) if money.intent_id else []
        refunded = sum(refund.amount for refund in made if refund.status not in _GIVEN_BACK)
        return await self._become(money.id, REFUNDED, "stripe") if refunded >= money.amount else money

    async def refresh_of(self, intent_id: str) -> None:
        """Something was refunded of a PaymentIntent that no payment is known of."""
        for money in await self.money.find({"intent_id": intent_id, "status": OPEN}, limit=1):
            await self.refresh(money)

    async def dismiss(self, session_id: str, who: str) -> UnclaimedMoney:
        """An operator has seen to it: it is not this shop's money. NotFound."""
        return await self._become(session_id, DISMISSED, who)

    async def _become(self, session_id: str, status: str, who: str) -> UnclaimedMoney:
        now = self._clock.now()

        def ended(money: UnclaimedMoney) -> UnclaimedMoney:
            if money.status != OPEN:
                return money
            return msgspec.structs.replace(money, status=status, ended_by=who, changed_at=now)

        money = await change(self.money, session_id, ended)
        if money is None:
            raise NotFound(f"there is no unclaimed money of session {session_id[:64]}")
        return money


def in_words(money: UnclaimedMoney) -> str:
    """What is wrong about it."""
    try:
        amount = str(major(from_stripe(money.amount, money.currency), money.currency))
    except InvalidMoney:
        amount = str(money.amount)
    of = f" for {money.order_id}, which is not here" if money.order_id else ", and no order knows of it"
    return f"{amount} {money.currency.upper()} was paid at Stripe{of}"
