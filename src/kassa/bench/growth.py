"""What an order and a page cost with much stored, by what with little; how long a start takes, and how much memory."""

import asyncio
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import NamedTuple, TypeAlias

from kassa.bench import visits
from kassa.bench.accounting import Meter, cpu_seconds
from kassa.bench.driving import Outcome
from kassa.bench.figures import Line, driven, figures, ratio
from kassa.bench.filling import fill, fill_catalogue
from kassa.bench.running import NO_LIMITS, ONE_PROCESS, Form, Shop, prepared
from kassa.bench.visits import Client


class Stored(NamedTuple):
    """What a shop is filled with: paid orders, and products."""

    orders: int
    products: int


LITTLE = Stored(1_000, 1_000)
MUCH = Stored(1_000_000, 100_000)
_BARELY_MORE = Stored(2_000, 2_000)
_ENOUGH_SECONDS = 10

CLIENTS = 16
_FEWEST_CALLS = 5
_WARM_UP_CALLS = 3
_WARM_UP_SECONDS = 2.0
_CALM_SECONDS, _CALM_TIMES = 0.5, 4  # What compares everything pauses in between.
_PATIENCE_SECONDS = 120.0
PAGES = {
    "the product list": "/products?limit=20",
    "the storefront": "/",
    "the console": "/console",
    "the console's orders": "/console/orders",
    "the console's products": "/console/products",
}

Fill: TypeAlias = Callable[[Shop, Stored], None]


def much(seconds: float) -> Stored:
    """What takes minutes to fill; little more than little, if so few seconds tell nothing anyhow."""
    return MUCH if seconds >= _ENOUGH_SECONDS else _BARELY_MORE


def fill_files(running: Shop, stored: Stored) -> None:
    """By SQLite's own means."""
    database = running.data / "shop" / "kassa.db"
    fill(database, stored.orders)
    fill_catalogue(database, stored.products)


def growth(seconds: float, form: Form = ONE_PROCESS, fill_up: Fill = fill_files) -> Line:
    """Orders by 16 clients, and pages one at a time, in turn with 1,000 orders and products stored and with 1,000,000
    and 100,000. `ratio` is of Kassa's CPU for an order, `page_ratio` of that for the page where it is greatest."""
    form = form._replace(settings=NO_LIMITS)
    with ExitStack() as closing:
        sides: dict[Stored, Shop] = {}
        for stored in (LITTLE, much(seconds)):
            running = closing.enter_context(prepared(with_sandbox=True, form=form))
            with running.up(rest=0):
                asyncio.run(buy(running))
            fill_up(running, stored)
            sides[stored] = closing.enter_context(running.up(rest=min(1.0, seconds)))
        afterwards = {stored: _cpu_until_calm(running) for stored, running in sides.items()}
        rounds = _orders(sides, seconds / 8)
        pages = _pages(sides, seconds / 4 / len(PAGES))
        by_orders = {
            str(stored.orders): {**figures(one.joined(two), sides[stored]), "start_cpu_seconds": afterwards[stored]}
            for stored, (one, two) in rounds.items()
        }
        little, large = by_orders.values()
        return {
            "clients": CLIENTS,
            **large,
            "ratio": ratio(large, little),
            "by_orders": by_orders,
            "page_ratio": max(page["ratio"] for page in pages.values()),
            "pages": pages,
        }


def _cpu_until_calm(running: Shop) -> float:
    """Wait until nothing is left of what a start does later on; the seconds of CPU that all of it has taken."""
    until, calm = time.monotonic() + _PATIENCE_SECONDS, 0
    while calm < _CALM_TIMES and time.monotonic() < until:
        meter = Meter(running.pids)
        time.sleep(_CALM_SECONDS)
        calm = calm + 1 if meter.used()["kassa"] < _CALM_SECONDS / 10 else 0
    return round(sum(map(cpu_seconds, running.pids["kassa"])), 2)


def _orders(sides: dict[Stored, Shop], seconds: float) -> dict[Stored, list[Outcome]]:
    products = {stored: running.stock_up() for stored, running in sides.items()}
    for stored, running in sides.items():  # What a large file's first readers and writers meet, nobody meets again.
        driven(running, visits.order, CLIENTS, min(_WARM_UP_SECONDS, seconds), products[stored])
    rounds: dict[Stored, list[Outcome]] = {stored: [] for stored in sides}
    for stored in (*sides, *sides):
        rounds[stored].append(driven(sides[stored], visits.order, CLIENTS, seconds, products[stored]))
    return rounds


def _pages(sides: dict[Stored, Shop], seconds: float) -> dict[str, Line]:
    found: dict[str, Line] = {}
    for name, path in PAGES.items():
        cost = {str(stored.orders): asyncio.run(_cost(running, path, seconds)) for stored, running in sides.items()}
        little, large = cost.values()
        found[name] = {"cpu_ms": cost, "ratio": round(large / little, 2)}
    return found


async def _cost(running: Shop, path: str, seconds: float) -> float:
    """Kassa's CPU for one call, in milliseconds."""
    async with running.visited() as client:
        client.token = running.token("admin")
        for _ in range(_WARM_UP_CALLS):
            await _seen(client, path)
        meter, calls, until = Meter(running.pids), 0, time.monotonic() + seconds
        while calls < _FEWEST_CALLS or time.monotonic() < until:
            await _seen(client, path)
            calls += 1
        # An instant is not seen by the operating system's clock of ticks.
        return round(max(0.01, meter.used()["kassa"]) / calls * 1000, 3)


async def _seen(client: Client, path: str) -> None:
    headers = {"Cookie": f"kassa_token={client.token}"}
    answer = await client.http.request("GET", client.base + path, headers=headers)
    if answer.status != 200:
        raise visits.Unexpected(f"{path}: status {answer.status}")


async def buy(running: Shop) -> None:
    """One paid order, to be copied."""
    products = await running.stocked_up(count=2)
    async with running.visited() as client:
        client.products = products
        if await visits.journey(client) != visits.OK:
            raise RuntimeError("no order could be paid")
