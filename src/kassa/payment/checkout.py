"""Checkout: making an order's one payment and its session at Stripe."""

import asyncio
from typing import Any
from weakref import WeakValueDictionary

import msgspec
import structlog

from kassa.contracts.order import OrderForPayment, Orders
from kassa.contracts.payment import OrderNotPayable, StripeKeyRefused, StripeRefused, StripeUnreachable
from kassa.kit import inputs
from kassa.kit.audit import Cause
from kassa.kit.clock import MINUTE, MOST_SKEW, SECOND, Millis
from kassa.kit.documents import Conflict, Duplicate
from kassa.kit.identity import Principal
from kassa.kit.ids import GUEST
from kassa.kit.inputs import payment_id_of
from kassa.kit.problem import NotFound, Unavailable
from kassa.kit.wire import request_id
from kassa.payment.asking import coupon_params, session_params
from kassa.payment.domain import Input, Kind, Payment, Stage
from kassa.payment.machine import created, never_asked
from kassa.payment.metadata import of_session
from kassa.payment.processor import CallUnderWay, Processor, Refused, SavedFailure, SessionState
from kassa.payment.refunds import KEY_IS_OLD_AFTER
from kassa.payment.settling import Settling

# Stripe takes no expiry under 30 minutes from when the call comes there, by its own clock (docs: checkout sessions).
# That may be ahead of ours, and a call takes 20 s at most.
SHORTEST_SESSION: Millis = 30 * MINUTE + MOST_SKEW + 20 * SECOND
# Another process makes the same session: it is looked again so often, so long apart, until it has.
PATIENCE = 20
PAUSE: Millis = 100

# Where Stripe names no minimum the equivalent of 0.50 USD decides (docs: currencies), which Stripe alone knows.
_TOO_LITTLE = "the total is less than the payment provider takes in this currency: cancel the order, and order more"

log = structlog.get_logger()


class Checkout:
    """Opens sessions for a payment service. `frontend_url` is where Stripe sends the buyer back to."""

    def __init__(self, settling: Settling, orders: Orders, processor: Processor, frontend_url: str) -> None:
        self._settling = settling
        self._orders = orders
        self._processor = processor
        self._frontend_url = frontend_url.rstrip("/")
        self._opening: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def open_session(self, order_id: str, who: Principal) -> Payment:
        """The open session of the buyer's order; made now if there is none. OrderNotPayable, NotFound,
        StripeUnreachable; StripeKeyRefused, StripeRefused: why is for operators, and in the log."""
        try:
            return await self._opened(order_id, who)
        except (StripeKeyRefused, StripeRefused) as refused:
            log.error("Stripe refuses to open a session", order=order_id, error=refused.detail)
            if isinstance(refused.__cause__, Refused) and refused.__cause__.code == "amount_too_small":
                raise OrderNotPayable(_TOO_LITTLE) from refused
            raise type(refused)("the shop cannot take this payment for now; your order is kept") from refused

    async def _opened(self, order_id: str, who: Principal) -> Payment:
        order = await self._orders.for_payment(order_id)
        if order.user_id != who.id:
            raise NotFound(f"there is no order {order_id[:64]}")
        if not order.is_payable:
            raise OrderNotPayable(f"the order is {order.status}, or it is being closed")
        # The insert tells whether there is one; only who asks again is likely to have one.
        is_known = self._settling.outbox.recent.recall(payment_id_of(order_id)) is not None
        payment = (await self._settling.of_order(order_id) if is_known else None) or await self._create(order)
        if payment.stage is Stage.CREATED:
            payment = await self.complete(payment.id)
        if payment.stage is not Stage.INITIATED or payment.session_url is None:
            raise OrderNotPayable(f"the payment is {payment.status}")
        return payment

    async def _create(self, order: OrderForPayment) -> Payment:
        now = self._settling.clock.now()
        cause = Cause(payment_id_of(order.id), order.user_id, "asked to pay", request_id.get())
        return await self._inserted_for(order, created(order, cause, now, **self._asked(order, now)))

    async def _inserted_for(self, order: OrderForPayment, new: Payment) -> Payment:
        payment = await self._insert(new)
        if not order.user_id.startswith(f"{GUEST}_"):
            return payment
        # An account may have taken the order since it was read, and found no payment to take with it.
        order = await self._orders.for_payment(order.id)
        if payment.user_id == order.user_id:
            return payment
        cause = Cause(inputs.claim(order.id), "payment-service", "claimed", request_id.get())
        return await self._settling.hear(payment.id, Input(Kind.CLAIMED, cause, user_id=order.user_id))

    async def _insert(self, payment: Payment) -> Payment:
        try:
            return await self._settling.outbox.insert(payment)
        except Duplicate as duplicate:
            known = await self._settling.of_order(payment.order_id)
            if known is None:
                raise Unavailable("the payment could not be stored; try again") from duplicate
            return known

    def _asked(self, order: OrderForPayment, now: Millis) -> dict[str, Any]:
        """What the order's session is asked with, and its coupon, if it has one."""
        metadata = of_session(self._settling.shop_id, order.id, payment_id_of(order.id), order.user_id)
        back = f"{self._frontend_url}/checkout/return?order={order.id}"
        expires_at = max(order.expires_at, now + SHORTEST_SESSION)
        return {
            "params": session_params(order, metadata, back, expires_at),
            "coupon": coupon_params(order, metadata),
        }

    async def _open(self, payment: Payment) -> SessionState:
        if payment.coupon is not None:
            await self._processor.make_coupon(payment.coupon, inputs.coupon_key(payment.key))
        return await self._processor.open_session(payment.params, payment.key)

    async def complete(self, payment_id: str) -> Payment:
        """Bring a CREATED payment to Stripe by repeating the same call; once at a time, in this process and others."""
        for _ in range(PATIENCE):
            try:
                return await self._complete(payment_id)
            except CallUnderWay:
                await self._settling.clock.sleep(PAUSE)
        raise StripeUnreachable("Stripe has been busy with this session for too long")

    async def _complete(self, payment_id: str) -> Payment:
        lock = self._opening.setdefault(payment_id, asyncio.Lock())
        async with lock:
            payment = await self._settling.outbox.recent.lately(payment_id)
            if payment is None:
                raise NotFound
            if payment.stage is not Stage.CREATED:
                return payment
            try:
                if self._settling.clock.now() - payment.keyed_at > KEY_IS_OLD_AFTER:
                    raise SavedFailure
                session = await self._open(payment)
            except (Refused, SavedFailure):
                session = await self._look_then_open(payment)
            return await self._settling.settle(payment.id, session, inputs.opened(session.id))

    async def _look_then_open(self, payment: Payment) -> SessionState:
        """The stored call does not work any more: look what it made; only if nothing, call with a new key."""
        found = await self._processor.find_session(payment.id, payment.created_at)
        if found is not None:
            return found
        order = await self._orders.for_payment(payment.order_id)
        now = self._settling.clock.now()
        renewed = msgspec.structs.replace(
            payment,
            **self._asked(order, now),
            key=inputs.session_key(payment.id, payment.version + 1),
            keyed_at=now,
        )
        try:
            renewed = await self._settling.outbox.recent.save(renewed)
        except Conflict as conflict:
            raise Unavailable("the payment was changed meanwhile; try again") from conflict
        try:
            return await self._open(renewed)
        except (Refused, SavedFailure) as refused:
            raise StripeRefused(str(refused)) from refused

    async def insert_closed(self, order_id: str) -> Payment:
        """Store that no session may be made for the order any more; the payment that is there, if one was faster."""
        order = await self._orders.for_payment(order_id)
        cause = Cause(inputs.close(order_id), "order-service", "closing", request_id.get())
        return await self._inserted_for(order, never_asked(order, cause, self._settling.clock.now()))
