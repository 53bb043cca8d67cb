"""A shop as it is benched: `kassa up` in processes of its own on a directory that goes away afterwards."""

import asyncio
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager, nullcontext
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import urlencode

from kassa.app.settings import SETTINGS
from kassa.auth.tokens import Tokens
from kassa.bench.accounting import memory_mb, pss_mb
from kassa.bench.calling import Calls
from kassa.bench.visits import Client, stripe
from kassa.kit.clock import SystemClock
from kassa.kit.ids import USER, Ids

PATIENCE = 120.0
PLENTY = 1_000_000_000
_ITEMS = 20
_HANDLED = "checkout.session.completed"


class Stores(NamedTuple):
    """Servers that a shop's data is on: the settings that name them, and their processes."""

    settings: dict[str, str]
    pids: dict[str, list[int]]


class Form(NamedTuple):
    """How a shop is run: options of `kassa up`; what brings up the servers of its data, with a directory for theirs, if
    it is to be on some; settings of its own."""

    options: tuple[str, ...] = ()
    stores: Callable[[Path], AbstractContextManager[Stores]] | None = None
    settings: Mapping[str, str] = MappingProxyType({})


ONE_PROCESS = Form()
NO_LIMITS = {"BUYER_MAX_OPEN_ORDERS": "off", "ADDRESS_MAX_OPEN_ORDERS": "off", "ORDER_MAX_PIECES_IN_ALL": "off"}


class Shop:
    """A running shop. `pids` names its processes; `ready_seconds` is how long it took from its start."""

    def __init__(self, data: Path, form: Form) -> None:
        self.data = data
        self._form = form
        self.base = f"http://127.0.0.1:{_free_port()}"
        self.sandbox = ""
        self.secret = ""
        self.stores: dict[str, str] = {}
        self.pids: dict[str, list[int]] = {}
        self.ready_seconds = 0.0
        self.memory_at_rest_mb = self.memory_at_rest_pss_mb = 0.0
        self._jwt_secret = secrets.token_hex(32)
        ids = Ids(SystemClock())
        self.new_user: Callable[[], str] = lambda: ids.new(USER)
        self._tokens = Tokens([self._jwt_secret], ids, SystemClock())

    def command(self, *words: str) -> str:
        """Run a command of the same code on the shop's data, to its end; what it prints."""
        command = [sys.executable, "-m", "kassa.cli.main", *words, "--data", str(self.data / "shop")]
        environment = _environment(**self.stores)
        done = subprocess.run(command, cwd=self.data, env=environment, stdout=subprocess.PIPE, check=False, text=True)
        return done.stdout

    def token(self, role: str = "user") -> str:
        """The token of somebody new. Made here: to register 10,000 buyers would take minutes of slow hashes."""
        user = self.new_user()
        return self._tokens.issue(user, f"{user}@shop.example", role)

    def client(self, **more: Any) -> Client:
        """A client with a buyer's token."""
        return Client(self.base, self.token(), sandbox=self.sandbox, secret=self.secret, **more)

    @contextmanager
    def with_sandbox(self) -> Iterator[None]:
        """The Stripe sandbox in a process of its own, that sends the webhooks that the shop acts on."""
        with self.sandbox_alone():
            self.secret = asyncio.run(self._make_endpoint())
            yield

    @contextmanager
    def sandbox_alone(self) -> Iterator[None]:
        """The Stripe sandbox in a process of its own, that tells nobody."""
        port = _free_port()
        self.sandbox = f"http://127.0.0.1:{port}"
        command = ("sandbox", "--port", str(port), "--data", str(self.data / "stripe"))
        with _process(self.data, "sandbox", command, _environment()) as process:
            _wait_for(f"{self.sandbox}/health", process, self.data / "sandbox.log")
            self.pids["sandbox"] = [process.pid]
            yield

    async def _make_endpoint(self) -> str:
        form = {"url": f"{self.base}/payments/webhook", "enabled_events[0]": _HANDLED}
        async with Calls() as http:
            made = await stripe(self.client(http=http), "webhook_endpoints", urlencode(form).encode())
            return str(made["secret"])

    @contextmanager
    def with_stores(self) -> Iterator[None]:
        """The servers of its data, if it is to be on some."""
        if self._form.stores is None:
            yield
            return
        with self._form.stores(self.data) as stores:
            self.stores = stores.settings
            self.pids |= stores.pids
            yield

    @contextmanager
    def up(self, rest: float = 1.0) -> Iterator["Shop"]:
        """Start it, wait until it is ready, and for some seconds of `rest`, in which it imports more; stop it at the
        end."""
        settings = {"JWT_SECRET": self._jwt_secret, "RATE_LIMIT": "off", "LOG_LEVEL": "warning", "MAIL_URL": "off"}
        if self.sandbox:
            settings |= {"STRIPE_SECRET_KEY": "sk_test_bench", "STRIPE_API_BASE": self.sandbox}
            settings |= {"STRIPE_WEBHOOK_SECRET": self.secret}
            # Journeys are paid: they stay below limits, and bear what these cost.
            settings |= {
                "BUYER_MAX_OPEN_ORDERS": "1000",
                "ADDRESS_MAX_OPEN_ORDERS": "1000",
                "ORDER_MAX_PIECES_IN_ALL": "1000",
            }
        settings |= {**self.stores, **self._form.settings}
        place = ("--data", str(self.data / "shop"), "--port", self.base.rpartition(":")[2])
        command = ("up", *place, *self._form.options)
        began = time.monotonic()
        with _process(self.data, "kassa", command, _environment(**settings)) as process:
            _wait_for(f"{self.base}/ready", process, self.data / "kassa.log")
            self.ready_seconds = round(time.monotonic() - began, 2)
            self.pids["kassa"] = [process.pid, *children(process.pid)]
            time.sleep(rest)
            self.memory_at_rest_mb = round(sum(map(memory_mb, self.pids["kassa"])), 1)
            self.memory_at_rest_pss_mb = round(sum(map(pss_mb, self.pids["kassa"])), 1)
            yield self

    def stock_up(self, stock: int = PLENTY, count: int = _ITEMS) -> list[str]:
        """Put products on sale; their ids."""
        return asyncio.run(self.stocked_up(stock, count))

    async def stocked_up(self, stock: int = PLENTY, count: int = _ITEMS) -> list[str]:
        """The same, where a loop runs."""
        async with self.visited() as client:
            client.token = self.token("admin")
            made = []
            for number in range(count):
                product = {"name": f"Mug {number}", "description": "For tea.", "price": "19.99", "category": "things"}
                status, body = await client.call("POST", "/products", {**product, "stock": stock})
                if status != 201:
                    raise RuntimeError(f"no product could be made: {body}")
                made.append(str(body["product"]["id"]))
            return made

    @asynccontextmanager
    async def visited(self) -> AsyncIterator[Client]:
        """A client in this process, for what is not measured."""
        async with Calls() as http:
            yield self.client(http=http)


@contextmanager
def shop(*, with_sandbox: bool = False, form: Form = ONE_PROCESS) -> Iterator[Shop]:
    """An empty shop that runs this code."""
    with prepared(with_sandbox=with_sandbox, form=form) as made, made.up():
        yield made


@contextmanager
def prepared(*, with_sandbox: bool = False, form: Form = ONE_PROCESS) -> Iterator[Shop]:
    """A shop that is not up yet, and may be so several times over the same data, one after the other."""
    with tempfile.TemporaryDirectory(prefix="kassa-bench-") as directory:
        made = Shop(Path(directory), form)
        with made.with_stores(), made.with_sandbox() if with_sandbox else nullcontext():
            yield made


@contextmanager
def stripe_alone() -> Iterator[Shop]:
    """No shop, only the Stripe sandbox, held to one core."""
    with tempfile.TemporaryDirectory(prefix="kassa-bench-") as directory:
        made = Shop(Path(directory), ONE_PROCESS)
        with made.sandbox_alone():
            pin(made.pids["sandbox"][0], min(os.sched_getaffinity(0)))
            yield made


def pin(pid: int, core: int) -> None:
    """Hold a process, with all its threads, to one core."""
    for thread in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(thread.name), {core})


def children(pid: int) -> list[int]:
    """The processes that this one has started."""
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _environment(**settings: str) -> dict[str, str]:
    ours = {setting.name for setting in SETTINGS}
    rest = {name: value for name, value in os.environ.items() if name not in ours}
    return {**rest, **settings}


@contextmanager
def _process(
    data: Path, name: str, command: tuple[str, ...], environment: dict[str, str]
) -> Iterator["subprocess.Popen[bytes]"]:
    with (data / f"{name}.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "kassa.cli.main", *command], cwd=data, env=environment, stdout=log, stderr=log
        )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(PATIENCE)
        finally:
            process.kill()
            process.wait()


def _wait_for(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.01)
    told = log.read_text().strip().splitlines()[-3:]
    raise RuntimeError(f"{url} does not answer (status {process.poll()}): {told}")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])
