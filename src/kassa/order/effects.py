"""What follows from changes of orders: each effect is carried out until it is done, and twice without harm."""

from kassa.contracts.inventory import InsufficientStock, Inventory, Line, ReservationEnded, UnknownStock
from kassa.contracts.payment import Payments
from kassa.kit.audit import Cause
from kassa.kit.clock import Clock
from kassa.kit.effects import Effect
from kassa.kit.inputs import restock_id
from kassa.kit.outbox import Step
from kassa.kit.wire import request_id
from kassa.order.domain import Input, Kind, Order, Reason
from kassa.order.machine import MACHINE
from kassa.order.places import Places

NAME = "order-service"


class OrderEffects:
    """Carries out what orders want of the stock and of their payments."""

    def __init__(self, inventory: Inventory, payments: Payments, places: Places, clock: Clock) -> None:
        self._inventory = inventory
        self._payments = payments
        self._places = places
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

    async def reserve_again(self, order: Order, effect: Effect) -> Step[Order]:
        """Money came late: hold the stock once more, or find it sold."""
        lines = [Line(item.product_id, item.quantity) for item in order.items]
        try:
            await self._inventory.reserve(effect.args["reservation"], lines)
        except (InsufficientStock, UnknownStock, ReservationEnded):
            return self._step(effect, Kind.SOLD_OUT, Reason.SOLD_OUT)
        return self._step(effect, Kind.HELD)

    async def refund_late(self, order: Order, effect: Effect) -> None:
        """Give back money that came for an order which ended."""
        await self._payments.refund_late(order.id, order.reason)

    async def restock(self, order: Order, effect: Effect) -> None:
        """Goods come back with a refund: the pieces that it names, once."""
        pieces = [each.rpartition(":") for each in effect.args.get("pieces", "").split()]
        lines = [Line(product_id, int(quantity)) for product_id, _, quantity in pieces]
        # Earlier versions named none: all came back.
        lines = lines or [Line(item.product_id, item.quantity) for item in order.items]
        await self._inventory.restock(restock_id(order.id, effect.args.get("refund", "")), lines)

    def _step(self, effect: Effect, kind: Kind, reason: Reason = Reason.NONE) -> Step[Order]:
        news = Input(kind, Cause(effect.id, NAME, reason, request_id.get()), reason)
        return lambda order: MACHINE.after(order, news, self._clock.now())
