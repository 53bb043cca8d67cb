"""Asking for refunds, and following them to their end."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from kassa.contracts.inventory import Line
from kassa.contracts.order import OrderForPayment, Orders
from kassa.contracts.payment import NotRefundable, TooManyRefunds
from kassa.kit.audit import Cause
from kassa.kit.ids import REFUND, Ids
from kassa.kit.problem import Invalid, NotFound, Problem, Unavailable
from kassa.kit.wire import request_id
from kassa.payment import pieces
from kassa.payment.allowance import Allowances
from kassa.payment.balance import left_minor
from kassa.payment.domain import Payment, Refund
from kassa.payment.paid_parts import Goods, reckon
from kassa.payment.pieces import Pieces
from kassa.payment.processor import RefundState
from kassa.payment.refund_states import MOST_KNOWN, find, left_out, observed
from kassa.payment.refunds import (
    new_refund,
    owed,
    owed_refund,
    refund_of_goods,
    refuse_if_nothing_is_left,
    requested,
)
from kassa.payment.settling import Settling


class Refunding:
    """How refunds are asked for and heard of."""

    def __init__(self, settling: Settling, orders: Orders, ids: Ids) -> None:
        self._settling = settling
        self._orders = orders
        self._ids = ids

    async def refund(
        self,
        order_id: str,
        refund_id: str,
        amount_minor: int,
        reason: str,
        *,
        who: str,
        restock: bool = False,
        items: Sequence[Line] = (),
        within: Allowances | None = None,
    ) -> Refund:
        """Refund an amount of an order's payment in minor units, or all that is left (0), under this refund id.

        With it `items` come back on the shelf, whose price is the amount if there is none; or, with all that is left,
        all pieces (`restock`). The amount is held at once; Stripe is called now and, if it cannot be reached, again
        and again. `within` is for who may not refund any amount. RefundTooLarge, NotRefundable, TooManyRefunds,
        TooManyPieces, Invalid, RefundOverLimit.
        """
        payment = await self._of_order(order_id)
        order = await self._orders.for_payment(order_id) if restock or items else None
        if order is not None:
            amount_minor = amount_minor or pieces.price_of(items, order)
        if within is not None and not amount_minor:
            # An amount from here on: nothing that comes meanwhile is refunded without being counted.
            amount_minor = left_minor(payment)
        cause = Cause(refund_id, who, reason, request_id.get())
        now = self._settling.clock.now()
        refund = new_refund(refund_id, amount_minor, reason, now, restock=restock, items=items)

        def step(current: Payment) -> Payment:
            # What was sold is asked of the payment that the refund is written to: it may just have been paid.
            sold = {} if order is None else _sold(order, current, "items" if items else "restock")
            return requested(current, refund, cause, sold)

        async with _held(within, payment, refund, who):
            payment = await self._settling.outbox.see_through(payment.id, step) or payment
        made = find(payment, refund_id)
        assert made is not None
        return made

    async def refund_goods(
        self,
        order_id: str,
        refund_id: str,
        goods: Goods,
        amount_minor: int,
        reason: str,
        *,
        who: str,
        within: Allowances | None = None,
    ) -> Refund:
        """Refund what was paid for these parts of an order, or an amount (in minor units) that is less, under this
        refund id. Stripe is called when the order has set the goods aside. Refusals as above, and TooManyToRefund."""
        payment = await self._of_order(order_id)
        if known := find(payment, refund_id):
            return known
        order = await self._orders.for_payment(order_id)
        refuse_if_nothing_is_left(payment, left_minor(payment))
        sold = _sold(order, payment, "lines")
        reckoned = reckon(order, payment, goods)
        cause = Cause(refund_id, who, reason, request_id.get())
        refund = refund_of_goods(refund_id, goods, reckoned, amount_minor, reason, self._settling.clock.now())

        def step(current: Payment) -> Payment:
            if find(current, refund_id) is None and reckon(order, current, goods) != reckoned:
                raise Unavailable("another refund of the same goods was asked for just now; ask again")
            return requested(current, refund, cause, sold)

        async with _held(within, payment, refund, who):
            payment = await self._settling.outbox.see_through(payment.id, step) or payment
        return find(payment, refund_id) or refund

    async def _of_order(self, order_id: str) -> Payment:
        payment = await self._settling.of_order(order_id)
        if payment is None:
            raise NotFound(f"there is no payment for order {order_id[:64]}")
        return payment

    async def order_of(self, payment: Payment) -> OrderForPayment:
        """The order that the payment is for."""
        return await self._orders.for_payment(payment.order_id)

    async def refund_all(self, order_id: str, reason: str, input_id: str) -> None:
        """Refund all that is left of a payment; once for the input id. Nothing left is fine."""
        payment = await self._settling.of_order(order_id)
        if payment is None:
            raise NotRefundable("the order has no payment")
        refund = owed_refund(self._ids.new(REFUND), reason, self._settling.clock.now())
        cause = Cause(input_id, "order-service", reason, request_id.get())
        await self._settling.advance(payment.id, lambda current: owed(current, refund, cause))

    async def observe(self, payment_id: str, states: Sequence[RefundState], input_id: str) -> None:
        """Apply refunds as fetched from Stripe, all in one step. TooManyRefunds: the payment has no room for some."""
        cause, now = Cause(input_id, "stripe", request_id=request_id.get()), self._settling.clock.now()
        payment = await self._settling.advance(payment_id, lambda current: observed(current, states, cause, now))
        if left_out(payment, states):
            raise TooManyRefunds(f"it has {MOST_KNOWN}, and no more are taken in")


@asynccontextmanager
async def _held(within: Allowances | None, payment: Payment, refund: Refund, who: str) -> AsyncIterator[None]:
    """While the refund is asked for its amount counts, and afterwards unless it is refused. RefundOverLimit."""
    if within is None or find(payment, refund.id):
        yield
        return
    refuse_if_nothing_is_left(payment, left_minor(payment))
    taken = await within.take(who, payment.id, refund.id, refund.amount_minor)
    try:
        yield
    except Problem as problem:
        if not isinstance(problem, Unavailable):
            await within.give_back(taken, refund.id)
        raise


def _sold(order: OrderForPayment, payment: Payment, asked_by: str) -> Pieces:
    """What the order has sold; Invalid if its money is there and none of it is for goods."""
    sold = pieces.sold(order, payment)
    if payment.taken_minor and not sold:
        raise Invalid.field(asked_by, f"nothing can come back: the order is {order.status} and has sold nothing")
    return sold
