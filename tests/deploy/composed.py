"""The shop as compose.yaml has it, on a real container engine: spoken to through its published ports."""

import asyncio
from typing import Any

import aiohttp

from tests.deploy import images
from tests.deploy.engine import Engine
from tests.journey.running import RunningShop, until

SERVICES = ("gateway", "auth", "product", "inventory", "order", "payment")
STORES = ("mongo", "redis")
# What compose.yaml leaves to who runs it; limits are for strangers, not for tests that come from one address.
_MORE = "services:\n" + "".join(f"  {name}: {{environment: {{RATE_LIMIT: 'off'}}}}\n" for name in SERVICES)


_COMPOSE = ("compose", "-f", "deploy/compose.yaml", "-f", "deploy/more.yaml")


class ComposedShop(RunningShop):
    """The eight containers."""

    # A connection to a container that is killed is not ended: its network is gone with it.
    timeout = aiohttp.ClientTimeout(total=15)

    def __init__(self) -> None:
        self.engine = Engine()
        super().__init__(self.engine.folder / "data")
        self.base = f"http://{self.engine.address}:3000"

    @property
    def sandbox(self) -> str:
        return f"http://{self.engine.address}:12111"

    async def start(self, *options: str) -> None:
        """As docs/deployment.md says: make the secrets, build, bring it up."""
        await asyncio.to_thread(self.engine.start)
        (self.engine.shop / "deploy" / "more.yaml").write_text(_MORE)
        (self.engine.shop / "deploy" / ".env").write_text(f"FRONTEND_URL={self.base}\n")
        self.engine.run("sh", "deploy/secrets.sh", "deploy")
        arguments = [f"--build-arg={name}={image}" for name, image in images.STANDING_IN.items()]
        await self.compose("build", "--quiet", *arguments)
        await self.compose("up", "--detach", "--no-build")
        await until(self._is_ready, "the gateway to be ready", patience=120)

    async def compose(self, *arguments: str) -> str:
        """A command of compose's that must succeed."""
        return await asyncio.to_thread(self.engine.docker, *_COMPOSE, *arguments)

    async def command(self, *arguments: str) -> tuple[int, str]:
        """`docker compose run --rm kassa …`."""
        given = ("run", "--rm", "--no-TTY", "--env=KASSA_ADMIN_PASSWORD=correct horse battery", "kassa", *arguments)
        done = await asyncio.to_thread(self.engine.ask, "docker", *_COMPOSE, *given)
        return done.returncode, done.stdout + done.stderr

    async def stop(self) -> int:
        """`docker compose stop`; the worst exit status of a container."""
        await self.compose("stop")
        statuses = {name: int(self.state(name)["ExitCode"]) for name in (*SERVICES, *STORES)}
        assert not any(statuses.values()), statuses
        return 0

    async def remove(self) -> None:
        """Take everything away."""
        await self.http.close()
        await asyncio.to_thread(self.engine.remove)

    def state(self, name: str) -> Any:
        """How a container is."""
        return self.engine.inspect(f"kassa-{name}-1")["State"]

    def log(self, name: str) -> str:
        """What a container has printed."""
        done = self.engine.ask("docker", "logs", f"kassa-{name}-1")
        return done.stdout + done.stderr

    def kill_one(self, name: str) -> int:
        """`kill -9` of a container's process, as memory that ran out does it; the process."""
        pid = int(self.state(name)["Pid"])
        self.engine.run("sh", "-c", f"kill -9 {pid}")
        return pid

    def cable(self, name: str) -> str:
        """The end of a container's network cable that is in the engine's switch."""
        number = self.engine.docker("exec", f"kassa-{name}-1", "cat", "/sys/class/net/eth0/iflink").strip()
        links = self.engine.run("ip", "-oneline", "link").splitlines()
        return next(line.split()[1].partition("@")[0] for line in links if line.startswith(f"{number}:"))

    async def _is_ready(self) -> bool:
        try:
            return (await self.call("GET", "/ready")).status == 200
        except OSError:
            return False
