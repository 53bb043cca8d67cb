"""The containers of the compose file without a container engine: the same commands with the same settings, each on a
host of its own, as a user without rights, on a root that cannot be written to."""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from pymongo import MongoClient

from tests.deploy.manifests import SECRETS, compose, dockerfile, image_environment
from tests.deploy.network import Network
from tests.journey.running import RunningShop, until
from tests.servers import mongod, valkey

USER = 10001
STORES = ("mongo", "redis")
_AS_USER = f"--reuid={USER} --regid={USER} --clear-groups --bounding-set=-all --inh-caps=-all --no-new-privs"
# What can be written to: the volume, and the tmpfs that compose.yaml names, written as folder:options.
_RUN = f"""
set -e
mount --bind "$1" "$1"
for each in $2; do mount -t tmpfs -o "${{each#*:}}" tmpfs "${{each%%:*}}"; done
mount -o remount,bind,ro /
cd "$1"
shift 2
exec setpriv {_AS_USER} "$@"
"""


class ComposedShop(RunningShop):
    """The eight containers. `kassa` is the command as the image has it."""

    def __init__(self, kassa: Path) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="kassa-compose-", dir="/var/tmp"))
        self._folder.chmod(0o755)
        # Wherever the tests are installed, a container need not see it.
        self._mongod = str(shutil.copy(mongod.binary(), self._folder))
        self._valkey = str(shutil.copy(valkey.binary(), self._folder))
        super().__init__(self._folder / "payment")
        self._kassa = str(kassa)
        self._containers: dict[str, Any] = compose(
            SECRETS | {"FRONTEND_URL": "http://shop.example", "STRIPE_SECRET_KEY": "sandbox"}
        )["services"]
        self.network = Network(list(self._containers))
        self.base = f"http://{self.network.addresses['gateway']}:3000"
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    @property
    def sandbox(self) -> str:
        return f"http://{self.network.addresses['payment']}:12111"

    async def start(self, *options: str) -> None:
        """Start all, and the stores only when the services wait for them."""
        self.network.start()
        services = [name for name in self._containers if name not in STORES]
        for name in services:
            self.launch(name)

        async def all_wait() -> bool:
            return all("waiting for a store" in self.log(name) for name in services if name != "gateway")

        await until(all_wait, "the services to wait for their stores")
        for name in STORES:
            self.launch(name)
        member = {"_id": 0, "host": "mongo:27017"}
        await until(lambda: asyncio.to_thread(self._initiate, member), "MongoDB to be a replica set")
        await until(self._is_ready, "the gateway to be ready", patience=90)

    def launch(self, name: str) -> None:
        """Start a container."""
        folder = self._folder / name
        folder.mkdir(exist_ok=True)
        os.chown(folder, USER, USER)
        with (self._folder / f"{name}.log").open("ab") as log:
            self._running[name] = subprocess.Popen(
                [*self._on(name), *self._command(name)], env=self._environment(name), stdout=log, stderr=log
            )

    async def stop(self) -> int:
        """`docker compose stop`; the worst exit status."""
        statuses = [0]
        for is_store in (False, True):
            now = [self._running.pop(name) for name in list(self._running) if (name in STORES) is is_store]
            for process in now:
                process.send_signal(signal.SIGTERM)
            statuses += [await asyncio.to_thread(process.wait, 30) for process in now]
        return max(statuses)

    async def remove(self) -> None:
        """Take everything away."""
        await self.http.close()
        for process in self._running.values():
            process.kill()
            process.wait()
        self.network.remove()
        shutil.rmtree(self._folder)

    async def command(self, *arguments: str) -> tuple[int, str]:
        """`docker compose exec payment kassa …`: where the sandbox is."""
        done = await asyncio.to_thread(
            subprocess.run,
            [*self._on("payment"), self._kassa, *arguments],
            env=self._environment("payment") | {"KASSA_ADMIN_PASSWORD": "correct horse battery"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
        )
        return done.returncode, done.stdout

    def log(self, name: str) -> str:
        """What a container has printed."""
        return (self._folder / f"{name}.log").read_text()

    def pid_of(self, name: str) -> int:
        """The process of a container."""
        return self._running[name].pid

    async def is_healthy(self, name: str) -> bool:
        """What the image's health check says of a container."""
        (check,) = [rest for instruction, rest in dockerfile() if instruction == "HEALTHCHECK"]
        python, *rest = json.loads(check.partition("CMD")[2])
        command = [*self._on(name), str(Path(self._kassa).with_name(python)), *rest]
        done = await asyncio.to_thread(
            subprocess.run, command, env=self._environment(name), capture_output=True, timeout=30, check=False
        )
        return done.returncode == 0

    async def _is_ready(self) -> bool:
        ended = [name for name, process in self._running.items() if process.poll() is not None]
        assert ended == [], [self.log(name)[-1000:] for name in ended]
        try:
            return (await self.call("GET", "/ready")).status == 200
        except OSError:
            return False

    def _on(self, name: str) -> list[str]:
        folder = str(self._folder / name)
        named = [each.partition(":") for each in self._containers[name].get("tmpfs", [])]
        tmpfs = [f"{folder if path == '/data' else path}:{options or 'mode=1777'}" for path, _, options in named]
        return [*self.network.on(name), "sh", "-c", _RUN, "sh", folder, " ".join(tmpfs)]

    def _command(self, name: str) -> list[str]:
        command: list[str] = self._containers[name]["command"]
        folder = str(self._folder / name)
        if name == "mongo":
            return [self._mongod, *command[1:], "--dbpath", folder]
        if name == "redis":
            return [self._valkey, *command[1:], "--dir", folder, "--protected-mode", "no"]
        (entry,) = [json.loads(rest) for instruction, rest in dockerfile() if instruction == "ENTRYPOINT"]
        assert entry == ["kassa"]
        return [self._kassa, *command]

    def _environment(self, name: str) -> dict[str, str]:
        given = {key: str(value) for key, value in self._containers[name].get("environment", {}).items()}
        if name in STORES:
            return given
        system = {"PATH": os.environ["PATH"]}
        return system | image_environment() | given | {"KASSA_DATA": str(self._folder / name), "RATE_LIMIT": "off"}

    def _initiate(self, member: dict[str, Any]) -> bool:
        address = self.network.addresses["mongo"]
        client: MongoClient[dict[str, Any]] = MongoClient(address, directConnection=True, serverSelectionTimeoutMS=500)
        with client, contextlib.suppress(Exception):
            if client.admin.command("hello").get("isWritablePrimary"):
                return True
            client.admin.command("replSetInitiate", {"_id": "kassa", "members": [member]})
        return False
