"""Documents in MongoDB: what is stored, by which indexes it is found, what may be changed from release to release."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from kassa.kit.documents import (
    Between,
    Collection,
    CollectionSpec,
    Conflict,
    Document,
    Index,
    Where,
    change,
)
from kassa.storage.documents_mongo import MongoDatabase
from tests.servers import mongod
from tests.storage.test_documents import DEALS, Deal, Stage
from tests.storage.worlds import mongo


@pytest.fixture
async def database() -> AsyncIterator[MongoDatabase]:
    async with mongo() as opened:
        yield opened


async def profiled(database: MongoDatabase, **which: Any) -> list[dict[str, Any]]:
    """What the server was asked to do with the deals since its profiler was set on, and forget it."""
    await database.raw.command("profile", 0)
    profile = database.raw["system.profile"]
    found = await profile.find({"ns": f"{database.name}.deals", **which}).sort("$natural").to_list()
    await profile.drop()
    return found


async def listen(database: MongoDatabase) -> None:
    await database.raw.command("profile", 2)


@pytest.mark.parametrize(
    ("where", "index"),
    [
        ({"user_id": "u7"}, "{ user_id: 1, _id: 1 }"),
        ({"stage": Stage.PAID}, "{ stage: 1, _id: 1 }"),
        ({"is_open": True}, "{ is_open: 1, _id: 1 }"),
        ({"user_id": "u7", "key": "k207"}, "{ user_id: 1, key: 1 }"),
        ({"user_id": "u7", "amount": Between(0, 2)}, "{ user_id: 1, _id: 1 }"),
        ({"id": "n107"}, "{ _id: 1 }"),
    ],
)
async def test_queries_go_by_the_declared_index_and_never_sort(
    database: MongoDatabase, where: Where, index: str
) -> None:
    deals = await database.collection(DEALS)
    kinds: list[dict[str, Any]] = [{"stage": Stage.PAID, "is_open": True} if n % 20 == 7 else {} for n in range(400)]
    made = [Deal(id=f"n{n:03}", user_id=f"u{n % 20}", key=f"k{n}", **kind) for n, kind in enumerate(kinds)]
    await asyncio.gather(*(deals.insert(deal) for deal in made))
    await listen(database)
    await deals.find(where, limit=5)
    await deals.find(where, limit=5, after="n300")
    await deals.count(where)
    await deals.first(where)
    for each in await profiled(database):
        assert index in each["planSummary"]
        assert each["docsExamined"] <= 20
        if "key" not in where:  # at most one document: there is nothing to sort
            assert not each.get("hasSortStage")


async def test_what_is_due_is_found_by_its_index_alone(database: MongoDatabase) -> None:
    deals = await database.collection(DEALS)
    for number in range(20):
        await deals.insert(Deal(id=f"n{number}", due_at=number if number % 2 else None))
    await listen(database)
    assert len(await deals.due(9, 2)) == 2
    assert await deals.count({"due_at": Between(below=10)}) == 5
    found, counted = await profiled(database)
    assert found["planSummary"] == "IXSCAN { due_at: 1, _id: 1 }"
    assert counted["planSummary"] == "COUNT_SCAN { due_at: 1, _id: 1 }"
    assert (found["docsExamined"], found.get("hasSortStage")) == (2, None)


async def test_operations_of_one_turn_are_one_command(database: MongoDatabase) -> None:
    deals = await database.collection(DEALS)
    before = [mongod.shared().commands(kind) for kind in ("insert", "update", "delete")]
    stored = await asyncio.gather(*(deals.insert(Deal(id=str(n))) for n in range(100)))
    await asyncio.gather(*(deals.save(deal) for deal in stored))
    await asyncio.gather(*(deals.delete(str(n)) for n in range(1, 100)))
    assert [mongod.shared().commands(kind) for kind in ("insert", "update", "delete")] == [n + 1 for n in before]
    await listen(database)
    found = await asyncio.gather(*(deals.get(str(n)) for n in range(100)))
    assert [deal.version for deal in found if deal] == [2]
    assert len(await profiled(database)) == 1


async def test_writes_ask_for_a_majority_and_its_journals_and_reads_see_no_less(database: MongoDatabase) -> None:
    careless = "&w=1&journal=false&readConcernLevel=local&readPreference=secondary&retryWrites=false"
    opened = await MongoDatabase.open(mongod.shared().uri + careless, database.name)
    deals = await opened.collection(DEALS)
    await listen(database)
    await deals.insert(Deal(id="a"))
    await deals.get("a")
    await deals.find({}, limit=1)
    await deals.totals({}, "stage")
    insert, *reads = await profiled(database)
    await opened.close()
    assert insert["command"]["writeConcern"] == {"w": "majority", "j": True}
    assert [read["command"]["readConcern"]["level"] for read in reads] == ["majority"] * 3


class Ticket(Document, frozen=True, kw_only=True):
    order_id: str
    session_id: str | None = None


TICKETS = CollectionSpec(
    "deals", Ticket, (Index("one", ("order_id",), unique=True), Index("by_session", ("session_id",), unique=True))
)


async def test_what_is_unique_is_looked_up_together_by_its_index(database: MongoDatabase) -> None:
    tickets = await database.collection(TICKETS)
    for n in range(30):
        await tickets.insert(Ticket(id=f"t{n}", order_id=f"o{n}", session_id=f"s{n}" if n % 2 else None))
    await listen(database)
    for field, prefix in (("order_id", "o"), ("session_id", "s")):
        found = await asyncio.gather(*(tickets.first({field: f"{prefix}{n}"}) for n in (3, 5, 99, 3)))
        assert [ticket and ticket.id for ticket in found] == ["t3", "t5", None, "t3"]
    assert [each["planSummary"] for each in await profiled(database)] == [
        "IXSCAN { order_id: 1 }",
        "IXSCAN { session_id: 1 }",
    ]
    nobody = await tickets.first({"session_id": None, "order_id": "o3"})
    assert nobody is None
    without = await tickets.first({"session_id": None})
    assert without is not None
    assert without.id == "t0"


async def test_a_callers_writes_keep_their_order_whatever_goes_with_them(database: MongoDatabase) -> None:
    deals = await database.collection(DEALS)

    async def live(id: str) -> Deal | None:
        for _ in range(3):
            deal = await deals.insert(Deal(id=id))
            for amount in range(1, 6):
                deal = await deals.save(msgspec.structs.replace(deal, amount=amount))
                assert await deals.get(id) == deal
            await deals.delete(id)
            assert await deals.get(id) is None
        return await deals.insert(Deal(id=id, amount=7))

    ends = await asyncio.gather(*(live(str(n)) for n in range(40)))
    assert await asyncio.gather(*(deals.get(str(n)) for n in range(40))) == ends


async def test_a_caller_who_goes_away_harms_nobody(database: MongoDatabase) -> None:
    deals = await database.collection(DEALS)
    impatient = asyncio.create_task(deals.insert(Deal(id="gone")))
    patient = asyncio.create_task(deals.insert(Deal(id="stays")))
    await asyncio.sleep(0)
    impatient.cancel()
    await patient
    with pytest.raises(asyncio.CancelledError):
        await impatient
    assert await deals.get("stays")


async def test_of_two_clients_one_wins_each_version(database: MongoDatabase) -> None:
    other = await MongoDatabase.open(mongod.shared().uri, database.name)
    sides: list[Collection[Deal]] = [await database.collection(DEALS), await other.collection(DEALS)]
    deal = await sides[0].insert(Deal(id="a"))
    for amount in range(30):
        tries = [side.save(msgspec.structs.replace(deal, amount=amount)) for side in sides for _ in range(3)]
        outcomes = await asyncio.gather(*tries, return_exceptions=True)
        (deal,) = [outcome for outcome in outcomes if isinstance(outcome, Deal)]
        assert sum(isinstance(outcome, Conflict) for outcome in outcomes) == 5

    def add(deal: Deal) -> Deal:
        return msgspec.structs.replace(deal, amount=deal.amount + 1)

    await asyncio.gather(*(change(side, "a", add) for side in sides * 10))
    final = await sides[1].get("a")
    assert final is not None
    assert (final.amount, final.version) == (49, 51)
    await other.close()


async def test_a_document_that_is_deleted_meanwhile_never_comes_back(database: MongoDatabase) -> None:
    deals = await database.collection(DEALS)
    for n in range(30):
        deal = await deals.insert(Deal(id=str(n)))
        saved, _ = await asyncio.gather(deals.save(deal), deals.delete(deal.id), return_exceptions=True)
        assert isinstance(saved, Conflict | Deal)
        assert await deals.get(deal.id) is None


async def test_a_document_is_stored_as_an_operator_expects_it(database: MongoDatabase) -> None:
    deals = await database.collection(DEALS)
    await deals.insert(Deal(id="a", stage=Stage.PAID, amount=2**40, lines=(("p", 2),)))
    assert await database.raw["deals"].find_one() == {
        "_id": "a", "version": 1, "user_id": "u1", "stage": "paid", "amount": 2**40, "title": "", "is_open": False,
        "created_at": 0, "lines": [["p", 2]],
    }  # fmt: skip


class Loose(Document, frozen=True, kw_only=True):
    anything: dict[str, Any]
    note: str | None


LOOSE = CollectionSpec("loose", Loose)


async def test_whatever_json_can_say_comes_back_as_it_was(database: MongoDatabase) -> None:
    loose = await database.collection(LOOSE)
    numbers = [0, 2**31, -(2**31) - 1, 2**53 + 1, 2**63 - 1, -(2**63), 1.0, 0.1]
    content = {"numbers": numbers, "$set": {"a.b": None, "": True}, "empty": {}, "text": "\x00 ☃ 🙂"}
    stored = await loose.insert(Loose(id="a", anything=content, note=None))
    stored = await loose.save(stored)
    found = await loose.get("a")
    assert found == stored
    assert [type(number) for number in found.anything["numbers"]] == [type(number) for number in numbers]


@pytest.mark.parametrize("content", [2**63, -(2**63) - 1, "x" * 17_000_000, "\ud800", object()])
async def test_what_cannot_be_stored_is_refused_alone(database: MongoDatabase, content: Any) -> None:
    loose = await database.collection(LOOSE)
    bad = Loose(id="bad", anything={"x": content}, note="")
    outcomes = await asyncio.gather(
        loose.insert(bad), loose.insert(Loose(id="good", anything={}, note="")), return_exceptions=True
    )
    assert [type(outcome) is Loose for outcome in outcomes] == [False, True]
    assert isinstance(outcomes[0], ValueError | TypeError)
    with pytest.raises((ValueError, TypeError)):
        await loose.save(bad)


async def test_an_id_that_is_no_text_is_refused_alone(database: MongoDatabase) -> None:
    deals = await database.collection(DEALS)
    await deals.insert(Deal(id="a"))
    bad, good = await asyncio.gather(deals.get("\ud800"), deals.get("a"), return_exceptions=True)
    assert isinstance(bad, ValueError)
    assert good == Deal(id="a", version=1)
