"""One simulated world: two processes of one shop, Stripe, the trouble between them, and what was seen."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from contextvars import Context
from pathlib import Path
from random import Random
from typing import Any, NamedTuple, TypeVar

from kassa.app.shop import Shop
from kassa.app.stores import open_stock_file, redis_by
from kassa.app.wiring import Parts, open_shop
from kassa.contracts.order import Orders
from kassa.inventory.stock import Stock
from kassa.kit.audit import AuditEntry
from kassa.kit.clock import SECOND, Millis
from kassa.kit.documents import Database
from kassa.kit.effects import Aggregate
from kassa.kit.idempotency import Abandoned
from kassa.kit.problem import Problem, Unavailable
from kassa.simulation.faults import LOSS, Faults, body_of
from kassa.simulation.memory import Client, Command, Memory
from kassa.simulation.process import PLACE, Process, settings_in
from kassa.simulation.stripe import Stripe, Way

A = TypeVar("A")
REPLICAS = 2
_BEGINS = 1_800_000_000.0
_MOST_TRIES = 400


class Happening(NamedTuple):
    """Something that happened: when, in seconds; to which order, by the body of its id; what."""

    at: float
    about: str
    text: str


class TrueClock:
    """The true time, as a clock; satisfies kassa.kit.clock.Clock."""

    def __init__(self, world: "World") -> None:
        self._world = world

    def now(self) -> Millis:
        return int(self._world.now() * SECOND)

    async def sleep(self, duration: Millis) -> None:
        await asyncio.sleep(duration / SECOND)


class World:
    """`reached` are the changes of state that were made, and what had hit the order before; `history` what happened."""

    def __init__(self, seed: str, directory: Path, kinds: frozenset[str], often: frozenset[str]) -> None:
        self.seed = seed
        self.faults = Faults(seed, kinds, often, self.note)
        self.reached: set[tuple[str, str, str, str, str]] = set()
        self.violations: list[str] = []
        self._audits: dict[str, tuple[AuditEntry, ...]] = {}
        self.seen: set[tuple[str, int]] = set()
        self.history: list[Happening] = []
        self._loop = asyncio.get_running_loop()
        self._background: list[asyncio.Task[Any]] = []
        self._chance = self.chance("world")
        self.clock = TrueClock(self)
        self.policy = self._chance.choice(["cancel", "retry"])
        has_redis = LOSS in often or self._chance.random() < 0.5
        self.memory = Memory(self.now, self.chance("stock server")) if has_redis else None
        self.stripe = Stripe(self, directory / "unused.db")
        self._settings = settings_in(directory, self.policy)
        self.processes = [Process(self, f"process {number}", self._settings) for number in range(REPLICAS)]

    def now(self) -> float:
        """The true time, in seconds."""
        return _BEGINS + self._loop.time()

    def chance(self, name: str) -> Random:
        """Chances of its own for somebody, the same in every run of this seed."""
        return Random(f"{self.seed}:{name}")  # noqa: S311 - repeatable is what it must be

    def note(self, text: str, about: str = "") -> None:
        """Remember what happened, for whoever reads the history of a violation."""
        self.history.append(Happening(self._loop.time(), body_of(about), text))

    def compare_audits(self, document: Aggregate) -> None:
        """Entries are never changed or removed (I8)."""
        # Which of two writes is heard of first is not said.
        shorter, longer = sorted((document.audit, self._audits.get(document.id, ())), key=len)
        if longer[: len(shorter)] != shorter:
            self.violations.append(f"I8: the audit of {document.id} was changed")
        self._audits[document.id] = longer

    def begin(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Something that belongs to no process, so that it outlives them."""
        task = self._loop.create_task(work, context=Context())
        self._background.append(task)
        return task

    async def start(self) -> None:
        """Start the processes one after the other, and Stripe."""
        self.begin(self.stripe.live())
        for process in self.processes:
            self.begin(process.live())
            await process.is_up.wait()

    @asynccontextmanager
    async def observed(self) -> AsyncIterator[Shop]:
        """The shop as who is at the stores sees it: over no network, at the true time. Nothing is done by it."""
        parts = Parts(
            clock=self.clock,
            entropy=self.chance("observer").randbytes,
            open_stock=self._open_stock,
            processor=Way(self.processes[0], self.stripe),
        )
        async with open_shop(self._settings, PLACE, parts) as shop:
            yield shop

    async def _open_stock(self, shop: Shop, database: Database, orders: Orders, closing: AsyncExitStack) -> Stock:
        memory = self.memory
        if memory is None:
            return await open_stock_file(shop.settings, closing)

        async def send(commands: Sequence[Command]) -> list[Any]:
            return memory.execute(commands)

        return await redis_by(Client(send), database, closing)

    async def end(self) -> None:
        """Stop everything."""
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)
        for process in self.processes:
            process.kill()
        while others := asyncio.all_tasks() - {asyncio.current_task()}:
            for other in sorted(others, key=lambda task: task.get_name()):
                other.cancel()
            await asyncio.wait(others)

    def any_process(self) -> Process:
        """One of the processes, be it up or down: whoever distributes requests does not know."""
        return self._chance.choice(self.processes)

    async def insist(self, about: str, question: Callable[[Shop], Awaitable[A]]) -> A:
        """Ask the shop, again and again until it has answered; a definite refusal is an answer, and is raised. So is
        Abandoned, for what is asked under the same id then will never be done."""
        for attempt in range(_MOST_TRIES):
            try:
                return await self.ask(about, question)
            except Problem as problem:
                if problem.status < 500 or isinstance(problem, Abandoned):
                    raise
            await asyncio.sleep(self._chance.uniform(0.2, 3) * min(attempt + 1, 20))
        raise Unavailable("the shop was never to be reached")

    async def ask(self, about: str, question: Callable[[Shop], Awaitable[A]]) -> A:
        """Ask the shop once, over a network that may lose it; Unavailable if there is no answer."""
        await asyncio.sleep(self._chance.expovariate(100))
        if self.faults.strikes("call never came", about):
            raise Unavailable("the question was lost")
        process = self.any_process()
        if self.faults.strikes("call came twice", about):
            self.begin(_quietly(process, question))
        if self.faults.strikes("call came late", about):
            self.begin(_quietly(process, question, self.faults.lateness("call came late")))
            raise Unavailable("the answer was not waited for")
        answer = await process.ask(question)
        if self.faults.strikes("answer lost", about):
            raise Unavailable("the answer was lost")
        return answer


async def _quietly(process: Process, question: Callable[[Shop], Awaitable[Any]], after: float = 0) -> None:
    await asyncio.sleep(after)
    with contextlib.suppress(Problem):
        await process.ask(question)
