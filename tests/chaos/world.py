"""A running shop in one of its forms, with stores of its own, and what can be done to its processes."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import aiohttp

from tests.chaos.stores import Stores
from tests.journey.conftest import OPTIONS
from tests.journey.running import Buyer, RunningShop, free_port, until
from tests.outgoing.consumers import RECEIVER, Program

PATIENCE = 90.0
# So that unpaid orders end while others are placed; and the consumer is on this machine.
SETTINGS = {"ORDER_TTL_MINUTES": "2", "EVENTS_TO_PRIVATE_ADDRESSES": "allowed"}
UNANSWERED = aiohttp.ClientTimeout(total=60)


class World:
    """The shop, and its stores if its form has any. `is_troubled_twice`: two troubles come at the same time."""

    def __init__(self, shop: RunningShop, stores: Stores | None, *, is_one_process: bool) -> None:
        self.shop = shop
        self.is_one_process = is_one_process
        self.is_troubled_twice = False
        self.consumer: Program | None = None
        self._stores = stores

    @property
    def stores(self) -> Stores:
        """MongoDB and Valkey, in a form that has them."""
        assert self._stores is not None
        return self._stores

    @property
    def is_alone(self) -> bool:
        """Whether nobody else could be at its data, so that it waits for nobody's lease."""
        return self.is_one_process and self._stores is None

    def processes(self) -> dict[str, int]:
        """The processes that do the shop's work, by their names."""
        if self.is_one_process:
            return {"shop": self.shop.pid}
        return {name: pid for name, pid in self.shop.processes().items() if name != "preparation"}

    async def kill(self, name: str) -> None:
        """kill -9 of one of several processes; its supervisor starts another one."""
        killed = self.processes()[name]
        send(killed, signal.SIGKILL)

        async def is_replaced() -> bool:
            return self.processes()[name] != killed

        await until(is_replaced, f"another {name}")

    async def kill_all(self) -> None:
        """kill -9 of everything at once; then it is started again."""
        pids = [] if self.is_one_process else list(self.processes().values())
        await self.shop.kill()
        for pid in pids:
            send(pid, signal.SIGKILL)

        async def are_gone() -> bool:
            return not any(os.path.exists(f"/proc/{pid}/exe") for pid in pids)

        await until(are_gone, "the processes to be gone")
        await self._start()

    async def listen(self, admin: Buyer) -> str:
        """Have a consumer told what happens from now on; the endpoint's id."""
        port = free_port()
        made = await admin.call("POST", "/events/endpoints", {"url": f"http://127.0.0.1:{port}/"})
        assert made.status == 201, made.body
        directory = self.shop.data.parent
        self.consumer = Program(directory, "consumer", RECEIVER, SECRET=made.body["secret"], PORT=str(port))
        await self.consumer.start()
        return str(made.body["endpoint"]["id"])

    async def until_ready(self) -> None:
        """Wait until the shop says that all of it works."""

        async def is_ready() -> bool:
            with suppress(aiohttp.ClientError):
                return (await self.shop.call("GET", "/ready")).status == 200
            return False

        await until(is_ready, "the shop to be ready again", PATIENCE)

    async def _start(self) -> None:
        """While a store is away, or the disk full, the shop may end at once; whoever started it tries again."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                return await self.shop.start()
            except AssertionError:
                if not self.is_troubled_twice or time.monotonic() > deadline:
                    raise
            await asyncio.sleep(0.2)


@asynccontextmanager
async def opened(form: str, directory: Path, *, with_network: bool) -> AsyncIterator[World]:
    """A world of this form; all data and the log are in the directory afterwards."""
    stores = Stores(directory, with_network=with_network) if "mongodb" in form else None
    options, settings = OPTIONS.get(form, ()), stores.settings if stores else {}
    try:
        if stores:
            stores.start()
        async with RunningShop(directory / "data", *options, **SETTINGS, **settings) as shop:
            await shop.http.close()
            shop.http = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), timeout=UNANSWERED)
            world = World(shop, stores, is_one_process=not options)
            try:
                yield world
            finally:
                if world.consumer is not None:
                    await world.consumer.kill()
    finally:
        if stores:
            stores.end()


def send(pid: int, number: signal.Signals) -> None:
    """Send a signal to a process that may have ended."""
    with suppress(ProcessLookupError):
        os.kill(pid, number)
