"""More than the shop can carry: orders that come at a set rate, whether or not those before them are answered."""

import asyncio
import json
import multiprocessing
import random
import resource
import statistics
import time
from collections import Counter
from collections.abc import Awaitable
from concurrent.futures import ProcessPoolExecutor
from typing import Any, NamedTuple

import uvloop

from bench.forms import FORMS
from kassa.bench import visits
from kassa.bench.accounting import Meter
from kassa.bench.calling import Calls
from kassa.bench.figures import Line, driven, figures
from kassa.bench.running import NO_LIMITS, Shop, shop

CLIENTS = 16
LOADS = {"half": 0.5, "once": 1.0, "three times": 3.0}
# Only a shop with limits refuses; and as one who passes on what others ask, a driver has all the connections it needs.
SETTINGS = {**NO_LIMITS, "RATE_LIMIT": "1000000/second", "TRUSTED_PROXIES": "127.0.0.1"}
_BUYERS = 200
ACCEPTED, REFUSED = "accepted", "refused, with Retry-After"


class Load(NamedTuple):
    """So many orders a second, for so many seconds."""

    base: str
    tokens: list[str]
    products: list[str]
    rate: float
    seconds: float


class Seen(NamedTuple):
    """How the orders of a load ended, how long each accepted one took, and until when; and the driver's CPU time."""

    ends: Counter[str]
    took: list[float]
    seconds: float
    cpu: float


def overload(seconds: float) -> Line:
    """Orders at half, one and three times the rate that 16 clients who wait for their answers come to, in each form.
    `ratio`: the p99 of what was accepted at three times, by that at half, where it is greatest; `lost`: orders that
    were answered 201 and are not stored. The line's own figures are those of six processes at capacity."""
    each = seconds / len(FORMS) / (len(LOADS) + 1)
    by_form: dict[str, Line] = {}
    for name, form in FORMS.items():
        with shop(form=form._replace(settings=SETTINGS)) as running:
            by_form[name] = _overloaded(running, each)
    return {
        "clients": CLIENTS,
        **by_form[list(FORMS)[-1]],
        "ratio": max(found["ratio"] for found in by_form.values()),
        "by_form": by_form,
        "is_right": all(found["is_right"] for found in by_form.values()),
    }


def _overloaded(running: Shop, seconds: float) -> Line:
    products = running.stock_up()
    calm = figures(driven(running, visits.order, CLIENTS, seconds, products), running)
    tokens = [running.token() for _ in range(_BUYERS)]
    stored, _ = _audited(running)
    loads: dict[str, Line] = {}
    with ProcessPoolExecutor(1, multiprocessing.get_context("forkserver")) as driver:
        for name, times in LOADS.items():
            meter = Meter(running.pids)
            load = Load(running.base, tokens, products, max(1.0, calm["throughput"]) * times, seconds)
            loads[name] = _told(load, driver.submit(_drive, load).result(), meter)
    now_stored, differences = _audited(running)
    accepted = sum(load["accepted"] for load in loads.values())
    wrong: Counter[str] = sum((Counter(load["wrong"]) for load in loads.values()), Counter(calm["wrong"]))
    return {
        **calm,
        "loads": loads,
        "ratio": round(loads["three times"]["p99_ms"] / loads["half"]["p99_ms"], 2),
        "accepted": accepted,
        "stored": now_stored - stored,
        "lost": max(0, accepted - (now_stored - stored)),
        "audit": differences,
        "wrong": dict(wrong),
        "is_right": not wrong and not differences and accepted == now_stored - stored,
    }


def _told(load: Load, seen: Seen, meter: Meter) -> Line:
    count = seen.ends.total()
    hundredths = statistics.quantiles([*seen.took, *seen.took], n=100) if seen.took else [0.0] * 99
    cpu = {**meter.used(), "drivers": seen.cpu}
    return {
        "asked_per_second": round(load.rate, 1),
        "offered": round(count / seen.seconds, 1),
        "throughput": round(seen.ends[ACCEPTED] / seen.seconds, 1),
        "accepted": seen.ends[ACCEPTED],
        "p50_ms": round(hundredths[49] * 1000, 2),
        "p99_ms": round(hundredths[98] * 1000, 2),
        "refused_share": round(seen.ends[REFUSED] / count, 4),
        "cores": {name: round(used / seen.seconds, 2) for name, used in cpu.items()},
        "wrong": {end: times for end, times in seen.ends.items() if end not in (ACCEPTED, REFUSED)},
    }


def _audited(running: Shop) -> tuple[int, list[Any]]:
    """How many orders are stored, and what does not go together."""
    found = json.loads(running.command("audit", "--json"))
    return int(found["lookedAt"]["orders"]), list(found["differences"])


def _drive(load: Load) -> Seen:
    """In a process of its own."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return uvloop.run(_loaded(load))


async def _loaded(load: Load) -> Seen:
    ends: Counter[str] = Counter()
    took: list[float] = []
    asked: set[Awaitable[None]] = set()
    began, used = time.perf_counter(), time.process_time()
    async with Calls() as calls:
        for number in range(max(1, round(load.rate * load.seconds))):
            await asyncio.sleep(max(0.0, began + number / load.rate - time.perf_counter()))
            asking = asyncio.create_task(_ask(calls, load, ends, took))
            asked.add(asking)
            asking.add_done_callback(asked.discard)
        await asyncio.gather(*asked)
    return Seen(ends, took, time.perf_counter() - began, time.process_time() - used)


async def _ask(calls: Calls, load: Load, ends: Counter[str], took: list[float]) -> None:
    items = [{"productId": product, "quantity": 1} for product in random.sample(load.products, 2)]
    headers = {"Authorization": f"Bearer {random.choice(load.tokens)}", "Content-Type": "application/json"}
    began = time.perf_counter()
    try:
        answer = await calls.request("POST", f"{load.base}/orders", json.dumps({"items": items}).encode(), headers)
    except OSError as error:
        ends[f"{type(error).__name__}: {error}"] += 1
        return
    if answer.status == 201:
        took.append(time.perf_counter() - began)
        ends[ACCEPTED] += 1
    else:
        is_refused = answer.status == 503 and "retry-after" in answer.headers
        ends[REFUSED if is_refused else f"status {answer.status}: {answer.body.decode()[:200]}"] += 1
