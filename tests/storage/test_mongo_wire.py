"""Commands that go past the driver's layers: no connection gives a caller another's answer, no write is done twice."""

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator
from typing import Any

import msgspec
import pytest

from kassa.kit.documents import Collection, Conflict
from kassa.storage.documents_mongo import MongoDatabase
from tests.servers.mongod import Mongod, ReplicaSet, running
from tests.storage.test_documents import DEALS, Deal
from tests.storage.worlds import mongo


@pytest.fixture(scope="module")
def server() -> Iterator[Mongod]:
    """A server that may be mistreated."""
    with running() as own:
        yield own


@pytest.fixture
async def database(server: Mongod) -> AsyncIterator[MongoDatabase]:
    async with mongo(server=server) as opened:
        yield opened


@pytest.fixture
async def deals(database: MongoDatabase) -> Collection[Deal]:
    return await database.collection(DEALS)


def connections(server: Mongod) -> int:
    return int(server.client.admin.command("serverStatus")["connections"]["current"])


async def test_what_was_done_before_the_server_went_away_is_not_done_twice(
    server: Mongod, deals: Collection[Deal]
) -> None:
    going: dict[str, Any] = {"code": 91, "errmsg": "shutting down"}  # The write is in, whether it stays is open.
    server.fail("insert", writeConcernError=going)
    stored = await deals.insert(Deal(id="a"))
    server.fail("update", writeConcernError=going)
    saved = await deals.save(msgspec.structs.replace(stored, amount=1))
    assert saved.version == 2
    assert await deals.get("a") == saved
    with pytest.raises(Conflict):
        await deals.save(stored)


async def test_an_answer_that_nobody_waits_for_any_more_is_nobody_else_s(
    server: Mongod, deals: Collection[Deal]
) -> None:
    written = await asyncio.gather(*(deals.insert(Deal(id=name)) for name in "ab"))
    server.fail("find", blockConnection=True, blockTimeMS=300)
    left = asyncio.create_task(deals.many(["a"]))
    await asyncio.sleep(0.1)
    left.cancel()
    with pytest.raises(asyncio.CancelledError):
        await left
    for _ in range(20):
        assert await deals.many(["b"]) == written[1:]
        await asyncio.sleep(0.02)


async def test_what_stays_borrowed_is_bounded_and_given_back(server: Mongod, database: MongoDatabase) -> None:
    before = connections(server)
    async with mongo(server=server) as other:
        collection = await other.collection(DEALS)
        for _ in range(5):
            await asyncio.gather(*(collection.many([str(n)]) for n in range(200)))
        assert connections(server) <= before + 40  # The driver makes 32, and some to watch the server.
        await asyncio.gather(*(collection.totals({}, "stage") for _ in range(3)))
    while connections(server) > before:
        await asyncio.sleep(0.02)


@pytest.mark.slow
async def test_a_member_that_hangs_is_left_for_the_next_primary() -> None:
    mongods = ReplicaSet()
    try:
        mongods.start()
        database = await MongoDatabase.open(mongods.uri, "hung", patience=15_000)
        deals = await database.collection(DEALS)
        stored = await deals.insert(Deal(id="a"))
        hanging = mongods.primary()
        assert hanging is not None
        hanging.signal(signal.SIGSTOP)
        saved = await deals.save(stored)
        hanging.signal(signal.SIGCONT)
        assert await deals.get("a") == saved
        await database.close()
    finally:
        mongods.remove()
