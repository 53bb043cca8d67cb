"""The payment service: opens sessions, settles what Stripe says, closes."""

from collections.abc import Sequence

from kassa.contracts.order import Orders
from kassa.contracts.payment import Closing, DisputedOrder, DisputedPage, PaymentRecord, StripeRefused
from kassa.kit import inputs
from kassa.kit.access import Permission
from kassa.kit.audit import Cause, TimelineEntry
from kassa.kit.clock import Clock
from kassa.kit.documents import change
from kassa.kit.figures import Figures
from kassa.kit.idempotency import Idempotency
from kassa.kit.identity import Principal
from kassa.kit.ids import ORDER, Ids, is_id
from kassa.kit.inputs import payment_id_of
from kassa.kit.outbox import Outbox
from kassa.kit.problem import NotFound, Unavailable
from kassa.kit.wire import request_id
from kassa.payment import disputes, listing, personal
from kassa.payment.checkout import Checkout
from kassa.payment.domain import UNSETTLED, Decline, Input, Kind, Payment, Stage
from kassa.payment.fees import Fees
from kassa.payment.history import history
from kassa.payment.processor import DisputeState, Processor, Refused, unknown_session
from kassa.payment.refunding import Refunding
from kassa.payment.settling import Settling
from kassa.payment.store import PaymentStore

MOST_EVENTS = 500


class PaymentService(Settling):
    """Satisfies contracts.payment.Payments. `ends_on_decline`: PAYMENT_DECLINE_POLICY is `cancel`.

    `frontend_url` is where Stripe sends the buyer back to; `shop_id` what all objects at Stripe are marked with;
    `answers` are those that idempotency keys have been given.
    """

    def __init__(
        self,
        store: PaymentStore,
        outbox: Outbox[Payment],
        orders: Orders,
        processor: Processor,
        ids: Ids,
        clock: Clock,
        frontend_url: str,
        *,
        shop_id: str,
        ends_on_decline: bool,
        answers: Idempotency | None = None,
    ) -> None:
        super().__init__(store.payments, outbox, clock, shop_id)
        self.figures = Figures(clock)
        self._events = store.events
        self._answers = answers
        self._processor = processor
        self._ends_on_decline = ends_on_decline
        self.checkout = Checkout(self, orders, processor, frontend_url)
        self.refunding = Refunding(self, orders, ids)
        self.fees = Fees(processor)

    async def note_decline(self, payment_id: str, session_id: str, decline: Decline, input_id: str) -> None:
        """A card was declined. The session may have been paid since, with another card: it is looked at first."""
        session = await self._processor.session(session_id)
        await self.settle(payment_id, session, input_id)
        kind = Kind.DECLINED if self._ends_on_decline else Kind.DECLINED_ONCE
        cause = Cause(input_id, "stripe", decline.message, request_id.get())
        await self.hear(payment_id, Input(kind, cause, session, decline, "payment_declined"))

    async def observe_disputes(self, payment_id: str, states: Sequence[DisputeState], input_id: str) -> None:
        """Apply disputes as fetched from Stripe."""
        cause, now = Cause(input_id, "stripe", request_id=request_id.get()), self.clock.now()
        await self.advance(payment_id, lambda current: disputes.observed(current, states, cause, now))

    # What the order service calls (contracts.payment.Payments)

    async def close(self, order_id: str) -> Closing:
        """See contracts.payment.Payments."""
        payment = await self.of_order(order_id)
        if payment is None:
            payment = await self.checkout.insert_closed(order_id)
        if payment.stage is Stage.CREATED:
            payment = await self._complete_or_close(payment)
        if payment.stage is Stage.INITIATED:
            payment = await self._expire(payment)
        if payment.stage is Stage.PROCESSING:
            return Closing("processing")
        if payment.stage in UNSETTLED:
            raise Unavailable("Stripe has not said yet that the session is over")
        return Closing("paid" if payment.stage is Stage.SUCCESS else "closed")

    async def refund_late(self, order_id: str, reason: str) -> None:
        """See contracts.payment.Payments."""
        await self.refunding.refund_all(order_id, reason or "late_payment", inputs.late_money(order_id))

    async def _complete_or_close(self, payment: Payment) -> Payment:
        try:
            return await self.checkout.complete(payment.id)
        except StripeRefused:
            # Looked for and not there, and Stripe takes no new one: there is nothing that could be paid.
            cause = Cause(inputs.close(payment.order_id), "order-service", "never opened", request_id.get())
            news = Input(Kind.NEVER_OPENED, cause, reason="closed_before_payment")
            return await self.hear(payment.id, news)

    async def _expire(self, payment: Payment) -> Payment:
        """Stripe arbitrates: only what it says is applied, whether our call ended the session or found it ended."""
        session_id = str(payment.session_id)
        try:
            session = await self._processor.expire_session(session_id)
        except Refused as refused:
            if refused.status != 400:
                raise unknown_session(session_id, refused) from refused
            session = await self._processor.session(session_id)
        return await self.settle(payment.id, session, inputs.closed(session.id), "order-service")

    async def hand_over(self, order_id: str, user_id: str) -> None:
        """See contracts.payment.Payments."""
        if await self.of_order(order_id) is not None:
            cause = Cause(inputs.claim(order_id), "order-service", "claimed", request_id.get())
            await self.hear(payment_id_of(order_id), Input(Kind.CLAIMED, cause, user_id=user_id))

    async def history(self, order_id: str) -> list[TimelineEntry]:
        """See contracts.payment.Payments."""
        payment = await self.of_order(order_id)
        if payment is None:
            return []
        told = await self._events.find({"payment_id": payment.id}, limit=MOST_EVENTS, order="oldest")
        return history(payment, told)

    async def record(self, order_id: str) -> PaymentRecord | None:
        """See contracts.payment.Payments."""
        payment = await self.of_order(order_id)
        return None if payment is None else personal.record(payment)

    async def erase(self, order_id: str) -> None:
        """See contracts.payment.Payments."""
        payment = await self.of_order(order_id)
        if payment is not None:
            await personal.forget_answers(payment, self._answers, self.clock.now())
            await change(self.payments, payment.id, personal.erased)
            await personal.forget_bodies(self._events, payment.id)

    async def order_of(self, stripe_id: str) -> str:
        """See contracts.payment.Payments."""
        return await listing.order_of(self.payments, stripe_id)

    async def disputed(self, limit: int, skip: int, after: str) -> DisputedPage:
        """See contracts.payment.Payments."""
        return await listing.disputed(self.payments, limit, skip, after)

    async def disputed_among(self, order_ids: list[str]) -> list[DisputedOrder]:
        """See contracts.payment.Payments."""
        return await listing.disputed_among(self.payments, order_ids)


async def visible(
    service: PaymentService, order_id: str, who: Principal, permission: Permission = Permission.READ_PAYMENTS
) -> Payment:
    """The payment of an order, if it is the user's own or the user has this permission; NotFound else."""
    payment = await service.of_order(order_id) if is_id(ORDER, order_id) else None
    if payment is None or (payment.user_id != who.id and not who.may(permission)):
        raise NotFound(f"there is no payment for order {order_id[:64]}")
    return payment
