"""The workloads. Each starts its own shop, drives it for about `seconds`, and returns what is printed as its line."""

import asyncio
import time
from collections.abc import Callable
from typing import TypeAlias

from kassa.bench import visits
from kassa.bench.accounting import Meter
from kassa.bench.driving import Plan, drive
from kassa.bench.figures import Line, driven, figures
from kassa.bench.growth import growth
from kassa.bench.running import Shop, shop, stripe_alone

Workload: TypeAlias = Callable[[float], Line]

ORDER_CLIENTS = (1, 16, 64)
JOURNEY_CLIENTS = 16
WEBHOOK_CLIENTS = 32
PIECES = 100
BUYERS_A_SECOND = 1_000
_OPEN = ("received", "parked")
_PATIENCE = 60.0


def browse(seconds: float) -> Line:
    """Pages of 20 products with stock."""
    with shop() as running:
        running.stock_up(count=40)
        outcome = driven(running, visits.browse, 16, seconds, [])
        return {"clients": 16, **figures(outcome, running)}


def quote(seconds: float) -> Line:
    """Quotes of 2 items with a destination, a shipping method and a discount code."""
    with shop() as running:
        products = running.stock_up()
        asyncio.run(_selling(running))
        outcome = driven(running, visits.quote, 16, seconds, products)
        return {"clients": 16, **figures(outcome, running)}


async def _selling(running: Shop) -> None:
    """Let the shop send, and give discounts."""
    zone = {"id": "de", "name": "Germany", "places": [{"country": "DE"}]}
    method = {"id": "parcel", "name": "Parcel", "zone": "de", "price": "4.90"}
    code = {"name": "15 % off", "kind": "percentage", "percent": 15, "code": visits.CODE}
    async with running.visited() as client:
        client.token = running.token("admin")
        await client.call("PUT", "/selling", {"zones": [zone], "shippingMethods": [method]})
        await client.call("POST", "/discounts", code)


def order(seconds: float) -> Line:
    """Orders of 2 items by 1, 16 and 64 clients; the line's own figures are those of 64."""
    with shop() as running:
        products = running.stock_up()
        by_clients: dict[str, Line] = {}
        for clients in ORDER_CLIENTS:
            outcome = driven(running, visits.order, clients, seconds / len(ORDER_CLIENTS), products)
            by_clients[str(clients)] = figures(outcome, running)
        return {"clients": ORDER_CLIENTS[-1], **by_clients[str(ORDER_CLIENTS[-1])], "by_clients": by_clients}


def journey(seconds: float) -> Line:
    """Order of 2 items, session through Stripe's SDK, signed webhook, order read as CONFIRMED."""
    with shop(with_sandbox=True) as running:
        products = running.stock_up()
        outcome = driven(running, visits.journey, JOURNEY_CLIENTS, seconds, products)
        return {"clients": JOURNEY_CLIENTS, **figures(outcome, running)}


def sandbox(seconds: float) -> Line:
    """Sessions made and paid through the API of the Stripe sandbox, which is held to one core."""
    with stripe_alone() as running:
        outcome = driven(running, visits.stripe_session, 16, seconds, [])
        return {"clients": 16, **figures(outcome, running)}


def webhooks(seconds: float) -> Line:
    """A burst of webhooks is stored and then drained. `stored_only`: of a type that asks for nothing more."""
    with shop(with_sandbox=True) as running:
        products = running.stock_up()
        sessions = asyncio.run(_paid_sessions(running, products, int(10 * seconds)))
        stored_only = driven(running, visits.unheeded_webhook, WEBHOOK_CLIENTS, seconds / 3, products)
        clients = [running.client(sessions=sessions) for _ in range(WEBHOOK_CLIENTS)]
        for client in clients:
            client.tickets = ["webhook"] * int(seconds * 5)
        meter, began = Meter(running.pids), time.monotonic()
        outcome = drive(Plan(visits.webhook, clients, _PATIENCE), running.pids)
        drained = asyncio.run(_until_drained(running)) - began
        outcome.cpu |= meter.used()
        return {
            "clients": WEBHOOK_CLIENTS,
            **figures(outcome, running),
            "drained_per_second": round(len(outcome.took) / drained, 1),
            "stored_only": figures(stored_only, running),
        }


def flash_sale(seconds: float) -> Line:
    """Many buyers who come once each, for 100 pieces."""
    with shop() as running:
        product = running.stock_up(PIECES, 1)
        clients = [running.client(products=product) for _ in range(64)]
        buyers = int(BUYERS_A_SECOND * seconds)
        for number in range(buyers):
            clients[number % 64].tickets.append(running.token())
        outcome = drive(Plan(visits.one_piece, clients, _PATIENCE), running.pids)
        others = {end: count for end, count in outcome.ends.items() if end not in ("sold", "refused")}
        return {
            "clients": 64,
            **figures(outcome, running, ("sold", "refused")),
            "buyers": buyers,
            "pieces": PIECES,
            "sold": outcome.ends["sold"],
            "refused": outcome.ends["refused"],
            "is_right": outcome.ends["sold"] == min(PIECES, buyers) and not others,
        }


async def _paid_sessions(running: Shop, products: list[str], count: int) -> list[dict[str, str]]:
    """Paid sessions whose webhooks were lost on the way."""
    async with running.visited() as client:
        await client.call("POST", f"{running.sandbox}/sandbox/deliveries", {"mode": "dropped"})
        client.products = products
        found: list[dict[str, str]] = []
        while len(found) < count:
            found += await asyncio.gather(*(visits.paid_session(client) for _ in range(10)))
        return found


async def _until_drained(running: Shop) -> float:
    """Wait until every stored event was acted on; the moment."""
    async with running.visited() as client:
        client.token = running.token("admin")
        until = time.monotonic() + _PATIENCE
        while time.monotonic() < until:
            waiting = [await client.call("GET", f"/payments/admin/events?status={status}&limit=1") for status in _OPEN]
            if not any(body["pagination"]["total"] for _, body in waiting):
                return time.monotonic()
            await asyncio.sleep(0.1)
    raise RuntimeError("stored events were not acted on")


WORKLOADS: dict[str, Workload] = {
    "browse": browse,
    "quote": quote,
    "order": order,
    "journey": journey,
    "webhooks": webhooks,
    "flash-sale": flash_sale,
    "growth": growth,
    "sandbox": sandbox,
}
