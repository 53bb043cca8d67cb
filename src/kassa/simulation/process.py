"""One process of the shop: all its services and its relays, until it is killed; and again after that."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack
from contextvars import ContextVar, copy_context
from pathlib import Path
from typing import Any, TypeVar, cast

from redis.exceptions import ConnectionError as NotConnected

from kassa.app.settings import Settings, read_settings
from kassa.app.shop import Place, Shop
from kassa.app.stores import FORGETTING, open_database, open_stock_file, redis_by, tended
from kassa.app.wiring import Parts, open_shop
from kassa.app.worker import Worker
from kassa.contracts.auth import Auth
from kassa.contracts.order import Orders
from kassa.inventory.stock import Stock
from kassa.kit.clock import MINUTE, SECOND, Millis
from kassa.kit.documents import Database
from kassa.kit.problem import Unavailable
from kassa.kit.recent import WAIT, Recent
from kassa.simulation import letters
from kassa.simulation.disk import RemoteDatabase
from kassa.simulation.faults import LOSS
from kassa.simulation.memory import Client, Command, Memory
from kassa.simulation.receiver import Receiver, Road
from kassa.simulation.stripe import Stripe, Way
from kassa.simulation.surroundings import Surroundings
from kassa.stock_notices.service import JOB

A = TypeVar("A")
CALLS = {
    "inventory": ("reserve", "commit", "release", "restock", "mark", "open_stock"),
    "order": ("for_payment", "set_status", "note_refund"),
    "payment": ("close", "refund_late", "hand_over"),
}
"""What one service asks of another."""
PLACE = Place(dict.fromkeys(("product", "inventory", "order", "payment"), "kassa"), serves=False, brings_sandbox=False)
_IDLE_SECONDS = 15.0
HIDES_MISTAKES = "compare stock with orders"
"""A job that is left out, for it is there to mend what others have broken; the checkers do it in the end."""
UNASKED = "stock_notice"
"""What nobody asks for there: its relay would find nothing, and change what is found by seeds that are known."""
_TRIES = 3
KEPT: Millis = 8 * MINUTE
"""For how long the stock in Redis knows a reservation that has ended: clocks are up to three minutes apart."""
PATIENCE = 10.0
"""How long the answer to a call is waited for, in seconds."""
_running: ContextVar["Life | None"] = ContextVar("life", default=None)


class Life:
    """From one start of a process to its end, with all that it has begun."""

    def __init__(self) -> None:
        self.tasks: dict[asyncio.Task[Any], None] = {}
        self.is_over = False

    def end(self) -> None:
        """kill -9: nothing that was begun goes on."""
        self.is_over = True
        for task in list(self.tasks):
            task.cancel()


def task_factory(loop: asyncio.AbstractEventLoop, coroutine: Coroutine[Any, Any, A], **given: Any) -> "asyncio.Task[A]":
    """Note for each task whose it is, so that it ends with its process."""
    task: asyncio.Task[A] = asyncio.Task(coroutine, loop=loop, **given)
    context = given.get("context")
    life = context.get(_running) if context is not None else _running.get()
    if life is not None:
        life.tasks[task] = None
        task.add_done_callback(lambda ended: life.tasks.pop(ended, None))
    return task


class Process:
    """A process with a clock of its own. `shop` is what lives in it; None while it is down."""

    def __init__(
        self,
        world: Surroundings,
        name: str,
        settings: Settings,
        stripe: Stripe,
        memory: Memory | None,
        box: letters.Letterbox,
        receiver: Receiver,
    ) -> None:
        self.world = world
        self._box = box
        self._receiver = receiver
        self._stripe = stripe
        self._memory = memory
        self.name = name
        self.shop: Shop | None = None
        self.offset = 0.0
        self.starts = 0
        self.deeds_not_noted = 0
        self.is_up = asyncio.Event()
        self._settings = settings
        self._life = Life()
        self._context = copy_context()
        self._chance = world.chance(f"process {name}")

    # The clock of its machine

    def now(self) -> Millis:
        return int((self.world.now() + self.offset) * SECOND)

    async def sleep(self, duration: Millis) -> None:
        await asyncio.sleep(duration / SECOND)

    # Life and death

    async def live(self) -> None:
        """Start, run, be killed, and start again, for as long as the world lasts."""
        while True:
            self._life = life = Life()
            self._context = copy_context()
            self._context.run(_running.set, life)
            main = asyncio.get_running_loop().create_task(self._run(life), context=self._context)
            await asyncio.wait([main])
            await asyncio.sleep(self._chance.uniform(0.5, 20))

    async def _run(self, life: Life) -> None:
        parts = Parts(
            clock=self,
            entropy=self._chance.randbytes,
            open_database=self._open_database,
            open_stock=self._open_stock,
            processor=Way(self, self._stripe),
            postman=letters.Way(self, self._box),
            sender=lambda: Road(self, self._receiver),
            auth=cast("Auth", letters.Contacts()),
        )
        try:
            async with open_shop(self._settings, PLACE, parts) as shop:
                del shop.outboxes[UNASKED]
                self._make_unreliable(shop)
                self.starts += 1
                idle = _IDLE_SECONDS * (10 if self.world.faults.strikes("relay slow") else 1)
                jobs = [
                    job._replace(every=max(0 if job.name == FORGETTING else job.every, int(idle * SECOND)))
                    for job in shop.jobs
                    if job.name not in (HIDES_MISTAKES, JOB)
                ]
                Worker(shop.relays, jobs, shop.ids, idle_seconds=idle).start()
                self.shop = shop
                self.is_up.set()
                await asyncio.Event().wait()
        except Unavailable:
            return  # The store did not answer at the start: another try follows.
        finally:
            self.is_up.clear()
            self.shop = None
            life.end()

    def kill(self) -> None:
        """kill -9."""
        self.world.note(f"{self.name} is killed")
        self.deeds_not_noted += sum(each.waiting for each in _recent(self.shop))
        self.shop = None
        self._life.end()

    async def ask(self, question: Callable[[Shop], Awaitable[A]]) -> A:
        """Ask this process something; Unavailable if it is down, or dies before it has answered."""
        shop, life = self.shop, self._life
        if shop is None or life.is_over:
            raise Unavailable("nobody listens")

        async def answer() -> A:
            return await question(shop)

        task = asyncio.get_running_loop().create_task(answer(), context=self._context.copy())
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if life.is_over:
                raise Unavailable("the connection was cut") from None
            raise

    # What it does goes wrong

    async def pause(self, about: str = "") -> None:
        """The time that something on the network takes; the process may die meanwhile. The dead never return."""
        life = _running.get()
        await asyncio.sleep(self._chance.expovariate(400))
        if life is not None and life.is_over:
            raise asyncio.CancelledError
        if about and self.world.faults.strikes("crash", about):
            self.kill()
            raise asyncio.CancelledError
        if self.world.faults.strikes("clock jumped"):
            self.offset = self.world.faults.within("clock jumped", -60, 120)

    async def _open_database(self, settings: Settings, name: str) -> Database:
        return RemoteDatabase(await open_database(settings, name), self)

    async def _open_stock(self, shop: Shop, database: Database, orders: Orders, closing: AsyncExitStack) -> Stock:
        if self._memory is None:
            return await open_stock_file(shop.settings, closing)
        return tended(await redis_by(Client(self._send), database, closing, KEPT), shop, orders)

    async def _send(self, commands: Sequence[Command]) -> list[Any]:
        """Commands on their way to the Redis server; as redis-py does, they are sent again if no answer comes."""
        memory, faults = self._memory, self.world.faults
        assert memory is not None
        for _ in range(_TRIES):
            await self.pause("stock")
            if faults.strikes("store did not answer"):
                continue
            if faults.strikes("store write came late"):
                self.world.begin(memory.execute_late(commands, faults.lateness("store write came late")))
                continue
            answers = memory.execute(commands)
            if faults.strikes(LOSS):
                memory.restart(faults.within(LOSS, 0, 2))  # It has answered, and loses what it said.
            await self.pause("stock")
            if not faults.strikes("store answer lost"):
                return answers
        raise NotConnected("no answer")

    def _make_unreliable(self, shop: Shop) -> None:
        for service, names in CALLS.items():
            for name in names:
                called = getattr(shop, service)
                setattr(called, name, self._unreliable(getattr(called, name)))

        for recent in _recent(shop):
            recent.note = self._mortal(recent.note)  # type: ignore[method-assign]

    def _mortal(self, note: Callable[..., None]) -> Callable[..., None]:
        """What is done is noted a moment later; the process may die meanwhile."""
        faults, life, loop = self.world.faults, self._life, asyncio.get_running_loop()

        def die() -> None:
            if not life.is_over:
                self.kill()

        def noted(id: str, key: str, step: Callable[[Any], Any]) -> None:
            note(id, key, step)
            if faults.strikes("crash", id):
                loop.call_later(faults.within("crash", 0, WAIT / SECOND), die)

        return noted

    def _unreliable(self, method: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        faults = self.world.faults

        async def called(*arguments: Any) -> Any:
            about = arguments[0] if isinstance(arguments[0], str) else ""
            await self.pause(about)
            if faults.strikes("call never came", about):
                raise Unavailable("the question was lost")
            if faults.strikes("call came twice", about):
                asyncio.get_running_loop().create_task(_nobody_hears(method, arguments))
            if faults.strikes("call came late", about):
                late = faults.lateness("call came late")
                if late > PATIENCE:
                    asyncio.get_running_loop().create_task(_nobody_hears(method, arguments, late))
                await asyncio.sleep(min(late, PATIENCE))
                if late > PATIENCE:
                    raise Unavailable("the answer was not waited for")
            answer = await method(*arguments)
            if faults.strikes("answer lost", about):
                raise Unavailable("the answer was lost")
            return answer

        return called


def _recent(shop: Shop | None) -> list[Recent[Any]]:
    """What the process remembers of its documents, and has to note in them."""
    if shop is None or shop.inbox is None:
        return []
    return [shop.inbox.recent, *(outbox.recent for outbox in shop.outboxes.values())]


async def _nobody_hears(method: Callable[..., Awaitable[Any]], arguments: tuple[Any, ...], after: float = 0) -> None:
    await asyncio.sleep(after)
    with contextlib.suppress(Exception):
        await method(*arguments)


def settings_in(directory: Path, policy: str, tax: str, *, writes: bool) -> Settings:
    """The settings of a simulated shop."""
    given = {
        "PAYMENT_DECLINE_POLICY": policy,
        "TAX": tax,
        "LOG_LEVEL": "error",
        "MAIL_URL": "files" if writes else "off",
    }
    return read_settings({"KASSA_DATA": str(directory), **given})
