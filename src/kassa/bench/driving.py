"""Drivers: processes that visit a shop with several clients each, and note how long every visit took."""

import asyncio
import multiprocessing
import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

import uvloop

from kassa.bench.accounting import Meter, Yardstick
from kassa.bench.calling import Calls
from kassa.bench.visits import Client, Unexpected, Visit

CLIENTS_A_DRIVER = 32
# After the last answer: what goes on in the background belongs to what was asked.
_SETTLE_SECONDS = 0.6


@dataclass(frozen=True)
class Plan:
    """Who does what for how long, with how many seconds of pause between. Before it counts, each client does `warm_up`
    for a while."""

    visit: Visit
    clients: list[Client]
    seconds: float
    warm_up: Visit | None = None
    pause: float = 0.0

    @property
    def warm_up_seconds(self) -> float:
        """Long enough for connections, caches and the first imports."""
        return min(1.0, self.seconds / 4) if self.warm_up else 0.0


@dataclass
class Outcome:
    """What the drivers saw: seconds that each visit took, how visits ended; and the CPU time that was used."""

    took: list[float]
    ends: Counter[str]
    seconds: float
    cpu: dict[str, float]
    yardstick_us: float

    def joined(self, other: "Outcome") -> "Outcome":
        """Two rounds of the same, as one."""
        cpu = {name: used + other.cpu[name] for name, used in self.cpu.items()}
        yardstick = round((self.yardstick_us + other.yardstick_us) / 2, 1)
        seconds = self.seconds + other.seconds
        return Outcome(self.took + other.took, self.ends + other.ends, seconds, cpu, yardstick)


def drive(plan: Plan, pids: dict[str, list[int]]) -> Outcome:
    """Carry the plan out and measure the processes `pids`, and the drivers', meanwhile."""
    count = -(-len(plan.clients) // CLIENTS_A_DRIVER)
    plans = [replace(plan, clients=plan.clients[number::count]) for number in range(count)]
    with _started(plans) as (processes, ends):
        for end in ends:
            end.recv()  # warmed up
        meter = Meter({**pids, "drivers": [int(process.pid or 0) for process in processes]})
        yardstick, began = Yardstick(), time.monotonic()
        for end in ends:
            end.send("go")
        results: list[tuple[list[float], Counter[str], float]] = [end.recv() for end in ends]
        time.sleep(min(_SETTLE_SECONDS, plan.seconds))
        used, yards = meter.used(), yardstick.mean_us()
        for end in ends:
            end.send("done")
    took = [each for result in results for each in result[0]]
    endings = sum((result[1] for result in results), Counter[str]())
    return Outcome(took, endings, max(result[2] for result in results) - began, used, yards)


@contextmanager
def _started(plans: Sequence[Plan]) -> Iterator[tuple[list[BaseProcess], list[Connection]]]:
    # What a driver imports is imported once, before it is forked.
    context = multiprocessing.get_context("forkserver")
    pairs = [context.Pipe() for _ in plans]
    processes: list[BaseProcess] = [
        context.Process(target=_driver, args=(plan, theirs)) for plan, (_, theirs) in zip(plans, pairs, strict=True)
    ]
    for process, (_, theirs) in zip(processes, pairs, strict=True):
        process.start()
        theirs.close()  # so that the end of a driver ends the waiting for it
    try:
        yield processes, [ours for ours, _ in pairs]
    finally:
        for process in processes:
            process.join(5)
            process.kill()


def _driver(plan: Plan, parent: Connection) -> None:
    with suppress(EOFError, BrokenPipeError):
        uvloop.run(_drive(plan, parent))


async def _drive(plan: Plan, parent: Connection) -> None:
    async with Calls() as http:
        for client in plan.clients:
            client.http = http
        if plan.warm_up:
            await _all(plan, plan.warm_up, plan.warm_up_seconds)
        parent.send("warm")
        await asyncio.to_thread(parent.recv)
        took, ends = await _all(plan, plan.visit, plan.seconds)
        parent.send((took, ends, time.monotonic()))
        await asyncio.to_thread(parent.recv)


async def _all(plan: Plan, visit: Visit, seconds: float) -> tuple[list[float], Counter[str]]:
    took: list[float] = []
    ends: Counter[str] = Counter()
    until = time.perf_counter() + seconds
    await asyncio.gather(*(_repeat(client, visit, until, took, ends, plan.pause) for client in plan.clients))
    return took, ends


async def _repeat(
    client: Client, visit: Visit, until: float, took: list[float], ends: Counter[str], pause: float
) -> None:
    has_tickets = bool(client.tickets)
    while (began := time.perf_counter()) < until and (client.tickets or not has_tickets):
        try:
            end = await visit(client)
        except (Unexpected, OSError) as error:
            end = f"{type(error).__name__}: {error}"
        took.append(time.perf_counter() - began)
        ends[end] += 1
        if pause:
            await asyncio.sleep(random.uniform(0, 2 * pause))
