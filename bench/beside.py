"""What buyers notice of others: orders, quiet and beside what looks at much, with many orders and products stored."""

import asyncio
import random
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeAlias
from urllib.parse import quote

import aiohttp

from bench import visits
from bench.driving import Outcome, Plan, drive
from bench.filling import fill, fill_catalogue, words
from bench.filling_mongo import fill_mongo
from bench.running import Form, Shop, shop
from bench.visits import Client

CLIENTS = 8
PAUSE_SECONDS = 0.1
"""Between two orders of a buyer: what is asked is how long one waits, not how many there can be."""

Stored: TypeAlias = tuple[int, int]
STORED: Stored = (1_000_000, 100_000)
"""Orders and products."""

_FEW: Stored = (1_000, 1_000)
_ENOUGH_SECONDS = 10

_SEARCHES = 8
_CONSOLE = (
    "/orders/admin/analytics/orders",
    "/payments/admin/analytics/revenue",
    "/payments/admin/analytics/payments",
    "/inventory/admin/analytics/inventory",
    "/orders/admin/attention?limit=100",
    "/payments/admin/attention?limit=100",
    "/payments/admin/events?status=parked&limit=10",
    "/payments/admin/disputes?waiting=true&limit=100",
    "/payments/admin/unclaimed?limit=10",
)

Trouble: TypeAlias = Callable[[Client], Awaitable[Any]]


async def searches(client: Client) -> None:
    """Eight searches, spread over a second."""
    paths = [f"/products?q={quote(each)}" for each in words(_SEARCHES)]
    await asyncio.gather(*(_later(client, path, number / _SEARCHES) for number, path in enumerate(paths)))


async def console(client: Client) -> None:
    """All that the console's first page asks for."""
    await asyncio.gather(*(_asked(client, path) for path in _CONSOLE))


async def deep_page(client: Client) -> None:
    """The last page of all orders."""
    await _asked(client, f"/orders/admin/all?limit=100&skip={STORED[0] - random.randrange(1_000)}")


async def report(client: Client) -> None:
    """All movements of stock in a year."""
    await _asked(client, "/inventory/admin/analytics/inventory/movements?days=365")


TROUBLES: dict[str, Trouble | None] = {
    "eight searches a second": searches,
    "the console": console,
    "the deep page": deep_page,
    "a report": report,
    "an export": None,
}


@contextmanager
def filled(seconds: float, form: Form) -> Iterator[Shop]:
    """A shop with much stored, which takes minutes to fill; with little, if so few seconds tell nothing anyhow."""
    orders, products = STORED if seconds >= _ENOUGH_SECONDS else _FEW
    with shop(with_sandbox=True, form=form) as running:
        asyncio.run(_buy(running, running.stock_up(count=2)))
        if form.on_servers:
            fill_mongo(running.stores["MONGO_URI"], orders, products)
        else:
            database = running.data / "shop" / "kassa.db"
            fill(database, orders)
            fill_catalogue(database, products)
        yield running


def measured(running: Shop, seconds: float) -> dict[str, tuple[Outcome, Outcome]]:
    """By trouble, orders in quiet and beside it, in turn."""
    products = running.stock_up()
    each = seconds / 2
    found = {}
    for name, trouble in TROUBLES.items():
        quiet = _driven(running, products, each)
        with _exporting(running) if trouble is None else _repeating(running, trouble):
            found[name] = (quiet, _driven(running, products, each))
    return found


async def _buy(running: Shop, products: list[str]) -> None:
    async with running.visited() as client:
        client.products = products
        if await visits.journey(client) != visits.OK:
            raise RuntimeError("no order could be paid")
        await asyncio.sleep(1)  # what follows from it


def _driven(running: Shop, products: list[str], seconds: float) -> Outcome:
    clients = [running.client(products=products) for _ in range(CLIENTS)]
    return drive(Plan(visits.order, clients, seconds, visits.order, PAUSE_SECONDS), running.pids)


@contextmanager
def _repeating(running: Shop, trouble: Trouble) -> Iterator[None]:
    """Once a second, or as soon as it is answered."""

    async def repeat(ended: threading.Event) -> None:
        async with aiohttp.ClientSession() as http:
            client = Client(running.base, running.token("admin"))
            client.http = http
            while not ended.is_set():
                began = time.monotonic()
                await trouble(client)
                await asyncio.sleep(max(0.0, began + 1 - time.monotonic()))

    with _meanwhile(lambda ended: asyncio.run(repeat(ended))):
        yield


@contextmanager
def _exporting(running: Shop) -> Iterator[None]:
    """`kassa export`, again and again."""

    def repeat(ended: threading.Event) -> None:
        while not ended.is_set():
            running.command("export")

    with _meanwhile(repeat):
        yield


@contextmanager
def _meanwhile(repeat: Callable[[threading.Event], None]) -> Iterator[None]:
    ended = threading.Event()
    with ThreadPoolExecutor(1) as thread:
        repeating = thread.submit(repeat, ended)
        try:
            yield
        finally:
            ended.set()
        repeating.result()


async def _later(client: Client, path: str, seconds: float) -> None:
    await asyncio.sleep(seconds)
    await _asked(client, path)


async def _asked(client: Client, path: str) -> None:
    status, body = await client.call("GET", path)
    if status != 200:
        raise visits.Unexpected(f"{path}: status {status}: {body}")
