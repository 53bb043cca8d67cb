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

from kassa.bench import visits
from kassa.bench.calling import Calls
from kassa.bench.driving import Outcome, Plan, drive
from kassa.bench.figures import Line, figures
from kassa.bench.filling import words
from kassa.bench.growth import MUCH, Fill, buy, fill_files, much
from kassa.bench.running import ONE_PROCESS, Form, Shop, shop
from kassa.bench.visits import Client

CLIENTS = 8
PAUSE_SECONDS = 0.1
"""Between two orders of a buyer: what is asked is how long one waits, not how many there can be."""

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
    await _asked(client, f"/orders/admin/all?limit=100&skip={MUCH.orders - random.randrange(1_000)}")


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


def beside(seconds: float, form: Form = ONE_PROCESS, fill_up: Fill = fill_files) -> Line:
    """Orders, unhurried, beside what looks at much, with 1,000,000 orders and 100,000 products stored. `ratio`: the p99
    beside the worst, by that in quiet just before; the line's own figures are the quiet ones."""
    with shop(with_sandbox=True, form=form) as running:
        asyncio.run(buy(running))
        time.sleep(1)  # what follows from it
        fill_up(running, much(seconds))
        rounds = measured(running, seconds)
        quiet = [figures(each, running) for each, _ in rounds.values()]
        beside = [figures(each, running) for _, each in rounds.values()]
        found = {
            name: {"quiet_p99_ms": before["p99_ms"], "p99_ms": after["p99_ms"], "longest_ms": _longest(pair[1])}
            | {"ratio": round(after["p99_ms"] / before["p99_ms"], 2), "wrong": after["wrong"]}
            for (name, pair), before, after in zip(rounds.items(), quiet, beside, strict=True)
        }
        return {
            "clients": CLIENTS,
            **quiet[0],
            "ratio": max(each["ratio"] for each in found.values()),
            "beside": found,
            "is_right": not any(each["wrong"] for each in (*quiet, *beside)),
        }


def _longest(outcome: Outcome) -> float:
    return round(max(outcome.took) * 1000, 1)


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


def _driven(running: Shop, products: list[str], seconds: float) -> Outcome:
    clients = [running.client(products=products) for _ in range(CLIENTS)]
    return drive(Plan(visits.order, clients, seconds, visits.order, PAUSE_SECONDS), running.pids)


@contextmanager
def _repeating(running: Shop, trouble: Trouble) -> Iterator[None]:
    """Once a second, or as soon as it is answered."""

    async def repeat(ended: threading.Event) -> None:
        async with Calls() as http:
            client = Client(running.base, running.token("admin"), http=http)
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
