"""The payment service: opens sessions, settles what Stripe says, closes; carries out what follows."""

from kassa.contracts.order import Orders, RefundNews, StatusChange
from kassa.contracts.payment import Closing, StripeRefused
from kassa.kit import inputs
from kassa.kit.audit import Cause, TimelineEntry
from kassa.kit.clock import Clock
from kassa.kit.effects import Effect
from kassa.kit.identity import Principal
from kassa.kit.ids import ORDER, Ids, is_id
from kassa.kit.outbox import Outbox, Step
from kassa.kit.problem import NotFound, Unavailable
from kassa.kit.wire import request_id
from kassa.payment import disputes
from kassa.payment.balance import is_fully_refunded
from kassa.payment.checkout import Checkout
from kassa.payment.domain import UNSETTLED, Decline, Input, Kind, Payment, Stage, Todo, payment_id_of
from kassa.payment.history import history
from kassa.payment.machine import MACHINE
from kassa.payment.processor import DisputeState, Processor, Refused, SessionState
from kassa.payment.refunding import Refunding
from kassa.payment.refunds import find
from kassa.payment.store import PaymentStore

NAME = "payment-service"
MOST_EVENTS = 500
_TELLS_OF_MONEY = (Todo.CONFIRM_ORDER, Todo.CANCEL_ORDER)


class PaymentService:
    """Satisfies contracts.payment.Payments. `ends_on_decline`: PAYMENT_DECLINE_POLICY is `cancel`.

    `frontend_url` is where Stripe sends the buyer back to; `shop_id` what all objects at Stripe are marked with.
    """

    outbox: Outbox[Payment]

    def __init__(
        self,
        store: PaymentStore,
        orders: Orders,
        processor: Processor,
        ids: Ids,
        clock: Clock,
        frontend_url: str,
        *,
        shop_id: str,
        ends_on_decline: bool,
    ) -> None:
        self.shop_id = shop_id
        self.payments = store.payments
        self._events = store.events
        self._orders = orders
        self._processor = processor
        self.clock = clock
        self._ends_on_decline = ends_on_decline
        self.checkout = Checkout(self, orders, processor, frontend_url)
        self.refunding = Refunding(self, orders, processor, ids)

    async def of_order(self, order_id: str) -> Payment | None:
        """The order's payment, if it has one."""
        return await self.payments.get(payment_id_of(order_id))

    # Settling: the one place where a session's state becomes the payment's

    async def settle(self, payment_id: str, session: SessionState, input_id: str, who: str = "stripe") -> Payment:
        """Apply a session as fetched from Stripe, whoever asked for it: a webhook, the buyer, or reconciliation."""
        why = f"session is {session.status}, {session.payment_status}"
        news = Input(Kind.FETCHED, Cause(input_id, who, why, request_id.get()), session)
        return await self.hear(payment_id, news)

    async def note_decline(self, payment_id: str, session_id: str, decline: Decline, input_id: str) -> None:
        """A card was declined. The session may have been paid since, with another card: it is looked at first."""
        session = await self._processor.session(session_id)
        await self.settle(payment_id, session, input_id)
        kind = Kind.DECLINED if self._ends_on_decline else Kind.DECLINED_ONCE
        cause = Cause(input_id, "stripe", decline.message, request_id.get())
        await self.hear(payment_id, Input(kind, cause, session, decline, "payment_declined"))

    async def observe_dispute(self, payment_id: str, state: DisputeState, input_id: str) -> None:
        """Apply a dispute as fetched from Stripe."""
        cause = Cause(input_id, "stripe", state.reason, request_id.get())
        now = self.clock.now()
        await self.advance(payment_id, lambda current: disputes.observed(current, state, cause, now))

    async def hear(self, payment_id: str, news: Input) -> Payment:
        """Apply news to the payment, save it and start what follows; the payment as it is then."""
        return await self.advance(payment_id, lambda payment: MACHINE.after(payment, news, self.clock.now()))

    async def advance(self, payment_id: str, step: Step[Payment]) -> Payment:
        """Apply a step to the payment, save it and start what follows; the payment as it is then."""
        return _there(payment_id, await self.outbox.advance(payment_id, step))

    async def change(self, payment_id: str, step: Step[Payment]) -> Payment:
        """Apply a step to the payment and save it; the payment as it is then."""
        return _there(payment_id, await self.outbox.change(payment_id, step))

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
                raise Unavailable(
                    f"Stripe does not know session {session_id}: an operator must look at it"
                ) from refused
            session = await self._processor.session(session_id)
        return await self.settle(payment.id, session, inputs.closed(session.id), "order-service")

    async def history(self, order_id: str) -> list[TimelineEntry]:
        """See contracts.payment.Payments."""
        payment = await self.of_order(order_id)
        if payment is None:
            return []
        told = await self._events.find({"payment_id": payment.id}, limit=MOST_EVENTS, order="oldest")
        return history(payment, told)

    # Effects: what follows from a change, carried out until it is done

    async def look_up(self, payment: Payment, timer: Effect) -> Step[Payment]:
        """Ask Stripe about an unsettled payment, in case its webhook was lost; and set the next timer."""
        try:
            session = await self._processor.session(str(payment.session_id))
        except Refused as refused:
            raise _not_at_stripe(payment) from refused
        cause = Cause(timer.id, NAME, "looked up at Stripe")

        def looked_up(current: Payment) -> Payment:
            now = self.clock.now()
            changed = MACHINE.after(current, Input(Kind.FETCHED, cause, session), now)
            return MACHINE.apply(current, Input(Kind.UNCHANGED, cause), now) if changed is current else changed

        return looked_up

    async def confirm_order(self, payment: Payment, effect: Effect) -> None:
        """The order is paid."""
        await self._tell(payment, StatusChange("CONFIRMED", effect.id, payment.id, ""))

    async def cancel_order(self, payment: Payment, effect: Effect) -> None:
        """No money comes for the order."""
        await self._tell(payment, StatusChange("CANCELLED", effect.id, payment.id, payment.reason))

    async def close_order(self, payment: Payment, effect: Effect) -> None:
        """A card was declined, and the shop ends the order for it; its session is still open."""
        await self._tell(payment, StatusChange("DECLINED", effect.id, payment.id, "payment_declined"))

    async def note_refund(self, payment: Payment, effect: Effect) -> None:
        """Tell the order how much is refunded: as it is now, not as it was when the effect was stored."""
        current = await self.payments.get(payment.id) or payment
        if any(each.kind in _TELLS_OF_MONEY and each.done_at is None for each in current.effects):
            raise Unavailable("the order has not heard yet of the money that was refunded")
        refund = find(current, effect.args.get("refund", ""))
        news = RefundNews(
            effect.id,
            current.version,
            is_fully_refunded(current),
            restock=effect.args.get("restock") == "yes",
            refund_id=refund.id if refund else "",
            items=list(refund.items) if refund else [],
        )
        await self._orders.note_refund(payment.order_id, news)

    async def _tell(self, payment: Payment, news: StatusChange) -> None:
        await self._orders.set_status(payment.order_id, news)


async def visible(service: PaymentService, order_id: str, who: Principal) -> Payment:
    """The payment of an order, if it is the user's own or the user is an administrator; NotFound else."""
    payment = await service.of_order(order_id) if is_id(ORDER, order_id) else None
    if payment is None or (payment.user_id != who.id and not who.is_admin):
        raise NotFound(f"there is no payment for order {order_id[:64]}")
    return payment


def _there(payment_id: str, payment: Payment | None) -> Payment:
    if payment is None:
        raise NotFound(f"there is no payment {payment_id[:64]}")
    return payment


def _not_at_stripe(payment: Payment) -> Unavailable:
    return Unavailable(f"session {payment.session_id} is not at Stripe: an operator must look at it")
