"""What was acknowledged is read after an election too, by whoever asks."""

import asyncio
from collections.abc import Iterator

import pytest

from kassa.kit.documents import Collection
from kassa.kit.problem import Unavailable
from kassa.storage.documents_mongo import MongoDatabase
from tests.journey.running import until
from tests.servers.mongod import Mongod, ReplicaSet
from tests.storage.test_documents import DEALS, Deal

pytestmark = pytest.mark.slow

NO_SNAPSHOTS = "disableSnapshotting"
"""A member under it does not learn what the majority has: it is the slow follower that becomes the new primary."""


@pytest.fixture
def mongods() -> Iterator[ReplicaSet]:
    three = ReplicaSet()
    try:
        three.start()
        yield three
    finally:
        three.remove()


def heal(members: list[Mongod]) -> None:
    for member in members:
        member.client.admin.command({"configureFailPoint": NO_SNAPSHOTS, "mode": "off"})


async def test_a_new_primary_is_read_only_when_it_knows_what_was_acknowledged(mongods: ReplicaSet) -> None:
    writer = await MongoDatabase.open(mongods.uri, "elected")
    reader = await MongoDatabase.open(mongods.uri, "elected", patience=2_000)
    deals: Collection[Deal] = await writer.collection(DEALS)
    others: Collection[Deal] = await reader.collection(DEALS)
    await others.get("a")
    old = mongods.primary()
    assert old is not None
    behind = [member for member in mongods.members if member is not old]
    for member in behind:
        member.client.admin.command({"configureFailPoint": NO_SNAPSHOTS, "mode": "alwaysOn"})
    deal = await deals.insert(Deal(id="a"))
    old.kill()
    await until(lambda: asyncio.to_thread(lambda: mongods.primary() is not None), "another primary")
    for read in (others.get("a"), others.find({}, limit=5), others.count({}), others.totals({}, "stage")):
        with pytest.raises(Unavailable):
            await read
    heal(behind)
    assert await others.get("a") == deal
    assert await others.count({}) == 1
    assert await deals.find({}, limit=5) == [deal]
    await writer.close()
    await reader.close()
