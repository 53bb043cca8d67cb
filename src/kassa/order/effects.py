"""What follows from changes of orders: each effect is carried out until it is done, and twice without harm."""

from kassa.contracts.inventory import InsufficientStock, Inventory, Line, ReservationEnded, UnknownStock
from kassa.contracts.payment import Payments
from kassa.contracts.withdrawals import RefundOverdue
from kassa.kit.audit import Cause
from kassa.kit.clock import Clock, day_of
from kassa.kit.effects import Effect
from kassa.kit.inputs import generation_of, restock_id
from kassa.kit.money import major
from kassa.kit.outbox import Step
from kassa.kit.wire import request_id
from kassa.order.domain import Input, Kind, Order, Reason
from kassa.order.machine import MACHINE
from kassa.order.owing import has_returned, owed, pieces_shown
from kassa.order.places import Places
from kassa.order.uses import Uses

NAME = "order-service"


class OrderEffects:
    """Carries out what orders want of the stock and of their payments."""

    def __init__(self, inventory: Inventory, payments: Payments, places: Places, uses: Uses, clock: Clock) -> None:
        self._inventory = inventory
        self._payments = payments
        self._places = places
        self._uses = uses
        self._clock = clock

    async def expire(self, order: Order, timer: Effect) -> Step[Order]:
        """The deadline has passed."""
        return self._step(timer, Kind.CLOSE, Reason.EXPIRED)

    async def close_payment(self, order: Order, effect: Effect) -> Step[Order] | None:
        """Have it settled at Stripe that no money comes. If money came or is coming, the payment service will say."""
        closing = await self._payments.close(order.id)
        return self._step(effect, Kind.ENDED) if closing.outcome == "closed" else None

    async def commit_stock(self, order: Order, effect: Effect) -> None:
        """What the order holds is sold."""
        await self._inventory.commit(effect.args["reservation"])
        await self._places.free(order.place, order.id)

    async def release_stock(self, order: Order, effect: Effect) -> None:
        """What the order holds can be bought again."""
        await self._inventory.release(effect.args["reservation"])
        await self._places.free(order.place, order.id)
        for use in _uses_of(order):
            await self._uses.free(use, order.id, generation_of(effect.args["reservation"]))

    async def reserve_again(self, order: Order, effect: Effect) -> Step[Order]:
        """Money came late: hold all that it held once more, or find some of it sold."""
        try:
            held = generation_of(effect.args["reservation"])
            if not all([await self._uses.take_again(use, order.id, held) for use in _uses_of(order)]):
                return self._step(effect, Kind.SOLD_OUT, Reason.SOLD_OUT)
            await self._inventory.reserve(effect.args["reservation"], order.held)
        except (InsufficientStock, UnknownStock, ReservationEnded):
            return self._step(effect, Kind.SOLD_OUT, Reason.SOLD_OUT)
        return self._step(effect, Kind.HELD)

    async def refund_late(self, order: Order, effect: Effect) -> None:
        """Give back money that came for an order which ended."""
        await self._payments.refund_late(order.id, order.reason)

    async def hand_over(self, order: Order, effect: Effect) -> None:
        """A guest's order has become an account's: so does its payment."""
        await self._payments.hand_over(order.id, order.user_id)

    async def restock(self, order: Order, effect: Effect) -> None:
        """Goods come back with a refund: the pieces that it names, once."""
        pieces = [each.rpartition(":") for each in effect.args.get("pieces", "").split()]
        lines = [Line(product_id, int(quantity)) for product_id, _, quantity in pieces]
        # Earlier versions named none: all came back.
        lines = lines or [Line(item.product_id, item.quantity) for item in order.items]
        await self._inventory.restock(restock_id(order.id, effect.args.get("refund", "")), lines)

    async def refund_due(self, order: Order, timer: Effect) -> None:
        """A withdrawal was to be refunded by now. RefundOverdue if it is not, until it is."""
        due = owed(order)
        if due.refund_by is None:
            return
        amount = f"{major(due.amount_minor, order.currency)} {order.currency}"
        what = f"for {pieces_shown(order, due.pieces)}" if any(due.pieces.values()) else "for the shipping"
        wait = "" if has_returned(order, due.pieces) else "; not all of the goods are back: the shop may wait for them"
        raise RefundOverdue(
            f"the buyer withdrew, and {amount} {what} was to be refunded by {day_of(due.refund_by)}{wait}"
        )

    def _step(self, effect: Effect, kind: Kind, reason: Reason = Reason.NONE) -> Step[Order]:
        news = Input(kind, Cause(effect.id, NAME, reason, request_id.get()), reason)
        return lambda order: MACHINE.after(order, news, self._clock.now())


def _uses_of(order: Order) -> list[str]:
    """The uses of discounts that the order has of its buyer's."""
    return [part.use for part in order.sale.parts.discounts if part.use] if order.sale is not None else []
