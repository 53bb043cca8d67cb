"""MongoDB and Valkey of a shop in chaos: on this machine, or each on a host of its own."""

import asyncio
import ctypes
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pymongo import MongoClient

from tests.deploy.network import Network
from tests.servers.mongod import Mongod
from tests.servers.valkey import Valkey

HOSTS = ("mongodb", "valkey")
_CLONE_NEWNET = 0x40000000


class Stores:
    """Both servers. With a `network` every packet between them and the shop can be dropped."""

    def __init__(self, directory: Path, *, with_network: bool) -> None:
        self._directory = directory
        self.network = Network(HOSTS) if with_network else None
        self.mongod = DistantMongod(self.network) if self.network else Mongod()
        folder = directory / "valkey"
        self.valkey = DistantValkey(self.network, folder) if self.network else Valkey(folder)
        self.killing_valkey = asyncio.Lock()

    @property
    def settings(self) -> dict[str, str]:
        """Where the shop finds them."""
        return {"MONGO_URI": self.mongod.uri, "REDIS_URL": self.valkey.url}

    def start(self) -> None:
        """Start both, and wait until they answer."""
        if self.network:
            self.network.start()
        self.mongod.start()
        self.valkey.start()

    def end(self) -> None:
        """Stop both; their data are in the directory afterwards."""
        self.mongod.client.close()
        self.mongod.kill()
        self.valkey.kill()
        shutil.move(self.mongod.directory, self._directory / "mongodb")
        if self.network:
            self.network.remove()


class DistantMongod(Mongod):
    """A MongoDB on the host `mongodb`."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self._network = network
        self._address = (network.addresses["mongodb"], self.port)
        self._host = f"{self._address[0]}:{self.port}"
        self._is_set_up = False
        self.uri = f"mongodb://{self._host}/?replicaSet=kassa"
        self.client.close()
        self.client: MongoClient[dict[str, Any]] = MongoClient(
            f"mongodb://{self._host}/?directConnection=true", serverSelectionTimeoutMS=500, connect=False
        )

    def launch(self) -> None:
        with _on(self._network, "mongodb"):
            super().launch()

    def wait_until_primary(self) -> None:
        if not self._is_set_up:
            self.wait_until_listening()
            member = {"_id": 0, "host": self._host}
            self.client.admin.command("replSetInitiate", {"_id": "kassa", "members": [member]})
            self._is_set_up = True
        super().wait_until_primary()

    def _listens(self) -> bool:
        with socket.create_connection(self._address, timeout=1):
            return True

    def _command(self) -> list[str]:
        return [self._address[0] if each == "127.0.0.1" else each for each in super()._command()]


class DistantValkey(Valkey):
    """A Valkey on the host `valkey`."""

    def __init__(self, network: Network, directory: Path) -> None:
        host = network.addresses["valkey"]
        every_second = ("--appendonly", "yes", "--appendfsync", "everysec")
        super().__init__(directory, *every_second, "--bind", host, "--protected-mode", "no")
        self._network = network
        self.url = f"redis://{host}:{self.port}/0"

    def start(self) -> None:
        with _on(self._network, "valkey"):
            super().start()


@contextmanager
def _on(network: Network, host: str) -> Iterator[None]:
    """What this thread starts, and connects to, meanwhile is on that host."""
    here, there = Path("/proc/thread-self/ns/net"), Path("/run/netns") / network.on(host)[-1]
    with here.open() as back, there.open() as forth:
        _enter(forth.fileno())
        try:
            yield
        finally:
            _enter(back.fileno())


def _enter(namespace: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(namespace, _CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "the other host cannot be entered")
