"""What follows from changes of payments: each effect is carried out until it is done, and twice without harm. Those of
refunds are in `refund_effects`."""

from kassa.contracts.order import Orders, RefundNews, StatusChange, StripeTax
from kassa.kit.audit import Cause
from kassa.kit.clock import Clock
from kassa.kit.documents import Collection
from kassa.kit.effects import Effect
from kassa.kit.outbox import Step
from kassa.kit.problem import Unavailable
from kassa.payment.balance import back_by_amount_minor, back_minor, is_fully_refunded, shipping_back_minor
from kassa.payment.domain import Input, Kind, Payment, Todo
from kassa.payment.machine import MACHINE
from kassa.payment.processor import Processor, Refused, unknown_session
from kassa.payment.refund_states import find

NAME = "payment-service"
_TELLS_OF_MONEY = (Todo.CONFIRM_ORDER, Todo.CANCEL_ORDER)


class PaymentEffects:
    """Carries out what payments want of their orders and of Stripe."""

    def __init__(self, payments: Collection[Payment], orders: Orders, processor: Processor, clock: Clock) -> None:
        self._payments = payments
        self._orders = orders
        self._processor = processor
        self._clock = clock

    async def look_up(self, payment: Payment, timer: Effect) -> Step[Payment]:
        """Ask Stripe about an unsettled payment, in case its webhook was lost; and set the next timer."""
        try:
            session = await self._processor.session(str(payment.session_id))
        except Refused as refused:
            raise unknown_session(payment.session_id, refused) from refused
        cause = Cause(timer.id, NAME, "looked up at Stripe")

        def looked_up(current: Payment) -> Payment:
            now = self._clock.now()
            changed = MACHINE.after(current, Input(Kind.FETCHED, cause, session), now)
            return MACHINE.apply(current, Input(Kind.UNCHANGED, cause), now) if changed is current else changed

        return looked_up

    async def confirm_order(self, payment: Payment, effect: Effect) -> None:
        """The order is paid."""
        tax = StripeTax(payment.tax_minor, payment.added_tax_minor) if payment.is_tax_open else None
        await self._tell(payment, StatusChange("CONFIRMED", effect.id, payment.id, "", tax=tax))

    async def cancel_order(self, payment: Payment, effect: Effect) -> None:
        """No money comes for the order."""
        await self._tell(payment, StatusChange("CANCELLED", effect.id, payment.id, payment.reason))

    async def close_order(self, payment: Payment, effect: Effect) -> None:
        """A card was declined, and the shop ends the order for it; its session is still open."""
        await self._tell(payment, StatusChange("DECLINED", effect.id, payment.id, "payment_declined"))

    async def note_refund(self, payment: Payment, effect: Effect) -> None:
        """Tell the order how much is refunded: as it is now, not as it was when the effect was stored."""
        current = await self._payments.get(payment.id) or payment
        done = {each.id for each in payment.effects if each.done_at is not None}  # noted in what is stored or not
        open_ones = (each for each in current.effects if each.done_at is None and each.id not in done)
        if any(each.kind in _TELLS_OF_MONEY for each in open_ones):
            raise Unavailable("the order has not heard yet of the money that was refunded")
        refund = find(current, effect.args.get("refund", ""))
        news = RefundNews(
            effect.id,
            current.version,
            is_fully_refunded(current),
            restock=effect.args.get("restock") == "yes",
            refund_id=refund.id if refund else "",
            items=list(refund.items) if refund else [],
            status=effect.args.get("status", ""),
            by_amount_minor=back_by_amount_minor(current),
            shipping_minor=shipping_back_minor(current),
            back_minor=back_minor(current),
        )
        await self._orders.note_refund(payment.order_id, news)

    async def set_free(self, payment: Payment, effect: Effect) -> None:
        """A refund of goods has come to nothing: they are not set aside for it any more."""
        refund = find(payment, effect.args["refund"])
        shelved = list(refund.items) if refund is not None and refund.is_restocked else []
        await self._orders.set_free(payment.order_id, effect.args["refund"], shelved)

    async def _tell(self, payment: Payment, news: StatusChange) -> None:
        await self._orders.set_status(payment.order_id, news)
