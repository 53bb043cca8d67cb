"""Settling: the one place where a session's state becomes the payment's."""

from kassa.kit.audit import Cause
from kassa.kit.clock import Clock
from kassa.kit.documents import Collection
from kassa.kit.inputs import payment_id_of
from kassa.kit.outbox import Outbox, Step
from kassa.kit.problem import NotFound
from kassa.kit.wire import request_id
from kassa.payment.domain import Input, Kind, Payment
from kassa.payment.machine import MACHINE
from kassa.payment.processor import SessionState


class Settling:
    """The payments of a shop, and how news comes to them."""

    def __init__(self, payments: Collection[Payment], outbox: Outbox[Payment], clock: Clock, shop_id: str) -> None:
        self.shop_id = shop_id
        self.payments = payments
        self.outbox = outbox
        self.clock = clock

    async def of_order(self, order_id: str) -> Payment | None:
        """The order's payment, if it has one."""
        return await self.payments.get(payment_id_of(order_id))

    async def settle(self, payment_id: str, session: SessionState, input_id: str, who: str = "stripe") -> Payment:
        """Apply a session as fetched from Stripe, whoever asked for it: a webhook, the buyer, or reconciliation."""
        why = f"session is {session.status}, {session.payment_status}"
        news = Input(Kind.FETCHED, Cause(input_id, who, why, request_id.get()), session)
        return await self.hear(payment_id, news)

    async def hear(self, payment_id: str, news: Input) -> Payment:
        """Apply news to the payment, save it and start what follows; the payment as it is then."""
        return await self.advance(payment_id, lambda payment: MACHINE.after(payment, news, self.clock.now()))

    async def advance(self, payment_id: str, step: Step[Payment]) -> Payment:
        """Apply a step to the payment, save it and start what follows; the payment as it is then."""
        return _there(payment_id, await self.outbox.advance(payment_id, step))


def _there(payment_id: str, payment: Payment | None) -> Payment:
    if payment is None:
        raise NotFound(f"there is no payment {payment_id[:64]}")
    return payment
