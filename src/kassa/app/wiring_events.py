"""The part of the wiring that is about outgoing events: who keeps them, and who tells them."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import structlog

from kassa.app.following import HEARD, Ears, Follower
from kassa.app.following_stock import StockFollower
from kassa.app.shop import Shop, present
from kassa.app.worker import Job
from kassa.contracts.events import Events, NewEvent
from kassa.kit.clock import HOUR
from kassa.kit.documents import Database
from kassa.order.outgoing import described
from kassa.order.outgoing import told as told_of_order
from kassa.order.store import OrderStore
from kassa.outgoing.deliverer import Deliverer
from kassa.outgoing.endpoints import Endpoints
from kassa.outgoing.log import EventLog
from kassa.outgoing.queues import Queues
from kassa.outgoing.sending import Sender
from kassa.outgoing.service import EventsService
from kassa.outgoing.store import EventStore
from kassa.payment.outgoing import told as told_of_payment
from kassa.product.outgoing import told as told_of_product

log = structlog.get_logger()


async def wire_events(shop: Shop, database: Database, orders: OrderStore) -> None:
    """Construct what keeps the events, in the order service's database."""
    store = await EventStore.open(database)
    log = EventLog(store, shop.clock, shop.settings.retention.events)
    shop.events = EventsService(store, log, lambda ids: described(orders.orders, ids), shop.clock)
    to_private = shop.settings.sends_to_private_addresses
    shop.endpoints = Endpoints(shop.events, shop.ids, shop.clock, to_private=to_private)
    shop.jobs.append(Job("remove old events", HOUR, shop.events.remove_old))


TOLD: dict[str, Callable[[Any], list[NewEvent]]] = {
    "order": told_of_order,
    "payment": told_of_payment,
    "product": told_of_product,
}
"""Whose documents are followed, and what is told of them."""


async def follow(shop: Shop, databases: Mapping[str, Database], reach: Callable[..., Any]) -> None:
    """Have those told who listen, of what happens to the documents and the stock that live here."""
    here = [service for service in (*TOLD, "inventory") if service in shop.place.here]
    if not here:
        return
    if shop.events is None and "order" not in shop.settings.service_urls:
        log.info("nothing is told of these services: ORDER_SERVICE_URL is not set here", services=here)
        return
    ears: Ears | None = None
    for service in here:
        events: Events = shop.events or reach(Events, "order", service)
        ears = ears or Ears(events, shop.clock)
        heard = await databases[service].collection(HEARD)
        if service == "inventory":
            low = shop.settings.low_stock_threshold
            shop.followers.append(StockFollower(present(shop.stock, service), events, ears, heard, low))
            continue
        follower = Follower(shop.outboxes[service], TOLD[service], events, ears, heard)
        await follower.open()
        shop.followers.append(follower)
    if shop.events is not None and ears is not None:
        shop.events.heard = ears.note
        deliver(shop, ears)


def deliver(shop: Shop, ears: Ears) -> None:
    """Have events sent to the endpoints, as soon as anybody listens."""
    events, endpoints = present(shop.events, "order"), present(shop.endpoints, "order")
    queues = Queues(events.store.queues, shop.clock, shop.ids.new("own"), is_alone=shop.is_alone)
    sender = shop.sender or partial(Sender, to_private=shop.settings.sends_to_private_addresses)
    shop.deliverer = Deliverer(events, endpoints, sender, shop.clock, queues, lambda: ears.is_there)
