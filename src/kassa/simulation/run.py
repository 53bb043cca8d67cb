"""One run from one seed: what was found, and a violation made as small as it can be shown."""

import asyncio
import random
import re
import tempfile
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from kassa.app.shop import Shop, present
from kassa.simulation import invariants, process
from kassa.simulation.books import Books
from kassa.simulation.faults import KINDS
from kassa.simulation.loop import SimulatedLoop, Stuck
from kassa.simulation.offers import kinds_of
from kassa.simulation.receiver import URL
from kassa.simulation.surroundings import Happening
from kassa.simulation.workload import Workload
from kassa.simulation.world import World

BUYERS = 120
_LOOK_EVERY = 60.0
_LEDGER_EVERY = 5 * _LOOK_EVERY
_SERVED_WITHIN = 24 * 3600.0
_SETTLED_WITHIN = 8 * 3600.0
_LINES = 40
_ID = re.compile(r"_([0-9a-z]{26})")
_SHARED = Path("/dev/shm")  # noqa: S108 - memory is enough for what dies with the run


@dataclass(frozen=True)
class Plan:
    """What determines a run, to the letter."""

    seed: int
    buyers: int = BUYERS
    kinds: frozenset[str] = frozenset(KINDS)
    often: frozenset[str] = frozenset()


@dataclass
class Result:
    """What a run found. `seconds` is simulated time; `deeds_not_noted` are effects that were carried out, and events
    that were acted on, by a process that was killed before it had noted it. `among`: how many orders were a guest's,
    with a code, a destination, a tax, or for nothing."""

    plan: Plan
    violations: list[str] = field(default_factory=list)
    orders: int = 0
    restarts: int = 0
    deeds_not_noted: int = 0
    seconds: float = 0.0
    faults: Counter[str] = field(default_factory=Counter)
    reached: set[tuple[str, str, str, str, str]] = field(default_factory=set)
    history: list[Happening] = field(default_factory=list)
    ends: Counter[str] = field(default_factory=Counter)
    among: Counter[str] = field(default_factory=Counter)


def run(plan: Plan) -> Result:
    """Run a world to its end; the same plan gives the same result."""
    random.seed(f"{plan.seed}:library")
    loop = SimulatedLoop()
    factory: Any = process.task_factory  # Its own type is too narrow for what the library's stubs say.
    loop.set_task_factory(factory)
    result = Result(plan)
    with tempfile.TemporaryDirectory(dir=_SHARED if _SHARED.is_dir() else None) as directory:
        try:
            loop.run_until_complete(_live(plan, Path(directory), result))
        except Stuck:
            result.violations.append("liveness: everybody waits for ever")
        finally:
            loop.run_until_complete(_cleared_up(loop))
            loop.close()
    return result


def history_of(result: Result) -> list[Happening]:
    """What happened to the orders that the violations name; the last that happened, if they name none."""
    named = set(_ID.findall(" ".join(result.violations)))
    return [each for each in result.history if each.about in named] or result.history[-_LINES:]


def shrunk(result: Result) -> Result:
    """The same seed with fewer buyers and fewer kinds of trouble, as long as something is still violated."""
    smallest = result
    for buyers in (3, 6, 12, 25, 50):
        if buyers < smallest.plan.buyers and (found := run(replace(smallest.plan, buyers=buyers))).violations:
            smallest = found
            break
    for kind in KINDS:
        fewer = replace(smallest.plan, kinds=smallest.plan.kinds - {kind})
        if kind in smallest.plan.kinds and (found := run(fewer)).violations:
            smallest = found
    return smallest


async def _live(plan: Plan, directory: Path, result: Result) -> None:
    world = World(str(plan.seed), directory, plan.kinds, plan.often)
    workload = Workload(world, plan.buyers)
    try:
        await world.start()
        async with world.observed() as shop:
            if world.is_listened_to:
                await present(shop.events, "order").listen(is_on=True)
            if world.is_sent_to:
                _, world.receiver.secret = await present(shop.endpoints, "order").make(URL, (), "")
            watching = world.begin(_watch(world, shop, workload, result))
            try:
                await asyncio.wait_for(workload.run(), _SERVED_WITHIN)
            except TimeoutError:
                result.violations.append("liveness: somebody was never served")
            world.faults.calm()
            await _settle(world, shop, result)
            if watching.done():
                watching.result()  # It goes on for ever, or has raised.
            watching.cancel()
            result.violations += await invariants.afterwards(shop, world.stripe, workload)
            result.violations += world.violations
            books = await Books.of(shop, world.stripe)
            result.ends.update(str(order.stage) for order in books.orders.values())
            result.orders = len(books.orders)
            result.among.update(kind for order in books.orders.values() for kind in kinds_of(order, workload.offers))
    except Exception as error:  # A service has raised what is no problem of its contract: a 500.
        result.violations.append(f"unexpected: {type(error).__name__}: {error}")
    finally:
        result.seconds = asyncio.get_running_loop().time()
        result.restarts = sum(process.starts - 1 for process in world.processes)
        result.deeds_not_noted = sum(process.deeds_not_noted for process in world.processes)
        result.faults, result.reached, result.history = world.faults.counts, world.reached, world.history
        await world.end()


async def _cleared_up(loop: SimulatedLoop) -> None:
    """What cancelled tasks were in the midst of has come to its end."""
    await loop.shutdown_asyncgens()
    for _ in range(3):
        await asyncio.sleep(0)


async def _watch(world: World, shop: Shop, workload: Workload, result: Result) -> None:
    """Look again and again whether what must always hold does."""
    loop = asyncio.get_running_loop()
    ledger_at = 0.0
    while True:
        await asyncio.sleep(_LOOK_EVERY)
        found = await invariants.money(shop, world.stripe)
        # To sum a ledger up takes long where it is among the documents.
        if world.memory is None or loop.time() >= ledger_at:
            ledger_at = loop.time() + _LEDGER_EVERY
            found += await invariants.stock(shop, workload.counted)
        result.violations += [each for each in found if each not in result.violations]


async def _settle(world: World, shop: Shop, result: Result) -> None:
    """Wait until everything has come to its end."""
    loop = asyncio.get_running_loop()
    until = loop.time() + _SETTLED_WITHIN
    waiting: list[str] = []
    while loop.time() < until:
        await asyncio.sleep(300)
        if not (waiting := await invariants.at_rest(shop, world.stripe)):
            return
    result.violations += waiting[:10]
