"""What goes wrong. Each trouble lasts from its beginning until everything has its chance again."""

import asyncio
import os
import resource
import shutil
import signal
from collections.abc import Awaitable, Callable
from contextlib import suppress
from random import Random
from typing import NamedTuple

from tests.chaos.stores import HOSTS
from tests.chaos.world import World, send


async def kill(world: World, chance: Random) -> None:
    """kill -9 of the shop; of several processes one at random, or all. And now and then of who is told its events."""
    if world.consumer is not None and chance.random() < 0.4:
        await world.consumer.kill()
        await asyncio.sleep(chance.uniform(0, 1))
        await world.consumer.start()
    victim = chance.choice(sorted(world.processes()))
    if world.is_one_process or chance.random() < 0.3:
        await world.kill_all()
    else:
        await world.kill(victim)


async def hang(world: World, chance: Random) -> None:
    """SIGSTOP, of several processes one at random or all; SIGCONT some seconds later."""
    processes = world.processes()
    one = [processes[chance.choice(sorted(processes))]]
    await _stop(one if chance.random() < 0.6 else list(processes.values()), chance)


async def disk_full(world: World, chance: Random) -> None:
    """No file of the shop's processes can grow, the log neither: every write fails, in the middle too."""
    limits: dict[int, tuple[int, int]] = {}
    for pid in world.processes().values():
        with suppress(ProcessLookupError):
            limits[pid] = resource.prlimit(pid, resource.RLIMIT_FSIZE)
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (4096, limits[pid][1]))
    try:
        await asyncio.sleep(chance.uniform(0.2, 2))
    finally:
        for pid, limit in limits.items():
            with suppress(ProcessLookupError):
                resource.prlimit(pid, resource.RLIMIT_FSIZE, limit)


async def kill_mongodb(world: World, chance: Random) -> None:
    """kill -9; started again a little later."""
    mongod = world.stores.mongod
    mongod.kill()
    await asyncio.sleep(chance.uniform(0, 2))
    mongod.launch()
    await asyncio.to_thread(mongod.wait_until_primary)


async def kill_valkey(world: World, chance: Random) -> None:
    """kill -9; started again a little later."""
    async with world.stores.killing_valkey:
        world.stores.valkey.kill()
        await asyncio.sleep(chance.uniform(0, 2))
        world.stores.valkey.start()


async def lose_writes(world: World, chance: Random) -> None:
    """A power cut: Valkey comes back without what it was told in the last moments, a second at most."""
    valkey = world.stores.valkey
    async with world.stores.killing_valkey:
        kept = valkey.logged()
        await asyncio.sleep(chance.uniform(0.05, 0.95))
        valkey.kill()
        valkey.lose(kept)
        valkey.start()


async def hang_mongodb(world: World, chance: Random) -> None:
    """SIGSTOP; SIGCONT some seconds later."""
    await _stop([world.stores.mongod.pid], chance)


async def hang_valkey(world: World, chance: Random) -> None:
    """SIGSTOP; SIGCONT some seconds later."""
    await _stop([world.stores.valkey.pid], chance)


async def _stop(pids: list[int], chance: Random) -> None:
    for pid in pids:
        send(pid, signal.SIGSTOP)
    try:
        await asyncio.sleep(chance.uniform(1, 6))
    finally:
        for pid in pids:
            send(pid, signal.SIGCONT)


async def lose_packets(world: World, chance: Random) -> None:
    """Every packet from and to a store, or both, is dropped in bursts: many short ones, few of seconds."""
    network = world.stores.network
    assert network is not None
    for _ in range(chance.randint(2, 5)):
        hosts = chance.choice([HOSTS, HOSTS[:1], HOSTS[1:]])
        for host in hosts:
            network.cut(host)
        try:
            await asyncio.sleep(0.05 * 60 ** chance.random())
        finally:
            for host in hosts:
                network.mend(host)
        await asyncio.sleep(chance.uniform(0.05, 0.5))


class Trouble(NamedTuple):
    """A name, what many of it are called, what has to be there for it, and the thing itself."""

    name: str
    plural: str
    needs: str
    strike: Callable[[World, Random], Awaitable[None]]


TROUBLES = {
    each.name: each
    for each in (
        Trouble("kill", "kills", "a shop", kill),
        Trouble("hang", "hangs", "a shop", hang),
        Trouble("disk full", "full disks", "a shop", disk_full),
        Trouble("kill mongodb", "kills of MongoDB", "stores", kill_mongodb),
        Trouble("kill valkey", "kills of Valkey", "stores", kill_valkey),
        Trouble("hang mongodb", "hangs of MongoDB", "stores", hang_mongodb),
        Trouble("hang valkey", "hangs of Valkey", "stores", hang_valkey),
        Trouble("valkey loses its last writes", "losses of Valkey's last writes", "stores", lose_writes),
        Trouble("packets lost", "times of lost packets", "a network", lose_packets),
    )
}


def of(form: str) -> list[Trouble]:
    """The troubles that a form of the shop can have."""
    return [each for each in TROUBLES.values() if each.needs == "a shop" or "mongodb" in form]


def why_not(trouble: Trouble) -> str:
    """Why this machine cannot make the trouble; empty if it can."""
    if trouble.needs == "a network" and (os.geteuid() != 0 or shutil.which("ip") is None):
        return "network namespaces need root, Linux and the command ip"
    return ""
