"""A shop as a user runs it: `kassa up` in a process of its own, spoken to over sockets."""

import asyncio
import contextlib
import os
import re
import secrets
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Any

import aiohttp

from kassa.app.files import sandbox_url

PATIENCE = 30.0
GOOD, DECLINED = "4242424242424242", "4000000000000002"


class Answer:
    """A status, headers and a JSON body."""

    def __init__(self, status: int, headers: Any, body: Any) -> None:
        self.status = status
        self.headers = headers
        self.body = body


class RunningShop:
    """One data directory and the server on it, which can be killed and started again."""

    timeout = aiohttp.ClientTimeout(total=300)

    def __init__(self, data: Path, *options: str, **settings: str) -> None:
        self.data = data
        self._options = options
        self.port = free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        self._settings = settings
        self._process: asyncio.subprocess.Process | None = None
        self.http: aiohttp.ClientSession

    async def __aenter__(self) -> "RunningShop":
        self.http = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), timeout=self.timeout)
        await self.start("--sample")
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.http.close()
        await self.stop()

    @property
    def sandbox(self) -> str:
        url = sandbox_url(self.data)
        assert url is not None
        return url

    async def start(self, *options: str) -> None:
        """Start the server and wait until it is ready."""
        command = (sys.executable, "-m", "kassa.cli.main", "up", "--data", str(self.data), "--port", str(self.port))
        with (self.data.parent / f"{self.data.name}.log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *command, *self._options, *options, env=self.environment(), stdout=log, stderr=log
            )
        await until(self._is_ready, "the shop to be ready")

    def environment(self) -> dict[str, str]:
        """The settings of this shop, for its server and for commands."""
        mine = {"KASSA_DATA": str(self.data), "RATE_LIMIT": "off", "LOG_FORMAT": "text", "PYTHONFAULTHANDLER": "1"}
        return {**os.environ, **mine, **self._settings}

    async def _is_ready(self) -> bool:
        assert self._process is not None
        assert self._process.returncode is None, "the shop has stopped; its log is beside its data"
        try:
            async with self.http.get(f"{self.base}/ready") as answer:
                return answer.status == 200
        except aiohttp.ClientError:
            return False

    @property
    def pid(self) -> int:
        """The process that was started."""
        assert self._process is not None
        return self._process.pid

    def processes(self) -> dict[str, int]:
        """The processes below the one that was started, by their names, as its log tells them."""
        log = (self.data.parent / f"{self.data.name}.log").read_text()
        return {name: int(pid) for pid, name in re.findall(r"\] started +pid=(\d+) process='?([\w ]+)", log)}

    async def stop(self) -> int:
        """Stop it as an operator does; the exit status."""
        return await self._end(signal.SIGTERM)

    async def kill(self) -> None:
        """kill -9. Of several processes those below it end by themselves: a gateway among them must not be taken for
        that of the next start."""
        await self._end(signal.SIGKILL)
        await until(self._is_down, "the last of the processes to end")

    async def _is_down(self) -> bool:
        try:
            async with self.http.get(f"{self.base}/health"):
                return False
        except aiohttp.ClientError:
            return True

    async def _end(self, how: signal.Signals) -> int:
        process = self._process
        if process is None or process.returncode is not None:
            return 0
        process.send_signal(how)
        try:
            return await asyncio.wait_for(process.wait(), PATIENCE)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGABRT)  # It says where each of its threads is (PYTHONFAULTHANDLER).
            await asyncio.sleep(1)
            log = (self.data.parent / f"{self.data.name}.log").read_text()
            raise AssertionError(f"the shop does not end: {log[-6000:]}") from None

    async def command(self, *arguments: str) -> tuple[int, str]:
        """Run a kassa command on this shop; its exit status and what it printed, or else its errors."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "kassa.cli.main",
            *arguments,
            env=self.environment(),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        printed, errors = await asyncio.wait_for(process.communicate(), 120)
        return process.returncode or 0, (printed or errors).decode()

    async def call(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """One call of the public API, or of the sandbox when `path` is an address."""
        url = path if path.startswith("http") else self.base + path
        async with self.http.request(method, url, json=body, headers=headers) as answer:
            is_json = "json" in answer.headers.get("Content-Type", "")
            return Answer(answer.status, answer.headers, await (answer.json() if is_json else answer.text()))

    async def buyer(self) -> "Buyer":
        """Somebody who has just registered."""
        account = {"email": f"{secrets.token_hex(8)}@shop.example", "password": "correct horse battery"}
        made = await self.call("POST", "/auth/register", account)
        assert made.status == 201, made.body
        return Buyer(self, made.body["token"])

    async def admin(self, role: str = "admin") -> "Buyer":
        """An administrator, or somebody else of the staff, made with the command."""
        email = f"{secrets.token_hex(8)}@shop.example"
        self._settings["KASSA_ADMIN_PASSWORD"] = "correct horse battery"
        status, printed = await self.command("admin", "create", email, "--role", role)
        assert status == 0, printed
        account = {"email": email, "password": "correct horse battery"}
        return Buyer(self, (await self.call("POST", "/auth/login", account)).body["token"])


class Buyer:
    """Somebody who is logged in."""

    def __init__(self, shop: RunningShop, token: str) -> None:
        self.shop = shop
        self.token = token

    async def call(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """One call with the token."""
        return await self.shop.call(method, path, body, Authorization=f"Bearer {self.token}", **headers)

    async def again(self) -> "Buyer":
        """The same one, logged in once more."""
        who = (await self.call("GET", "/auth/verify")).body["user"]
        account = {"email": who["email"], "password": "correct horse battery"}
        return Buyer(self.shop, (await self.shop.call("POST", "/auth/login", account)).body["token"])

    async def session_id(self) -> str:
        """The name of this session."""
        sessions = (await self.call("GET", "/auth/sessions")).body["sessions"]
        return str(next(each["id"] for each in sessions if each["isCurrent"]))

    async def product(self, stock: int, price: str = "19.99") -> str:
        """Put a product on sale (for administrators); its id."""
        new = {"name": "Mug", "description": "", "price": price, "category": "things", "stock": stock}
        made = await self.call("POST", "/products", new)
        assert made.status == 201, made.body
        return str(made.body["product"]["id"])

    async def order(self, product_id: str, quantity: int = 1, **headers: str) -> Answer:
        """Place an order of one product."""
        items = [{"productId": product_id, "quantity": quantity}]
        return await self.call("POST", "/orders", {"items": items}, **headers)

    async def checkout(self, product_id: str) -> tuple[str, str]:
        """Place an order and open its session: both ids."""
        order_id = (await self.order(product_id)).body["order"]["id"]
        session = await self.call("POST", "/payments/create-session", {"orderId": order_id})
        assert session.status == 200, session.body
        return order_id, session.body["sessionId"]

    async def pay(self, session_id: str, card: str = GOOD) -> Answer:
        """Pay at the sandbox, as its card page does."""
        url = f"{self.shop.sandbox}/sandbox/sessions/{session_id}/pay"
        return await self.shop.call("POST", url, {"card": card})

    async def status(self, order_id: str) -> str:
        """The order's status."""
        return str((await self.call("GET", f"/orders/{order_id}")).body["order"]["status"])

    async def becomes(self, order_id: str, status: str) -> None:
        """Wait until the order has this status."""

        async def has_it() -> bool:
            return await self.status(order_id) == status

        await until(has_it, f"{order_id} to be {status}")

    async def refunded(self, order_id: str, minor: int) -> None:
        """Wait until so much of the order's money was sent back."""

        async def has_been() -> bool:
            return bool((await self.call("GET", f"/payments/status/{order_id}")).body["refundedMinor"] == minor)

        await until(has_been, f"{minor} of {order_id} to be refunded")

    async def stock(self, product_id: str) -> int:
        """What can still be bought."""
        return int((await self.call("GET", f"/inventory/{product_id}")).body["stock"])

    async def has_stock(self, product_id: str, pieces: int) -> None:
        """Wait until so many can be bought: goods come back after the order says so."""

        async def has() -> bool:
            return await self.stock(product_id) == pieces

        await until(has, f"{pieces} of {product_id} to be for sale")


async def until(condition: Any, what: str, patience: float = PATIENCE) -> None:
    """Wait for a condition, with a deadline far beyond what it needs."""
    deadline = time.monotonic() + patience
    while not await condition():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        await asyncio.sleep(0.03)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
