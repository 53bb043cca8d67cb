"""One simulated world: two processes of one shop, Stripe, the trouble between them, and what was seen."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from kassa.app.shop import Shop
from kassa.app.stores import open_stock_file, redis_by
from kassa.app.wiring import Parts, open_shop
from kassa.contracts.order import Orders
from kassa.inventory.stock import Stock
from kassa.kit.documents import Database
from kassa.kit.idempotency import Abandoned
from kassa.kit.problem import Problem, Unavailable
from kassa.simulation.faults import LOSS
from kassa.simulation.letters import Letterbox
from kassa.simulation.memory import Client, Command, Memory
from kassa.simulation.process import KEPT, PLACE, Process, settings_in
from kassa.simulation.receiver import Receiver
from kassa.simulation.stripe import Stripe, Way
from kassa.simulation.surroundings import Surroundings

A = TypeVar("A")
REPLICAS = 2
_MOST_TRIES = 400


class World(Surroundings):
    """All that there is."""

    def __init__(self, seed: str, directory: Path, kinds: frozenset[str], often: frozenset[str]) -> None:
        super().__init__(seed, kinds, often)
        self._chance = self.chance("world")
        self.policy = self._chance.choice(["cancel", "retry"])
        has_redis = LOSS in often or self._chance.random() < 0.5
        self.memory = Memory(self.now, self.chance("stock server")) if has_redis else None
        self.stripe = Stripe(self, directory / "unused.db", self._receive)
        selling = self.chance("selling")
        self.is_rich = int(seed) % 4 == 0
        # Of those that sell plainly every eighth; and some of the others, whose totals have parts.
        self.sends_parcels = int(seed) % 8 == 6 or int(seed) % 32 == 16
        """Whether the shop has discounts, shipping and guests, writes mails, and has perhaps taxes."""
        self.answers_disputes = int(seed) % 8 == 1
        """Whether disputes are answered, in the shop and in Stripe's dashboard."""
        self.is_withdrawn_from = self.sends_parcels and (not self.is_rich or int(seed) % 128 >= 64)
        """Whether its buyers think again; of the shops with discounts and shipping half have others that do not."""
        self.is_listened_to = int(seed) % 3 == 2
        """Whether somebody wants to be told what happens; processes learn that on the way."""
        self.is_sent_to = int(seed) % 24 == 17
        """Whether they want it sent to them."""
        self.tax = selling.choice(["none", "rates", "rates", "stripe", "stripe"]) if self.is_rich else "none"
        self._settings = settings_in(directory, self.policy, self.tax, writes=self.is_rich)
        self.box, self.receiver = Letterbox(), Receiver()
        self.processes = [
            Process(self, f"process {number}", self._settings, self.stripe, self.memory, self.box, self.receiver)
            for number in range(REPLICAS)
        ]

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

        return await redis_by(Client(send), database, closing, KEPT)

    async def end(self) -> None:
        """Stop everything."""
        for task in self.background:
            task.cancel()
        await asyncio.gather(*self.background, return_exceptions=True)
        for process in self.processes:
            process.kill()
        while others := asyncio.all_tasks() - {asyncio.current_task()}:
            for other in sorted(others, key=lambda task: task.get_name()):
                other.cancel()
            await asyncio.wait(others)

    async def _receive(self, body: bytes, signature: str) -> None:
        await self.any_process().ask(lambda shop: shop.inbox.receive(body, signature))  # type: ignore[union-attr]

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
