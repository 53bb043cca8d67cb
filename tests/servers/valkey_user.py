"""A Valkey server whose stock user may do what the handbook says, and less than that when a test wants it."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from redis import Redis

from kassa.inventory.stock_redis import RedisStock
from tests.servers.valkey import Valkey
from tests.support import sqlite
from tests.tidy.sources import ROOT

HANDBOOK = (ROOT / "docs" / "operations.md").read_text()
ACL = next(line for line in HANDBOOK.splitlines() if line.startswith("ACL SETUSER")).replace("PASSWORD", "hidden")
COMMANDS = re.findall(r"\+(\S+)", ACL)
ALL_KEYS = ("shop", "figures", "movements", "available", "products", "held", "unmarked", "stock:*", "res:*", "done:*")
OPTIONS = ("--appendonly", "yes", "--appendfsync", "everysec", "--user", *ACL.split(" ")[2:])


def allow(inside: Redis, *rules: str) -> None:
    """Change what the user may do."""
    ask: Any = inside.execute_command
    ask("ACL", "SETUSER", "shop", *rules)


def kept(inside: Redis) -> dict[str, Any]:
    """All that is there."""
    names: Any = inside.keys("*")
    kinds: dict[str, Any] = {
        "hash": inside.hgetall,
        "zset": lambda name: inside.zrange(name, 0, -1, withscores=True),
        "stream": inside.xrange,
        "string": inside.get,
    }
    return {name: kinds[str(inside.type(name))](name) for name in names}


@asynccontextmanager
async def stock_of_user(server: Valkey, directory: Path) -> AsyncIterator[RedisStock]:
    directory.mkdir(exist_ok=True)
    async with sqlite(directory) as file:
        stock = await RedisStock.open(url_of(server), file)
        try:
            yield stock
        finally:
            await stock.close()


def url_of(server: Valkey) -> str:
    return server.url.replace("redis://", "redis://shop:hidden@")


def restore(inside: Redis) -> None:
    """The user as the handbook has it."""
    allow(inside, "reset", *ACL.split(" ")[3:])
