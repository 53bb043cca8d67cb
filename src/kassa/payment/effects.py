"""What follows from changes of payments: each effect is carried out until it is done, and twice without harm. Those of
refunds are in `refund_effects`."""

from kassa.contracts.order import Orders, RefundNews, StatusChange
from kassa.kit.audit import Cause
from kassa.kit.clock import Clock
from kassa.kit.documents import Collection
from kassa.kit.effects import Effect
from kassa.kit.outbox import Step
from kassa.kit.problem import Unavailable
from kassa.payment.balance import is_fully_refunded
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
        await self._tell(payment, StatusChange("CONFIRMED", effect.id, payment.id, ""))

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
        )
        await self._orders.note_refund(payment.order_id, news)

    async def _tell(self, payment: Payment, news: StatusChange) -> None:
        await self._orders.set_status(payment.order_id, news)
