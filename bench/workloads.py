"""The workloads. Each starts its own shop, drives it for about `seconds`, and returns what is printed as its line."""

import asyncio
import statistics
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import Any, TypeAlias

from bench import beside as besides
from bench import visits
from bench.accounting import Meter, memory_mb
from bench.driving import Outcome, Plan, drive
from bench.filling import fill
from bench.running import ONE_PROCESS, Form, Shop, shop, stripe_alone
from bench.visits import OK, Visit

Line: TypeAlias = dict[str, Any]
Workload: TypeAlias = Callable[[float], Line]

ORDER_CLIENTS = (1, 16, 64)
JOURNEY_CLIENTS = 16
WEBHOOK_CLIENTS = 32
FORMS = (
    ("one process, SQLite", ONE_PROCESS),
    ("one process, MongoDB and Valkey", Form(on_servers=True)),
    ("six processes, MongoDB and Valkey", Form(("--split",), on_servers=True)),
)
PIECES = 100
BUYERS_A_SECOND = 1_000
STORED_BEFORE = (1_000, 100_000)
_OPEN = ("received", "parked")
_PATIENCE = 60.0


def browse(seconds: float) -> Line:
    """Pages of 20 products with stock."""
    with shop() as running:
        running.stock_up(count=40)
        outcome = _driven(running, visits.browse, 16, seconds, [])
        return {"clients": 16, **_figures(outcome, running)}


def order(seconds: float) -> Line:
    """Orders of 2 items by 1, 16 and 64 clients; the line's own figures are those of 64."""
    with shop() as running:
        products = running.stock_up()
        by_clients: dict[str, Line] = {}
        for clients in ORDER_CLIENTS:
            outcome = _driven(running, visits.order, clients, seconds / len(ORDER_CLIENTS), products)
            by_clients[str(clients)] = _figures(outcome, running)
        return {"clients": ORDER_CLIENTS[-1], **by_clients[str(ORDER_CLIENTS[-1])], "by_clients": by_clients}


def journey(seconds: float) -> Line:
    """Order of 2 items, session through Stripe's SDK, signed webhook, order read as CONFIRMED."""
    with shop(with_sandbox=True) as running:
        products = running.stock_up()
        outcome = _driven(running, visits.journey, JOURNEY_CLIENTS, seconds, products)
        return {"clients": JOURNEY_CLIENTS, **_figures(outcome, running)}


def forms(seconds: float) -> Line:
    """The paid journey in each form, in turn. `ratio`: Kassa's CPU in six processes, by that in one on SQLite. The
    line's own figures are those of six processes."""
    with ExitStack() as closing:
        running = {name: closing.enter_context(shop(with_sandbox=True, form=form)) for name, form in FORMS}
        products = {name: each.stock_up() for name, each in running.items()}
        rounds: dict[str, list[Outcome]] = {name: [] for name in running}
        for name in (*running, *running):
            outcome = _driven(running[name], visits.journey, JOURNEY_CLIENTS, seconds / 6, products[name])
            rounds[name].append(outcome)
        by_form = {name: _figures(one.joined(two), running[name]) for name, (one, two) in rounds.items()}
        cost = [figures["cpu_ms"]["kassa"] for figures in by_form.values()]
        last = by_form[FORMS[-1][0]]
        return {"clients": JOURNEY_CLIENTS, **last, "ratio": round(cost[-1] / cost[0], 2), "by_form": by_form}


def clients(seconds: float) -> Line:
    """Small questions by aiohttp and by httpx, in turn. `ratio`: what asking costs with httpx, by what with aiohttp."""
    asks = {"aiohttp": visits.ask_by_aiohttp, "httpx": visits.ask_by_httpx}
    with shop() as running:
        rounds: dict[str, list[Outcome]] = {name: [] for name in asks}
        for name in (*asks, *asks):
            rounds[name].append(_driven(running, asks[name], JOURNEY_CLIENTS, seconds / 4, []))
        by_client = {name: _figures(one.joined(two), running) for name, (one, two) in rounds.items()}
        cost = {name: figures["cpu_ms"]["drivers"] for name, figures in by_client.items()}
        ratio = round(cost["httpx"] / cost["aiohttp"], 2)
        return {"clients": JOURNEY_CLIENTS, **by_client["aiohttp"], "ratio": ratio, "by_client": by_client}


def sandbox(seconds: float) -> Line:
    """Sessions made and paid through the API of the Stripe sandbox, which is held to one core."""
    with stripe_alone() as running:
        outcome = _driven(running, visits.stripe_session, 16, seconds, [])
        return {"clients": 16, **_figures(outcome, running)}


def webhooks(seconds: float) -> Line:
    """A burst of webhooks is stored and then drained. `stored_only`: of a type that asks for nothing more."""
    with shop(with_sandbox=True) as running:
        products = running.stock_up()
        sessions = asyncio.run(_paid_sessions(running, products, int(10 * seconds)))
        stored_only = _driven(running, visits.unheeded_webhook, WEBHOOK_CLIENTS, seconds / 3, products)
        clients = [running.client(sessions=sessions) for _ in range(WEBHOOK_CLIENTS)]
        for client in clients:
            client.tickets = ["webhook"] * int(seconds * 5)
        meter, began = Meter(running.pids), time.monotonic()
        outcome = drive(Plan(visits.webhook, clients, _PATIENCE), running.pids)
        drained = asyncio.run(_until_drained(running)) - began
        outcome.cpu |= meter.used()
        return {
            "clients": WEBHOOK_CLIENTS,
            **_figures(outcome, running),
            "drained_per_second": round(len(outcome.took) / drained, 1),
            "stored_only": _figures(stored_only, running),
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
            **_figures(outcome, running, ("sold", "refused")),
            "buyers": buyers,
            "pieces": PIECES,
            "sold": outcome.ends["sold"],
            "refused": outcome.ends["refused"],
            "is_right": outcome.ends["sold"] == min(PIECES, buyers) and not others,
        }


def growth(seconds: float) -> Line:
    """What an order costs with few and with many orders stored: both shops in turn. `ratio` is of Kassa's CPU."""
    few, many = STORED_BEFORE
    with shop() as small, shop() as large:
        sides = {few: (small, small.stock_up()), many: (large, large.stock_up())}
        for stored, (running, products) in sides.items():
            _driven(running, visits.order, 1, 0.1, products)
            fill(running.data / "shop" / "kassa.db", stored)
        rounds: dict[int, list[Outcome]] = {few: [], many: []}
        for stored in (few, many, few, many):
            running, products = sides[stored]
            rounds[stored].append(_driven(running, visits.order, 16, seconds / 4, products))
        by_orders = {
            str(stored): _figures(first.joined(second), sides[stored][0]) for stored, (first, second) in rounds.items()
        }
        cost = {stored: figures["cpu_ms"]["kassa"] for stored, figures in by_orders.items()}
        ratio = round(cost[str(many)] / cost[str(few)], 2)
        return {"clients": 16, **by_orders[str(many)], "ratio": ratio, "by_orders": by_orders}


def beside(seconds: float, form: Form = ONE_PROCESS) -> Line:
    """Orders, unhurried, beside what looks at much, with 1,000,000 orders and 100,000 products stored. `ratio`: the p99
    beside the worst, by that in quiet just before; the line's own figures are the quiet ones."""
    with besides.filled(seconds, form) as running:
        rounds = besides.measured(running, seconds)
        quiet = [_figures(each, running) for each, _ in rounds.values()]
        beside = [_figures(each, running) for _, each in rounds.values()]
        found = {
            name: {"quiet_p99_ms": before["p99_ms"], "p99_ms": after["p99_ms"], "longest_ms": _longest(pair[1])}
            | {"ratio": round(after["p99_ms"] / before["p99_ms"], 2), "wrong": after["wrong"]}
            for (name, pair), before, after in zip(rounds.items(), quiet, beside, strict=True)
        }
        return {
            "clients": besides.CLIENTS,
            **quiet[0],
            "ratio": max(each["ratio"] for each in found.values()),
            "beside": found,
            "is_right": not any(each["wrong"] for each in (*quiet, *beside)),
        }


def _longest(outcome: Outcome) -> float:
    return round(max(outcome.took) * 1000, 1)


def _driven(running: Shop, visit: Visit, clients: int, seconds: float, products: list[str]) -> Outcome:
    visitors = [running.client(products=products) for _ in range(clients)]
    return drive(Plan(visit, visitors, seconds, warm_up=visit), running.pids)


def _figures(outcome: Outcome, running: Shop, right: tuple[str, ...] = (OK,)) -> Line:
    """What every line has: per second, latencies, CPU of each process per operation, memory; and what went wrong."""
    count = max(1, len(outcome.took))
    hundredths = statistics.quantiles([*outcome.took, *outcome.took], n=100) if outcome.took else [0.0] * 99
    return {
        "operations": len(outcome.took),
        "seconds": round(outcome.seconds, 2),
        "throughput": round(len(outcome.took) / outcome.seconds, 1),
        "p50_ms": round(hundredths[49] * 1000, 2),
        "p99_ms": round(hundredths[98] * 1000, 2),
        "cpu_ms": {name: round(used / count * 1000, 3) for name, used in outcome.cpu.items()},
        "yardstick_us": outcome.yardstick_us,
        "memory_mb": {name: sum(memory_mb(pid) for pid in pids) for name, pids in running.pids.items()},
        "memory_at_rest_mb": running.memory_at_rest_mb,
        "ready_seconds": running.ready_seconds,
        "wrong": {end: times for end, times in outcome.ends.items() if end not in right},
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
    "order": order,
    "journey": journey,
    "forms": forms,
    "clients": clients,
    "sandbox": sandbox,
    "webhooks": webhooks,
    "flash-sale": flash_sale,
    "growth": growth,
    "beside": beside,
    "beside-servers": partial(beside, form=Form(on_servers=True)),
}
