"""A shop to trade in, and somebody who listens to it."""

from typing import Any

from kassa.app.audit_outgoing import Outgoing
from kassa.app.following import HEARD, Ears, Follower
from kassa.app.following_stock import StockFollower
from kassa.order.outgoing import described
from kassa.order.outgoing import told as told_of_order
from kassa.outgoing.log import EventLog
from kassa.outgoing.service import EventsService
from kassa.outgoing.store import EventStore, Told
from kassa.payment.outgoing import told as told_of_payment
from kassa.product.outgoing import told as told_of_product
from tests.trade.world import World


class Listened:
    """What a process has that tells what happens in the shop."""

    def __init__(self, shop: World, events: EventsService, ears: Ears, followers: list[Any]) -> None:
        self.shop = shop
        self.events = events
        self.ears = ears
        self.followers = followers

    @classmethod
    async def on(cls, shop: World) -> "Listened":
        """The shop, with its events beside its orders."""
        database = shop.database
        store = await EventStore.open(database)
        orders = shop.order.orders
        service = EventsService(store, EventLog(store, shop.clock, 30), lambda ids: described(orders, ids), shop.clock)
        ears = Ears(service, shop.clock)
        service.heard = ears.note
        heard = await database.collection(HEARD)
        followers: list[Any] = [
            Follower(shop.order.outbox, told_of_order, service, ears, heard),
            Follower(shop.payment.outbox, told_of_payment, service, ears, heard),
            Follower(shop.opening, told_of_product, service, ears, heard),
        ]
        for follower in followers:
            await follower.open()
        followers.append(StockFollower(shop.stock, service, ears, heard, 2))
        shop.outgoing = Outgoing(store, shop.stores[0].products, None, shop.contact)
        return cls(shop, service, ears, followers)

    async def follow(self) -> None:
        """A turn of all who follow."""
        for follower in self.followers:
            await follower.run_due()

    async def told(self, of: str = "order.", after: int = 0) -> list[Told]:
        """The events of types that begin so behind a position, after another turn."""
        await self.follow()
        return [each for each in (await self.events.read(after, 100)).events if each.type.startswith(of)]
