"""Making refunds at Stripe, and following them to their end."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from kassa.contracts.inventory import Line
from kassa.contracts.order import OrderForPayment, Orders
from kassa.contracts.payment import NotRefundable
from kassa.kit.audit import Cause
from kassa.kit.effects import Effect
from kassa.kit.ids import REFUND, Ids
from kassa.kit.money import to_stripe
from kassa.kit.outbox import Step
from kassa.kit.problem import Invalid, NotFound, Unavailable
from kassa.kit.wire import request_id
from kassa.payment import pieces
from kassa.payment.debts import second_refused
from kassa.payment.domain import Payment, Refund
from kassa.payment.metadata import of_refund, of_second_refund
from kassa.payment.pieces import Pieces
from kassa.payment.processor import Processor, RefundState, Refused, SavedFailure
from kassa.payment.refunds import (
    KEY_IS_OLD_AFTER,
    REQUESTED,
    Refusal,
    find,
    observed,
    owed,
    refused,
    rekeyed,
    requested,
)

if TYPE_CHECKING:
    from kassa.payment.service import PaymentService

NAME = "payment-service"
GONE_BACK = ("charge_already_refunded",)
"""Refusals that say that the money went back already (Stripe docs: error-codes)."""


class Refunding:
    """The refunds of a payment service's payments."""

    def __init__(self, service: "PaymentService", orders: Orders, processor: Processor, ids: Ids) -> None:
        self._service = service
        self._orders = orders
        self._processor = processor
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
    ) -> Refund:
        """Refund an amount of an order's payment in minor units, or all that is left (0), under this refund id.

        With it `items` come back on the shelf, whose price is the amount if there is none; or, with all that is left,
        all pieces (`restock`). The amount is held at once; Stripe is called now and, if it cannot be reached, again
        and again. RefundTooLarge, NotRefundable, TooManyRefunds, TooManyPieces, Invalid.
        """
        payment = await self._service.of_order(order_id)
        if payment is None:
            raise NotFound(f"there is no payment for order {order_id[:64]}")
        sold: Pieces = {}
        if restock or items:
            order = await self._orders.for_payment(order_id)
            amount_minor, sold = _priced(amount_minor, items, order), pieces.sold(order)
        cause = Cause(refund_id, who, reason, request_id.get())
        refund = self._new(refund_id, amount_minor, reason, restock=restock, items=items)
        payment = await self._service.change(payment.id, lambda current: requested(current, refund, cause, sold))
        payment = await self._service.outbox.carry_out(payment)
        made = find(payment, refund_id)
        assert made is not None
        return made

    async def order_of(self, payment: Payment) -> OrderForPayment:
        """The order that the payment is for."""
        return await self._orders.for_payment(payment.order_id)

    async def refund_all(self, order_id: str, reason: str, input_id: str) -> None:
        """Refund all that is left of a payment; once for the input id. Nothing left is fine."""
        payment = await self._service.of_order(order_id)
        if payment is None:
            raise NotRefundable("the order has no payment")
        refund, cause = self._owed(reason), Cause(input_id, "order-service", reason, request_id.get())
        payment = await self._service.change(payment.id, lambda current: owed(current, refund, cause))
        self._service.outbox.at_once(payment)

    async def observe(self, payment_id: str, state: RefundState, input_id: str) -> None:
        """Apply a refund as fetched from Stripe."""
        cause = Cause(input_id, "stripe", f"refund is {state.status}", request_id.get())
        payment = await self._service.change(
            payment_id, lambda current: observed(current, state, cause, self._service.clock.now())
        )
        self._service.outbox.at_once(payment)

    async def carry_refund_all(self, payment: Payment, effect: Effect) -> Step[Payment]:
        """No order has the money, or not any more: all that is left of it goes back."""
        reason = next((each.reason for each in payment.refunds if each.is_owed), payment.reason)
        refund, cause = self._owed(reason), Cause(effect.id, NAME, reason)
        return lambda current: owed(current, refund, cause)

    async def carry_refund_second(self, payment: Payment, effect: Effect) -> Step[Payment] | None:
        """Money came a second time: what is left of it goes back. Looked for first, so that a lost answer does no
        harm; and more than all cannot be refunded. A lost dispute has given it back already."""
        intent_id = effect.args["intent"]
        made = await self._processor.refunds(intent_id)
        held = sum(state.amount for state in made if state.status not in ("failed", "canceled"))
        left = int(effect.args["amount"]) - held
        if left <= 0 or ("lost", intent_id) in {(each.status, each.intent_id) for each in payment.disputes}:
            return None
        metadata = of_second_refund(self._service.shop_id, payment.order_id)
        params = {"payment_intent": intent_id, "amount": left, "metadata": metadata}
        try:
            await self._processor.refund(params, f"{effect.id}-{effect.attempts}")
        except Refused as refusal:
            if refusal.code not in GONE_BACK:
                words = str(refusal)
                return lambda current: second_refused(current, effect, words, self._service.clock.now())
        return None

    async def carry_refund(self, payment: Payment, effect: Effect) -> Step[Payment] | None:
        """Make one requested refund at Stripe."""
        refund = find(payment, effect.args["refund"])
        if refund is None or refund.status != REQUESTED:
            return None
        cause = Cause(effect.id, NAME, "refund made at Stripe")
        clock = self._service.clock
        try:
            if clock.now() - refund.updated_at > KEY_IS_OLD_AFTER:
                raise SavedFailure
            state = await self._processor.refund(self._params(payment, refund), refund.key)
        except SavedFailure:
            return await self._look_then_rekey(payment, refund, cause)
        except Refused as refusal:
            made = await self._processor.refunds(str(payment.intent_id))
            answer = Refusal(str(refusal), refusal.code == "charge_disputed", refusal.code in GONE_BACK)
            return lambda current: refused(current, refund.id, answer, cause, clock.now(), made)
        return lambda current: observed(current, state, cause, clock.now())

    async def _look_then_rekey(self, payment: Payment, refund: Refund, cause: Cause) -> Step[Payment]:
        """The stored call does not work any more: look what it made; only if nothing, store a new key and go on."""
        found = await self._find(payment, refund)
        clock = self._service.clock
        if found is None:
            key = f"{refund.id}-{payment.version + 1}"
            renewed = await self._service.change(payment.id, self._rekey_step(refund, key))
            if not any(each.key == key for each in renewed.refunds):
                raise Unavailable("another process is making this refund")
            found = await self._processor.refund(self._params(payment, refund), key)
        state = found
        return lambda current: observed(current, state, cause, clock.now())

    def _rekey_step(self, refund: Refund, key: str) -> Step[Payment]:
        return lambda current: rekeyed(current, refund, key, self._service.clock.now())

    async def _find(self, payment: Payment, refund: Refund) -> RefundState | None:
        made = await self._processor.refunds(str(payment.intent_id))
        return next((state for state in made if state.metadata.get("refundId") == refund.id), None)

    def _params(self, payment: Payment, refund: Refund) -> dict[str, Any]:
        return {
            "payment_intent": payment.intent_id,
            "amount": to_stripe(refund.amount_minor, payment.currency),
            "metadata": of_refund(self._service.shop_id, payment.order_id, payment.id, refund.id),
        }

    def _new(
        self, refund_id: str, amount_minor: int, reason: str, *, restock: bool = False, items: Sequence[Line] = ()
    ) -> Refund:
        now = self._service.clock.now()
        return Refund(
            id=refund_id,
            amount_minor=amount_minor,
            reason=reason,
            restock=restock,
            items=tuple(items),
            status=REQUESTED,
            origin="kassa",
            key=f"{refund_id}-1",
            created_at=now,
            updated_at=now,
        )

    def _owed(self, reason: str) -> Refund:
        return msgspec.structs.replace(self._new(self._ids.new(REFUND), 0, reason), is_owed=True)


def _priced(amount_minor: int, items: Sequence[Line], order: OrderForPayment) -> int:
    """What goes back with these pieces: what is asked for, or what they cost."""
    if items and order.status in ("CANCELLED", "FAILED"):
        raise Invalid.field("items", f"cannot come back: the order is {order.status} and has sold nothing")
    return amount_minor or pieces.price_of(items, order)
